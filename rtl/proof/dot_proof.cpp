// The multiplier array of one output is the sum of the products of its lanes, in three steps. Groups: four multipliers
// give the products of the lanes that meet there, of 16-bit lanes those of their bytes; 18 inputs each, so BDDs decide.
// Sum: whatever the groups give is added with its weight. Phases: a later phase is phase 0 of the row moved down. That
// the phases add up with C is the unit `core`.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "rtl/proof/unit_proofs.hpp"

namespace obz::rtl {
namespace {

constexpr std::array kWidths{1, 2, 4, 8, 16};

int log2_of(int bits) { return static_cast<int>(std::find(kWidths.begin(), kWidths.end(), bits) - kWidths.begin()); }

/// Bits [lo, lo + bits) of a slice, the highest a sign where `top` says so and the operand has one.
std::string number(char operand, int lo, int bits, bool top = true) {
  const int hi = lo + bits - 1;
  const std::string sign = top ? fmt::format("{0}_signed_i & {0}_i[{1}]", operand, hi) : "1'b0";
  return fmt::format("32'($signed({{{}, {}_i[{}:{}]}}))", sign, operand, hi, lo);
}

std::string byte_of_16(char operand, int element, int byte) {
  return number(operand, 16 * element + 8 * byte, 8, byte == 1);
}

/// What meets in group g: its products, added.
std::string group_text(int a, int b, int g) {
  if (a == 16 && b == 16) return byte_of_16('a', 0, g % 2) + " * " + byte_of_16('b', 0, g / 2);
  if (a == 16) return byte_of_16('a', g / 2, g % 2) + " * " + number('b', g / 2 * b, b);
  if (b == 16) return number('a', g / 2 * a, a) + " * " + byte_of_16('b', g / 2, g % 2);
  const int each = 32 / std::max(a, b) / 4;
  std::string text;
  for (int i = g * each; i < (g + 1) * each; ++i) {
    text += fmt::format("{}{} * {}", text.empty() ? "" : " + ", number('a', i * a, a), number('b', i * b, b));
  }
  return text;
}

Proof groups(int a, int b) {
  std::string spec = fmt::format(
      "module miter (\n  input  logic [31:0] a_i, b_i,\n  input  logic a_signed_i, b_signed_i,\n  output logic [3:0] "
      "bad\n"
      ");\n  logic [31:0] a_bits, b_bits;\n  logic [143:0] a_factors;\n  logic [47:0] b_factors;\n"
      "  logic signed [31:0] got0, got1, got2, got3, want0, want1, want2, want3;\n"
      "  obz_operand #(.IsB(1'b0)) u_a (\n    .row_i({{96'd0, a_i}}), .phase_i(3'd0), .lane_i(3'd{0}), "
      ".other_lane_i(3'd{1}),\n    .signed_i(a_signed_i), .bits_o(a_bits), .factors_o(a_factors)\n  );\n"
      "  obz_operand #(.IsB(1'b1)) u_b (\n    .row_i({{96'd0, b_i}}), .phase_i(3'd0), .lane_i(3'd{1}), "
      ".other_lane_i(3'd{0}),\n    .signed_i(b_signed_i), .bits_o(b_bits), .factors_o(b_factors)\n  );\n",
      log2_of(a), log2_of(b));
  const int wide = std::max(a, b);
  for (int g = 0; g < 4; ++g) {
    spec += fmt::format(
        "  obz_fused_mul u_mul{0} (\n    .a_i(a_factors[{1}:{2}]), .b_i(b_factors[{3}:{4}]), .nibbles_i(1'b{5}), "
        ".crumbs_i(1'b{6}),\n    .sum_o(got{0})\n  );\n  assign want{0} = {7};\n  assign bad[{0}] = got{0} != "
        "want{0};\n",
        g, 36 * g + 35, 36 * g, 12 * g + 11, 12 * g, wide == 4 ? 1 : 0, wide == 2 ? 1 : 0, group_text(a, b, g));
  }
  Proof p{.subject = fmt::format("{} x {}", a, b),
          .part = "groups",
          .claim = wide == 16 ? "each group of multipliers gives the product of the bytes that meet there"
                              : "each group of multipliers gives the products of the lanes that meet there, added",
          .covers = "every pair of lanes, signed and unsigned",
          .spec = spec + "endmodule\n",
          .prover = Prover::abc_bdd};
  p.tensor_core = true;
  return p;
}

Proof sum() {
  Proof p{.subject = "array",
          .part = "sum",
          .claim =
              "obz_dot adds what its groups give, those of 16-bit lanes with their weights; of 1-bit lanes it counts "
              "those that differ",
          .covers = "every 32-bit value of each group, every pair of lanes",
          .spec = R"(module miter (
  input  logic [2:0] a_lane_i, b_lane_i,
  input  logic [31:0] a_bits_i, b_bits_i,
  input  logic signed [31:0] group0_i, group1_i, group2_i, group3_i,
  output logic bad
);
  logic signed [39:0] low, middle, high, count, wanted;
  logic [39:0] got;
  assign low    = {{8{group0_i[31]}}, group0_i};
  assign high   = {{8{group3_i[31]}}, group3_i};
  assign middle = {{8{group1_i[31]}}, group1_i} + {{8{group2_i[31]}}, group2_i};
  always_comb begin
    count = '0;
    for (int i = 0; i < 32; i++) count = count + (a_bits_i[i] != b_bits_i[i] ? 40'sd1 : 40'sd0);
    wanted = low + middle + high;
    if (a_lane_i == 3'd0 && b_lane_i == 3'd0) wanted = count;
    else if (a_lane_i == 3'd4 && b_lane_i == 3'd4) wanted = low + {middle[31:0], 8'd0} + {high[23:0], 16'd0};
    else if (a_lane_i == 3'd4 || b_lane_i == 3'd4)
      wanted = low + {{8{group2_i[31]}}, group2_i} + {group1_i, 8'd0} + {group3_i, 8'd0};
  end
  obz_dot u_dut (
    .clk_i(1'b0), .rst_ni(1'b1), .multiply_i(1'b0), .sum_i(1'b0), .first_i(1'b0), .a_lane_i(a_lane_i),
    .b_lane_i(b_lane_i), .a_bits_i(a_bits_i), .b_bits_i(b_bits_i),
    .a_factors_i({4'd0, group3_i, 4'd0, group2_i, 4'd0, group1_i, 4'd0, group0_i}), .b_factors_i(48'd0), .c_i(32'd0),
    .sum_o(got)
  );
  assign bad = a_lane_i <= 3'd4 && b_lane_i <= 3'd4 && got != wanted;
endmodule
)"};
  p.tensor_core = true;
  // Groups give what their input is; what enters the register comes out.
  p.cuts = {{"obz_fused_mul.sv", "low + (nibbles_i || crumbs_i ? high : high <<< 4)", "$signed(a_i[31:0])"},
            {"obz_dot.sv", "assign sum_o = sum_q;", "assign sum_o = product_d;"}};
  return p;
}

Proof phases() {
  std::string spec = R"(module miter (
  input  logic [127:0] row_i,
  input  logic [2:0] phase_i, lane_i, other_lane_i,
  input  logic signed_i,
  output logic bad
);
  // Elements a phase, times the bits of one.
  logic [2:0] wide;
  logic [5:0] elements, step;
  logic [8:0] start;
  logic [127:0] moved;
  assign wide = lane_i < other_lane_i ? other_lane_i : lane_i;
  always_comb begin
    elements = 6'd4;
    if (wide == 3'd0) elements = 6'd32;
    if (wide == 3'd1) elements = 6'd16;
    if (wide == 3'd2) elements = 6'd8;
    if (wide == 3'd4) elements = lane_i == other_lane_i ? 6'd1 : 6'd2;
    step = elements;
    if (lane_i == 3'd1) step = {elements[4:0], 1'b0};
    if (lane_i == 3'd2) step = {elements[3:0], 2'b00};
    if (lane_i == 3'd3) step = {elements[2:0], 3'b000};
    if (lane_i == 3'd4) step = {elements[1:0], 4'b0000};
  end
  assign start = {3'd0, phase_i[0] ? step : 6'd0} + {2'd0, phase_i[1] ? step : 6'd0, 1'b0} +
                 {1'd0, phase_i[2] ? step : 6'd0, 2'b00};
  assign moved = row_i >> start;
)";
  for (const int b : {0, 1}) {
    const int width = b == 1 ? 47 : 143;
    spec +=
        fmt::format("  logic [31:0] bits{0}, want_bits{0};\n  logic [{1}:0] factors{0}, want_factors{0};\n", b, width);
    for (const bool wanted : {false, true}) {
      spec += fmt::format(
          "  obz_operand #(.IsB(1'b{0})) u_{1}{0} (\n    .row_i({2}), .phase_i({3}), .lane_i(lane_i), "
          ".other_lane_i(other_lane_i),\n    .signed_i(signed_i), .bits_o({4}bits{0}), .factors_o({4}factors{0})\n  "
          ");\n",
          b, wanted ? "want" : "dut", wanted ? "moved" : "row_i", wanted ? "3'd0" : "phase_i", wanted ? "want_" : "");
    }
  }
  spec +=
      "  assign bad = lane_i <= 3'd4 && other_lane_i <= 3'd4 &&\n"
      "               (phase_i < 3'd4 || (lane_i == 3'd4 && other_lane_i == 3'd4)) &&\n"
      "               (bits0 != want_bits0 || bits1 != want_bits1 || factors0 != want_factors0 ||\n"
      "                factors1 != want_factors1);\nendmodule\n";
  Proof p{.subject = "array",
          .part = "phases",
          .claim = "obz_operand in a phase feeds what it feeds in phase 0 of the row moved down by the elements before",
          .covers = "every row, phase, pair of lanes and sign",
          .spec = spec};
  p.tensor_core = true;
  return p;
}

}  // namespace

std::vector<Proof> dot_proofs(const std::string& which) {
  std::vector<Proof> all;
  const auto take = [&](Proof p) {
    if (which.empty() || which == p.name()) all.push_back(std::move(p));
  };
  for (const int a : kWidths) {
    for (const int b : kWidths) {
      if (std::max(a, b) > 1) take(groups(a, b));
    }
  }
  take(sum());
  take(phases());
  return all;
}

const std::vector<RtlMutant>& dot_mutants() {
  static const std::vector<RtlMutant> all{
      {"the second crumb weighs two", "obz_fused_mul.sv", "product1 <<< 2", "product1 <<< 1", "8 x 8 groups"},
      {"the last crumb always weighs four", "obz_fused_mul.sv", "crumbs_i ? product3 : product3 <<< 2",
       "product3 <<< 2", "2 x 2 groups"},
      {"nibbles weigh as in a byte", "obz_fused_mul.sv", "nibbles_i || crumbs_i ? high", "crumbs_i ? high",
       "4 x 4 groups"},
      {"a crumb of b without sign", "obz_fused_mul.sv", "32'($signed(b_i[11:9]))", "32'($signed({1'b0, b_i[10:9]}))",
       "8 x 8 groups"},
      {"widened bits lose the sign", "obz_operand.sv", "{signed_i & slice[i], slice[i]}", "{1'b0, slice[i]}",
       "2 x 1 groups"},
      {"widened crumbs lose the sign", "obz_operand.sv", "{2{signed_i & of2[2*i+1]}}", "2'b00", "2 x 4 groups"},
      {"widened nibbles lose the sign", "obz_operand.sv", "{4{signed_i & of4[4*i+3]}}", "4'b0000", "8 x 4 groups"},
      {"every crumb has a sign", "obz_operand.sv", "byte_signed[g/4] && wide <= Ends && bytes[2*g+1]",
       "byte_signed[g/4] && bytes[2*g+1]", "8 x 8 groups"},
      {"low bytes have a sign", "obz_operand.sv",
       "IsB ? {signed_i, signed_i, 2'b00} : {signed_i, 1'b0, signed_i, 1'b0}", "{4{signed_i}}", "16 x 16 groups"},
      {"bytes of one 16-bit lane meet both elements", "obz_operand.sv",
       "bytes = {of8[15:8], of8[15:8], of8[7:0], of8[7:0]};\n", "bytes = {of8[15:0], of8[15:0]};\n", "16 x 8 groups"},
      {"16-bit lanes at twice the pace", "obz_operand.sv", "both16 ? 3'd4 : 3'd5 - (wide - lane_i)",
       "3'd5 - (wide - lane_i)", "array phases"},
      {"middle bytes weigh half", "obz_dot.sv", "(40'(sum1) + 40'(sum2)) <<< 8", "(40'(sum1) + 40'(sum2)) <<< 7",
       "array sum"},
      {"high bytes weigh as middle ones", "obz_dot.sv", "40'(sum3) <<< 16", "40'(sum3) <<< 8", "array sum"},
      {"bits are multiplied", "obz_dot.sv", "a_bits_i ^ b_bits_i", "a_bits_i & b_bits_i", "array sum"}};
  return all;
}

}  // namespace obz::rtl
