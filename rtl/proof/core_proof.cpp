// The tensor core of one output against its promise, by induction over its cycles: each mma gives the clamped or
// wrapped sum of its own products and its own C, with its tag, after the promised cycles, and nothing else comes out.
//
// One mma, any, is watched. The multiplier array is cut at its product register's input and stands for any function of
// what enters it: for the watched operands its values are any eight numbers, for others any. So no operand is left out
// and nothing is multiplied. What holds inside (`held`, `watched`) is proved along with the claims, so that one cycle
// leads to the next.
#include <array>
#include <utility>

#include <fmt/format.h>

#include "rtl/proof/unit_proofs.hpp"

namespace obz::rtl {
namespace {

/// LATENCY, STAGES, JOINED, VALIDW and TAGSW stand for what depends on the latency.
constexpr const char* kText = R"sv((* keep_hierarchy *)
module checks (
  input  logic clk_i,
  input  logic valid_i, ready_i, a_signed_i, b_signed_i, satfinite_i,
  input  logic [2:0] a_lane_i, b_lane_i,
  input  logic [7:0] tag_i,
  input  logic [127:0] a_i, b_i,
  input  logic [31:0] c_i,
  input  logic watch_i,
  input  logic [39:0] any_product,
  input  logic [319:0] any_products,
  output logic claims_hold, all_hold,
  output logic rst_ni,
  output logic [39:0] product,
  input logic ready, valid,
  input logic [7:0] tag,
  input logic [31:0] d,
  input logic [127:0] at_a,
  input logic [127:0] at_b,
  input logic [2:0] at_a_phase,
  input logic [2:0] at_b_phase,
  input logic [2:0] at_a_lane,
  input logic [2:0] at_b_lane,
  input logic [2:0] at_a_other,
  input logic [2:0] at_b_other,
  input logic [2:0] at_dot_a,
  input logic [2:0] at_dot_b,
  input logic [0:0] at_a_signed,
  input logic [0:0] at_b_signed,
  input logic [143:0] from_a,
  input logic [143:0] to_a,
  input logic [47:0] from_b,
  input logic [47:0] to_b,
  input logic [31:0] from_a_bits,
  input logic [31:0] to_a_bits,
  input logic [31:0] from_b_bits,
  input logic [31:0] to_b_bits,
  input logic [0:0] u_busy,
  input logic [0:0] u_multiplied,
  input logic [0:0] u_first,
  input logic [0:0] u_last,
  input logic [0:0] u_summed,
  input logic [0:0] u_a_signed,
  input logic [0:0] u_b_signed,
  input logic [0:0] u_satfinite,
  input logic [0:0] u_satfinite1,
  input logic [0:0] u_satfinite2,
  input logic [2:0] u_phase,
  input logic [2:0] u_a_lane,
  input logic [2:0] u_b_lane,
  input logic [7:0] u_tag,
  input logic [7:0] u_tag1,
  input logic [7:0] u_tag2,
  input logic [127:0] u_a,
  input logic [127:0] u_b,
  input logic [31:0] u_c,
  input logic [39:0] u_product,
  input logic [39:0] u_sum,
  input logic [VALIDW-1:0] u_valid,
  input logic [TAGSW-1:0] u_tags,
STAGES);
  localparam int unsigned Latency = LATENCY;
  localparam int unsigned Ages = Latency + 4;
  logic first_cycle = 1'b1, stalled_q = 1'b0;
  assign rst_ni = !first_cycle;
  logic go, accept, both16_in;
  assign go = !valid || ready_i;
  assign accept = valid_i && ready;
  assign both16_in = a_lane_i == 3'd4 && b_lane_i == 3'd4;

  // Which mma were accepted so many cycles ago, the stalled ones not counted.
  logic [Ages:1] short_q, long_q, here;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      short_q <= '0;
      long_q  <= '0;
    end else if (go) begin
      short_q <= {short_q[Ages-1:1], accept && !both16_in};
      long_q  <= {long_q[Ages-1:1], accept && both16_in};
    end
  end
  assign here = short_q | long_q;

