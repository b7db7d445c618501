#include "rtl/proof/spec.hpp"

#include <fmt/format.h>

namespace obz::rtl {
namespace {

/// `to` = round(from / 2^amount), amount a 6-bit expression; names end in `tag`.
std::string rounding_text(Rounding mode, const std::string& from, const std::string& amount, const std::string& to,
                          const std::string& tag) {
  std::string up;
  switch (mode) {
    case Rounding::floor: up = "1'b0"; break;
    case Rounding::trunc: up = fmt::format("{}[63] && (half_{} || below_{})", from, tag, tag); break;
    case Rounding::half_up: up = fmt::format("half_{}", tag); break;
    case Rounding::half_away: up = fmt::format("half_{0} && (below_{0} || !{1}[63])", tag, from); break;
    case Rounding::half_even: up = fmt::format("half_{0} && (below_{0} || floor_{0}[0])", tag); break;
  }
  return fmt::format(
      "  // bits that are shifted out, moved to the top: the half and what is below it\n"
      "  logic signed [63:0] floor_{0};\n"
      "  logic [63:0] out_{0};\n"
      "  logic half_{0}, below_{0};\n"
      "  assign floor_{0} = {1} >>> {2};\n"
      "  assign out_{0} = {2} == 6'd0 ? 64'd0 : {1} << (7'd64 - {{1'b0, {2}}});\n"
      "  assign half_{0} = out_{0}[63];\n"
      "  assign below_{0} = out_{0}[62:0] != 63'd0;\n"
      "  assign {3} = floor_{0} + {{63'd0, {4}}};\n",
      tag, from, amount, to, up);
}

/// An expression: `name` in a register of so many bits.
std::string register_text(const std::string& name, int bits, Overflow overflow) {
  if (overflow == Overflow::exact || bits == 64) return name;
  const std::string kept = fmt::format("{{{{{}{{{}[{}]}}}}, {}[{}:0]}}", 64 - bits, name, bits - 1, name, bits - 1);
  if (overflow == Overflow::wrap) return fmt::format("$signed({})", kept);
  const std::string agree = fmt::format("({0}[63:{1}] == '0 || {0}[63:{1}] == '1)", name, bits - 1);
  return fmt::format("({} ? {} : {}[63] ? $signed({{{{{}{{1'b1}}}}, {}'d0}}) : $signed({{{}'d0, {{{}{{1'b1}}}}}}))",
                     agree, name, name, 65 - bits, bits - 1, 65 - bits, bits - 1);
}

std::string zero_point_text(const Recipe& r, bool first) {
  const bool there = (r.zero_point == ZeroPointAt::before_scaling) == first;
  return there ? "{{32{zero_point_i[31]}}, zero_point_i}" : "64'd0";
}

}  // namespace

std::string spec_operand(const Recipe& r) {
  std::string text =
      "module spec_operand (\n"
      "  input  logic signed [63:0] acc_i,\n  input  logic [5:0] shift_i,\n  input  logic signed [31:0] zero_point_i,\n"
      "  output logic signed [63:0] operand_o\n);\n"
      "  logic signed [63:0] joined, moved;\n";
  text += fmt::format("  assign joined = acc_i + $signed({});\n", zero_point_text(r, true));
  if (r.first_bits == 0) return text + "  assign moved = joined;\n  assign operand_o = moved;\nendmodule\n";
  // A left shift by first_bits - shift, as first_bits of them less shift of them.
  text += "  logic [5:0] steps;\n";
  text += fmt::format("  assign steps = 6'd{} - shift_i;\n", r.first_bits);
  text += "  assign moved = joined << steps;\n";
  text += fmt::format("  assign operand_o = shift_i >= 6'd{} ? joined : {};\nendmodule\n", r.first_bits,
                      register_text("moved", 32, r.left_overflow));
  return text;
}

std::string spec_scale(const Recipe& r, bool any_clamp) {
  std::string text =
      "module spec_scale (\n"
      "  input  logic signed [63:0] product_i,\n  input  logic [5:0] shift_i,\n"
      "  input  logic signed [31:0] zero_point_i,\n";
  if (any_clamp) text += "  input  logic signed [63:0] lo_i,\n  input  logic signed [63:0] hi_i,\n";
  text +=
      "  output logic signed [63:0] out_o\n);\n"
      "  logic signed [63:0] product, first_rounded, first, rounded, scaled, joined, sum;\n  logic [5:0] rest;\n";
  text += fmt::format("  assign product = {};\n", register_text("product_i", r.product_bits, Overflow::wrap));
  if (r.first_bits > 0) {
    text += rounding_text(r.first_rounding, "product", fmt::format("6'd{}", r.first_bits), "first_rounded", "a");
    text += fmt::format("  assign first = {};\n", register_text("first_rounded", 32, r.first_overflow));
    text += fmt::format("  assign rest = shift_i > 6'd{0} ? shift_i - 6'd{0} : 6'd0;\n", r.first_bits);
  } else {
    text += "  assign first_rounded = product;\n  assign first = first_rounded;\n  assign rest = shift_i;\n";
  }
  text += rounding_text(r.rounding, "first", "rest", "rounded", "b");
  text += fmt::format("  assign scaled = {};\n", register_text("rounded", r.scaled_bits, r.scaled_overflow));
  const std::string late = zero_point_text(r, false);
  if (r.clamp == ClampAt::before_zero_point) {
    text += fmt::format(
        "  // clamped to -128 - zero point .. 127 - zero point, then shifted back\n"
        "  logic signed [63:0] low, high;\n"
        "  assign low = {1} - $signed({0});\n  assign high = {2} - $signed({0});\n"
        "  assign joined = scaled;\n  assign sum = (joined >= high) ? high : (joined <= low) ? low : joined;\n"
        "  assign out_o = sum + $signed({0});\nendmodule\n",
        late, any_clamp ? "lo_i" : "-64'sd128", any_clamp ? "hi_i" : "64'sd127");
    return text;
  }
  text += fmt::format("  assign joined = scaled + $signed({});\n", late);
  text += fmt::format("  assign sum = {};\n",
                      register_text("joined", r.scaled_bits < 32 ? 32 : r.scaled_bits, r.scaled_overflow));
  if (any_clamp) return text + "  assign out_o = sum < lo_i ? lo_i : sum > hi_i ? hi_i : sum;\nendmodule\n";
  text += "  assign out_o = (sum[63:7] == '0 || sum[63:7] == '1) ? sum : sum[63] ? -64'sd128 : 64'sd127;\nendmodule\n";
  return text;
}

std::string miter_operand(const Recipe& r) {
  return fmt::format(
      "module miter (\n"
      "  input  logic signed [63:0] acc_i,\n  input  logic [5:0] shift_i,\n  input  logic signed [31:0] zero_point_i,\n"
      "  output logic bad\n);\n"
      "  logic signed [63:0] wanted, got;\n"
      "  spec_operand u_spec (.acc_i(acc_i), .shift_i(shift_i), .zero_point_i(zero_point_i), .operand_o(wanted));\n"
      "  obz_requant_operand u_dut (\n"
      "    .acc_i(acc_i), .shift_i(shift_i), .zero_point_i(zero_point_i), .first_bits_i(6'd{}),\n"
      "    .left_overflow_i(2'd{}), .zero_point_first_i(1'b{}), .operand_o(got)\n  );\n"
      "  assign bad = wanted != got;\nendmodule\n",
      r.first_bits, static_cast<int>(r.left_overflow), r.zero_point == ZeroPointAt::before_scaling ? 1 : 0);
}

std::string miter_scale(const Recipe& r) {
  return fmt::format(
      "module miter (\n"
      "  input  logic signed [63:0] product_i,\n  input  logic [5:0] shift_i,\n"
      "  input  logic signed [31:0] zero_point_i,\n  output logic bad\n);\n"
      "  logic signed [63:0] wanted, got;\n"
      "  spec_scale u_spec (.product_i(product_i), .shift_i(shift_i), .zero_point_i(zero_point_i), .out_o(wanted));\n"
      "  obz_requant_scale u_dut (\n"
      "    .product_i(product_i), .shift_i(shift_i), .zero_point_i(zero_point_i), .lo_i(-64'sd128), .hi_i(64'sd127),\n"
      "    .rounding_i(3'd{}), .first_bits_i(6'd{}), .first_rounding_i(3'd{}), .first_overflow_i(2'd{}),\n"
      "    .product_bits_i(7'd{}), .scaled_bits_i(7'd{}), .scaled_overflow_i(2'd{}), .zero_point_first_i(1'b{}),\n"
      "    .clamp_first_i(1'b{}), .out_o(got)\n  );\n"
      "  assign bad = wanted != got;\nendmodule\n",
      static_cast<int>(r.rounding), r.first_bits, static_cast<int>(r.first_rounding),
      static_cast<int>(r.first_overflow), r.product_bits, r.scaled_bits, static_cast<int>(r.scaled_overflow),
      r.zero_point == ZeroPointAt::before_scaling ? 1 : 0, r.clamp == ClampAt::before_zero_point ? 1 : 0);
}

}  // namespace obz::rtl
