// obz_add_lane against the Add that a profile fills. The specification is made from the Add's fields; cut at the three
// products and behind the branches, so that each step is a question of its own.
#include <fmt/format.h>

#include "ref/base/error.hpp"
#include "ref/read/fill.hpp"
#include "rtl/proof/spec.hpp"
#include "rtl/proof/unit_proofs.hpp"

namespace obz::rtl {
namespace {

std::string renamed(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  OBZ_CHECK(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

/// spec_operand_TAG and spec_scale_TAG.
std::string spec_of(const Requant& requant, const std::string& tag) {
  return renamed(spec_operand(requant.recipe), "spec_operand", "spec_operand_" + tag) + "\n" +
         renamed(spec_scale(requant.recipe, true), "spec_scale", "spec_scale_" + tag) + "\n";
}

/// The recipe as obz_requant_lane takes it, field by field.
std::string recipe_text(const Recipe& r) {
  return fmt::format("{{1'b{}, 1'b{}, 2'd{}, 7'd{}, 7'd{}, 2'd{}, 2'd{}, 3'd{}, 6'd{}, 3'd{}}}",
                     r.clamp == ClampAt::before_zero_point ? 1 : 0, r.zero_point == ZeroPointAt::before_scaling ? 1 : 0,
                     static_cast<int>(r.scaled_overflow), r.scaled_bits, r.product_bits,
                     static_cast<int>(r.left_overflow), static_cast<int>(r.first_overflow),
                     static_cast<int>(r.first_rounding), r.first_bits, static_cast<int>(r.rounding));
}

/// A number of so many bits in two's complement.
std::string literal(std::int64_t value, int bits) {
  return fmt::format("{}'h{:x}", bits, static_cast<std::uint64_t>(value) & (~std::uint64_t{0} >> (64 - bits)));
}

/// `sum` in the register.
std::string register_text(const Accumulator& acc) {
  if (acc.overflow == Overflow::exact || acc.bits == 64) return "sum";
  const std::string low = fmt::format("sum[{}:0]", acc.bits - 1);
  if (acc.overflow == Overflow::wrap) {
    return fmt::format("$signed({{{{{}{{sum[{}]}}}}, {}}})", 64 - acc.bits, acc.bits - 1, low);
  }
  return fmt::format("sum[63:{0}] == '0 || sum[63:{0}] == '1 ? sum : sum[63] ? {1} : {2}", acc.bits - 1,
                     "$signed(" + literal(IntType{acc.bits, true}.min(), 64) + ")",
                     "$signed(" + literal(IntType{acc.bits, true}.max(), 64) + ")");
}

/// Everything of one requantizer in the miter: its channel for the unit, its two specified halves.
std::string requantizer_text(const Requant& requant, const std::string& tag) {
  const Channel& c = requant.channels[0];
  return fmt::format(
      "  spec_operand_{0} u_operand_{0} (\n"
      "    .acc_i(input_{0}), .shift_i(shift_{0}), .zero_point_i(zero_point_{0}), .operand_o(operand_{0})\n  );\n"
      "  spec_scale_{0} u_scale_{0} (\n"
      "    .product_i(product_{0}), .shift_i(shift_{0}), .zero_point_i(zero_point_{0}),\n"
      "    .lo_i($signed({1})), .hi_i($signed({2})), .out_o(scaled_{0})\n  );\n"
      "  assign channel_{0} = {{{3}, {4}, zero_point_{0}, addend_{0}, shift_{0}, multiplier_{0}}};\n",
      tag, literal(c.lo, 64), literal(c.hi, 64), literal(c.hi, 32), literal(c.lo, 32));
}

std::string spec_text(const Add& op) {
  std::string text = spec_of(op.branch_a, "a") + spec_of(op.branch_b, "b") + spec_of(op.out, "out");
  text +=
      "module miter (\n"
      "  input  logic signed [31:0] a, b, a_zero_point, b_zero_point,\n"
      "  input  logic subtract,\n"
      "  input  logic signed [31:0] zero_point_a, zero_point_b, zero_point_out,\n"
      "  input  logic [5:0] shift_a, shift_b, shift_out,\n"
      "  input  logic [63:0] addend_a, addend_b, addend_out,\n"
      "  input  logic [33:0] multiplier_a, multiplier_b, multiplier_out,\n"
      "  // cuts: what the multipliers and the branches give\n"
      "  input  logic signed [63:0] product_a, product_b, product_out, branch_a, branch_b,\n"
      "  output logic signed [63:0] operand_a, operand_b, operand_out, scaled_a, scaled_b,\n"
      "  output logic signed [31:0] wanted, got\n"
      ");\n"
      "  logic signed [63:0] input_a, input_b, input_out, sum, scaled_out;\n"
      "  logic [199:0] channel_a, channel_b, channel_out;\n";
  for (const char* tag : {"a", "b"}) {
    text += fmt::format(
        "  assign input_{0} = $signed({{{{{1}{{{0}[31]}}}}, {0}, {2}}}) - $signed({{{{{1}{{{0}_zero_point[31]}}}}, "
        "{0}_zero_point, {2}}});\n",
        tag, 32 - op.left_shift, "LOW");
  }
  // The zeros that a left shift brings; none for 0.
  const std::string zeros = op.left_shift == 0 ? "" : fmt::format(", {}'d0", op.left_shift);
  for (std::size_t at = 0; (at = text.find(", LOW", at)) != std::string::npos;) text.replace(at, 5, zeros);
  text += requantizer_text(op.branch_a, "a") + requantizer_text(op.branch_b, "b") + requantizer_text(op.out, "out");
  // a - b as a + ~b + 1
  text += "  assign sum = branch_a + (branch_b ^ {64{subtract}}) + $signed({63'd0, subtract});\n";
  text += "  assign input_out = " + register_text(op.accumulator) + ";\n  assign wanted = scaled_out[31:0];\n";
  text += fmt::format(
      "  obz_add_lane u_dut (\n"
      "    .a_i(a), .b_i(b), .subtract_i(subtract), .a_zero_point_i(a_zero_point), .b_zero_point_i(b_zero_point),\n"
      "    .left_shift_i(5'd{}), .a_recipe_i({}),\n    .b_recipe_i({}),\n    .out_recipe_i({}),\n"
      "    .a_channel_i(channel_a), .b_channel_i(channel_b), .out_channel_i(channel_out), .acc_bits_i(7'd{}),\n"
      "    .acc_overflow_i(2'd{}), .y_o(got)\n  );\nendmodule\n",
      op.left_shift, recipe_text(op.branch_a.recipe), recipe_text(op.branch_b.recipe), recipe_text(op.out.recipe),
      op.accumulator.bits, static_cast<int>(op.accumulator.overflow));
  return text;
}

/// That the multiplier of a requantizer gets what the specification gives it.
std::string multiplier_goal(const std::string& tag) {
  const std::string unit = fmt::format("u_dut.u_{}.u_requant", tag);
  return fmt::format(
      "-prove {0}.operand operand_{1} -prove {0}.multiplier_i multiplier_{1} -prove {0}.addend_i addend_{1}", unit,
      tag);
}

/// The input of the miter drives what a cut left open. (Without -nounset, connect would also take away its readers.)
std::string driven_by(const std::string& wire, const std::string& input) {
  return fmt::format("connect -nounset -set {} {}\n", wire, input);
}

}  // namespace

std::vector<Proof> add_proofs(const Profile& profile) {
  const std::string id(profile.id);
  // The quantization is any; every number that depends on it is free in the proof.
  const Add op = fill_add(profile, {.scale = 0.5F}, {.scale = 0.5F}, {.scale = 1.0F}, false, "prove add " + id);
  OBZ_CHECK(!op.floating);
  Proof p{.subject = id,
          .part = "add",
          .claim = "obz_add_lane gives the sum and the difference that the profile fills into an Add",
          .covers = "every 32-bit operand and zero point, multiplier, addend, shift 0..63, and 64-bit product",
          .assumes = "the three products are operand * multiplier + addend on both sides",
          .spec = spec_text(op)};
  p.cuts = {{"obz_requant.sv", "assign product = operand * 64'(multiplier_i) + addend_i;", ""},
            {"obz_add_lane.sv", ".out_o(a_scaled)", ".out_o()"},
            {"obz_add_lane.sv", ".out_o(b_scaled)", ".out_o()"}};
  for (const std::string tag : {"a", "b", "out"}) {
    const std::string unit = fmt::format("u_dut.u_{}.u_requant", tag);
    p.prepare += fmt::format("expose w:{0}.operand w:{0}.multiplier_i w:{0}.addend_i\n", unit);
    p.prepare += driven_by(unit + ".product", "product_" + tag);
  }
  p.prepare += "expose w:u_dut.u_a.out_o w:u_dut.u_b.out_o\n";
  p.prepare += driven_by("u_dut.a_scaled", "branch_a") + driven_by("u_dut.b_scaled", "branch_b");
  p.goals = {multiplier_goal("a"),
             multiplier_goal("b"),
             multiplier_goal("out"),
             "-prove u_dut.u_a.out_o scaled_a",
             "-prove u_dut.u_b.out_o scaled_b",
             "-prove got wanted"};
  return {p};
}

const std::vector<RtlMutant>& add_mutants() {
  static const std::vector<RtlMutant> all{
      {"the zero point is added", "obz_add_lane.sv", "64'(a_i) - 64'", "64'(a_i) + 64'", "hawq-v3/exact"},
      {"b has the zero point of a", "obz_add_lane.sv", "$signed(b_zero_point_i)", "$signed(a_zero_point_i)",
       "hawq-v3/exact"},
      {"the difference has 32 bits", "obz_add_lane.sv", "(64'(b_i) - 64'($signed(b_zero_point_i)))",
       "$signed({{32{b_i[31]}}, b_i - b_zero_point_i})", "hawq-v3/exact"},
      {"no left shift of b", "obz_add_lane.sv", "$signed(b_zero_point_i))) <<< left_shift_i",
       "$signed(b_zero_point_i)))", "tflite/double"},
      {"b has the channel of a", "obz_add_lane.sv", ".channel_i(b_channel_i)", ".channel_i(a_channel_i)",
       "hawq-v3/exact"},
      {"the output has the recipe of a branch", "obz_add_lane.sv", ".recipe_i(out_recipe_i)", ".recipe_i(b_recipe_i)",
       "pulp-nn/floor"},
      {"the difference is turned round", "obz_add_lane.sv", "a_scaled - b_scaled", "b_scaled - a_scaled",
       "hawq-v3/exact"},
      {"always the sum", "obz_add_lane.sv",
       "subtract_i ? a_scaled - b_scaled :", "1'b0 ? a_scaled - b_scaled :", "hawq-v3/exact"},
      {"the register is missing", "obz_add_lane.sv", ".acc_i(acc)", ".acc_i(sum)", "hawq-v3/exact"},
      {"the multiplier's top bit is lost", "obz_requant_lane.sv", "MultiplierAt+:obz_pkg::MultiplierW]",
       "MultiplierAt+:obz_pkg::MultiplierW-1]", "hawq-v3/exact"},
      {"the shift has five bits", "obz_requant_lane.sv", "ShiftAt+:6]", "ShiftAt+:5]", "hawq-v3/exact"},
      {"the clamp has no sign", "obz_requant_lane.sv", "64'($signed(channel_i[obz_pkg::LoAt+:32]))",
       "$signed(64'(channel_i[obz_pkg::LoAt+:32]))", "hawq-v3/exact"}};
  return all;
}

}  // namespace obz::rtl