  // The watched one.
  logic [4:0] age_q;
  logic       big_q, a_signed_q, b_signed_q, satfinite_q;
  logic [2:0] a_lane_q, b_lane_q;
  logic [7:0] tag_q;
  logic [127:0] a_q, b_q;
  logic [31:0] c_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) age_q <= '0;
    else if (accept && watch_i && (age_q == 5'd0)) age_q <= 5'd1;
    else if (go && age_q != 5'd0) age_q <= age_q == (big_q ? 5'(Latency + 4) : 5'(Latency)) ? 5'd0 : age_q + 5'd1;
    if (accept && watch_i && age_q == 5'd0) begin
      {a_q, b_q, c_q, tag_q, a_lane_q, b_lane_q, a_signed_q, b_signed_q, satfinite_q, big_q} <=
        {a_i, b_i, c_i, tag_i, a_lane_i, b_lane_i, a_signed_i, b_signed_i, satfinite_i, both16_in};
      products_q <= any_products;
    end
  end

  // What the multiplier array gives: one function of what enters it. For the operands watched it has the values
  // products_q, for others any.
  logic [319:0] products_q;
  logic same;
  assign same = age_q != 5'd0 && at_a == a_q && at_b == b_q && at_a_phase == at_b_phase
    && at_a_lane == a_lane_q && at_b_lane == b_lane_q
    && at_a_other == b_lane_q && at_b_other == a_lane_q && at_dot_a == a_lane_q && at_dot_b == b_lane_q
    && at_a_signed == a_signed_q && at_b_signed == b_signed_q && from_a == to_a && from_b == to_b
    && from_a_bits == to_a_bits && from_b_bits == to_b_bits;
  logic [39:0] at_phase, at_age, sum_at_age;
  always_comb begin
    at_phase = any_product;
    at_age = '0;
    sum_at_age = '0;
    for (int i = 0; i < 8; i++) begin
      if (at_a_phase == i) at_phase = products_q[40*i+:40];
      if (age_q == i + 2) at_age = products_q[40*i+:40];
    end
    for (int i = 0; i < 9; i++) if (age_q == i + 2) sum_at_age = partial[40*i+:40];
  end
  assign product = same ? at_phase : any_product;

  // Sums of its first n products, in 40 bits.
  logic [359:0] partial;
  assign partial[39:0] = {{8{c_q[31]}}, c_q};
  for (genvar n = 0; n < 8; n++) begin : gen_partial
    assign partial[40*n+40+:40] = partial[40*n+:40] + products_q[40*n+:40];
  end
  logic signed [39:0] total;
  logic [31:0] wanted;
  assign total = big_q ? partial[359:320] : partial[199:160];
  always_comb begin
    wanted = total[31:0];
    if (satfinite_q && total > 40'sd2147483647) wanted = 32'h7fffffff;
    if (satfinite_q && total < -40'sd2147483648) wanted = 32'h80000000;
  end

  // Inside, for the induction.
JOINED
  logic [7:0] tag_before_q;
  logic [31:0] d_before_q;
  always_ff @(posedge clk_i) begin
    first_cycle <= 1'b0;
    stalled_q   <= rst_ni && valid && !ready_i;
    tag_before_q <= tag;
    d_before_q <= d;
  end
  logic [4:0] n;
  assign n = big_q ? 5'd8 : 5'd4;
  logic claims, held, watched;
  always_comb begin
    claims = 1'b1;
    // the claims
    claims = claims && (ready == (go && short_q[3:1] == '0 && long_q[7:1] == '0));
    claims = claims && (valid == (short_q[Latency] || long_q[Latency+4]));
    claims = claims && (!stalled_q || (valid && tag == tag_before_q && d == d_before_q));
    claims = claims && (age_q != (big_q ? 5'(Latency + 4) : 5'(Latency)) || (valid && tag == tag_q && d == wanted));
    // the invariants
    held = 1'b1;
    for (int i = 2; i <= Ages; i++) begin
      for (int j = 1; j <= 7; j++) begin
        if (i - j >= 1) begin
          if (j <= 3) held = held && (!(short_q[i] && here[i-j]));
          held = held && (!(long_q[i] && here[i-j]));
        end
      end
    end
    held = held && ((short_q & long_q) == '0);
    held = held && (u_busy == (short_q[4:1] != '0 || long_q[8:1] != '0));
    for (int i = 1; i <= 8; i++) begin
      held = held && (!long_q[i] || (u_phase == 3'(i - 1) && u_a_lane == 3'd4 && u_b_lane == 3'd4));
      if (i <= 4) held = held && (!short_q[i] || (u_phase == 3'(i - 1) && !(u_a_lane == 3'd4 && u_b_lane == 3'd4)));
    end
    held = held && (u_multiplied == (short_q[5:2] != '0 || long_q[9:2] != '0));
    held = held && (!u_multiplied || (u_first == here[2] && u_last == (short_q[5] || long_q[9])));
    held = held && (u_summed == (short_q[6] || long_q[10]));
    for (int i = 0; i <= Latency - 7; i++) held = held && (u_valid[i] == (short_q[7+i] || long_q[11+i]));
    // the watched one
    watched = big_q == (a_lane_q == 3'd4 && b_lane_q == 3'd4);
    watched = watched && (age_q <= (big_q ? 5'(Latency + 4) : 5'(Latency)));
    for (int i = 1; i <= Ages; i++) watched = watched && (age_q != i || (big_q ? long_q[i] : short_q[i]));
    watched = watched && (age_q > n
      || {u_a, u_b, u_a_lane, u_b_lane, u_a_signed, u_b_signed, u_c, u_tag, u_satfinite}
      == {a_q, b_q, a_lane_q, b_lane_q, a_signed_q, b_signed_q, c_q, tag_q, satfinite_q});
    watched = watched && (!(age_q >= 5'd2 && age_q <= n + 5'd1) ||
      (u_product == at_age && u_tag1 == tag_q && u_satfinite1 == satfinite_q));
    watched = watched && (!(age_q >= 5'd3 && age_q <= n + 5'd2) || u_sum == sum_at_age);
    watched = watched && (age_q != n + 5'd2 || (u_tag2 == tag_q && u_satfinite2 == satfinite_q));
    for (int i = 0; i <= Latency - 7; i++) begin
      watched = watched && (age_q != n + 5'd3 + i || (u_tags[8*i+:8] == tag_q && u_d[32*i+:32] == wanted));
    end
  end
  assign claims_hold = first_cycle || claims;
  assign all_hold = first_cycle || (claims && held && (age_q == 5'd0 || watched));
endmodule
module miter (
  input  logic clk_i,
  input  logic valid_i, ready_i, a_signed_i, b_signed_i, satfinite_i,
  input  logic [2:0] a_lane_i, b_lane_i,
  input  logic [7:0] tag_i,
  input  logic [127:0] a_i, b_i,
  input  logic [31:0] c_i,
  input  logic watch_i,
  input  logic [39:0] any_product,
  input  logic [319:0] any_products,
  output logic claims_hold, all_hold);
  logic ready, valid, rst_ni;
  logic [7:0] tag;
  logic [31:0] d;
  localparam int unsigned Latency = LATENCY;
  obz_tensor_core #(.Rows(1), .Cols(1), .Latency(Latency), .TagW(8)) u_core (
    .clk_i, .rst_ni, .valid_i, .ready_o(ready), .a_lane_i, .b_lane_i, .a_signed_i, .b_signed_i, .satfinite_i, .tag_i,
    .a_i, .b_i, .c_i, .valid_o(valid), .ready_i, .tag_o(tag), .d_o(d)
  );

  checks u_checks (.clk_i, .valid_i, .ready_i, .a_signed_i, .b_signed_i, .satfinite_i, .a_lane_i, .b_lane_i,
    .tag_i, .a_i, .b_i, .c_i, .watch_i, .any_product, .any_products, .claims_hold, .all_hold, .rst_ni, .ready, .valid, .tag, .d);
endmodule
)sv";

/// Ports of `checks`, and the wires of the core that they see; product drives one.
constexpr std::array kTies = {std::pair{"product", "u_core.gen_outputs[0].gen_output[0].u_dot.product_d"},
                              std::pair{"at_a", "u_core.gen_row[0].u_operand.row_i"},
                              std::pair{"at_a_phase", "u_core.gen_row[0].u_operand.phase_i"},
                              std::pair{"at_a_lane", "u_core.gen_row[0].u_operand.lane_i"},
                              std::pair{"at_a_other", "u_core.gen_row[0].u_operand.other_lane_i"},
                              std::pair{"at_a_signed", "u_core.gen_row[0].u_operand.signed_i"},
                              std::pair{"from_a", "u_core.gen_row[0].u_operand.factors_o"},
                              std::pair{"from_a_bits", "u_core.gen_row[0].u_operand.bits_o"},
                              std::pair{"at_b", "u_core.gen_col[0].u_operand.row_i"},
                              std::pair{"at_b_phase", "u_core.gen_col[0].u_operand.phase_i"},
                              std::pair{"at_b_lane", "u_core.gen_col[0].u_operand.lane_i"},
                              std::pair{"at_b_other", "u_core.gen_col[0].u_operand.other_lane_i"},
                              std::pair{"at_b_signed", "u_core.gen_col[0].u_operand.signed_i"},
                              std::pair{"from_b", "u_core.gen_col[0].u_operand.factors_o"},
                              std::pair{"from_b_bits", "u_core.gen_col[0].u_operand.bits_o"},
                              std::pair{"to_a", "u_core.gen_outputs[0].gen_output[0].u_dot.a_factors_i"},
                              std::pair{"to_b", "u_core.gen_outputs[0].gen_output[0].u_dot.b_factors_i"},
                              std::pair{"to_a_bits", "u_core.gen_outputs[0].gen_output[0].u_dot.a_bits_i"},
                              std::pair{"to_b_bits", "u_core.gen_outputs[0].gen_output[0].u_dot.b_bits_i"},
                              std::pair{"at_dot_a", "u_core.gen_outputs[0].gen_output[0].u_dot.a_lane_i"},
                              std::pair{"at_dot_b", "u_core.gen_outputs[0].gen_output[0].u_dot.b_lane_i"},
                              std::pair{"u_product", "u_core.gen_outputs[0].gen_output[0].u_dot.product_q"},
                              std::pair{"u_sum", "u_core.gen_outputs[0].gen_output[0].u_dot.sum_q"},
                              std::pair{"u_busy", "u_core.busy_q"},
                              std::pair{"u_phase", "u_core.phase_q"},
                              std::pair{"u_multiplied", "u_core.multiplied_q"},
                              std::pair{"u_first", "u_core.first_q"},
                              std::pair{"u_last", "u_core.last_q"},
                              std::pair{"u_summed", "u_core.summed_q"},
                              std::pair{"u_a_signed", "u_core.a_signed_q"},
                              std::pair{"u_b_signed", "u_core.b_signed_q"},
                              std::pair{"u_satfinite", "u_core.satfinite_q"},
                              std::pair{"u_satfinite1", "u_core.satfinite1_q"},
                              std::pair{"u_satfinite2", "u_core.satfinite2_q"},
                              std::pair{"u_a_lane", "u_core.a_lane_q"},
                              std::pair{"u_b_lane", "u_core.b_lane_q"},
                              std::pair{"u_tag", "u_core.tag_q"},
                              std::pair{"u_tag1", "u_core.tag1_q"},
                              std::pair{"u_tag2", "u_core.tag2_q"},
                              std::pair{"u_a", "u_core.a_q"},
                              std::pair{"u_b", "u_core.b_q"},
                              std::pair{"u_c", "u_core.c_q"},
                              std::pair{"u_valid", "u_core.valid_pipe_q"},
                              std::pair{"u_tags", "u_core.tag_pipe_q"}};

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
  return text;
}

std::string spec_text(int latency) {
  const int stages = latency - 6;
  std::string ports, joined;
  for (int i = 0; i < stages; ++i) {
    ports += fmt::format("  input logic [31:0] u_d{}{}\n", i, i + 1 == stages ? "" : ",");
    joined = fmt::format("u_d{}{}{}", i, i == 0 ? "" : ", ", joined);
  }
  std::string text = replaced(kText, "LATENCY", std::to_string(latency));
  text = replaced(text, "STAGES", ports);
  text =
      replaced(text, "JOINED", fmt::format("  logic [{}:0] u_d;\n  assign u_d = {{{}}};\n", 32 * stages - 1, joined));
  return replaced(replaced(text, "VALIDW", std::to_string(stages)), "TAGSW", std::to_string(8 * stages));
}

Proof core_proof(int latency) {
  Proof p{
      .subject = fmt::format("latency {}", latency),
      .part = "core",
      .claim = fmt::format("obz_tensor_core for one output accepts when it is free and gives each mma's sum and tag "
                           "{} cycles later ({} for 16 x 16 bits), in order; results stand still while they wait",
                           latency, latency + 4),
      .covers = "every sequence of mma and stalls from reset: operand, lane, sign, C, clamp, tag",
      .assumes = "the multiplier array is some function of the row, the column, their lanes, signs and the phase",
      .spec = spec_text(latency)};
  p.tensor_core = true;
  p.cuts = {{"obz_dot.sv", "assign product_d = wide == obz_pkg::Lane1 ? $signed({34'd0, differing}) : fused;", ""}};
  p.prepare = "cd miter\n";
  for (const auto& [port, wire] : kTies) p.prepare += fmt::format("connect -port u_checks {} {}\n", port, wire);
  for (int i = 0; i < latency - 6; ++i) {
    p.prepare += fmt::format("connect -port u_checks u_d{0} u_core.d_pipe_q[{0}]\n", i);
  }
  p.prepare += "cd ..\nsetattr -mod -unset keep_hierarchy checks\nflatten\nopt -full\nasync2sync\n";
  return p;
}

}  // namespace

std::vector<Proof> core_proofs() {
  Proof p = core_proof(14);
  p.goals = {"-tempinduct -maxsteps 1 -prove all_hold 1"};
  return {p};
}

const std::vector<RtlMutant>& core_mutants() {
  static const std::vector<RtlMutant> all{
      {"stalls lose products", "obz_tensor_core.sv", ".multiply_i(go && busy_q)", ".multiply_i(busy_q && ready_o)",
       "core"},
      {"stalls add products again", "obz_tensor_core.sv", ".sum_i(go && multiplied_q)", ".sum_i(multiplied_q)", "core"},
      {"the sum goes on from the last one", "obz_dot.sv", "(first_i ? 40'($signed(c_i)) : sum_q)", "sum_q", "core"},
      {"C has no sign", "obz_dot.sv", "40'($signed(c_i))", "$signed({8'd0, c_i})", "core"},
      {"the clamp is the next one's", "obz_tensor_core.sv", "satfinite2_q <= satfinite1_q",
       "satfinite2_q <= satfinite_q", "core"},
      {"the tag is the next one's", "obz_tensor_core.sv", "tag2_q       <= tag1_q", "tag2_q       <= tag_q", "core"},
      {"accepts a phase early", "obz_tensor_core.sv", "(!busy_q || phase_q == last_phase)",
       "(!busy_q || phase_q >= last_phase - 3'd1)", "core"},
      {"takes a column's sign for a row's", "obz_tensor_core.sv", ".signed_i(a_signed_q)", ".signed_i(b_signed_q)",
       "core"},
      {"the sum clamps one too early", "obz_tensor_core.sv", "sum[39:31] == '0 ||", "sum[39:30] == '0 ||", "core"}};
  return all;
}

}  // namespace obz::rtl
