#include "rtl/dut/miter.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "rtl/dut/requant_fields.hpp"
#include "rtl/proof/spec.hpp"

namespace obz::rtl {
namespace {

/// A 64-bit literal; INT64_MIN has no positive counterpart.
std::string literal(std::int64_t v) { return fmt::format("$signed(64'h{:x})", static_cast<std::uint64_t>(v)); }

std::string extended(const std::string& name, int bits, bool is_signed) {
  if (bits >= 64) return fmt::format("$signed({}[63:0])", name);
  const std::string top = is_signed ? fmt::format("{}[{}]", name, bits - 1) : std::string("1'b0");
  return fmt::format("$signed({{{{{}{{{}}}}}, {}}})", 64 - bits, top, name);
}

int shown_bits(const Slot& s) { return std::min(s.width, 64); }

/// Inputs of the miter, the fields' values and the record for the unit.
std::string fields_text(const Miter& m, std::optional<std::int64_t> multiplier, std::string& inputs) {
  std::string text = fmt::format("  logic [{}:0] record;\n  logic [{}:0] answer;\n", 32 * m.wrapper.in_words - 1,
                                 32 * m.wrapper.out_words - 1);
  std::string drive = "  always_comb begin\n    record = '0;\n";
  for (const std::string field : kRequantFields) {
    const auto at = m.wrapper.in.find(field);
    const std::string value = field == "shift" ? "shift_value" : field;
    text += fmt::format("  logic signed [63:0] {};\n", value);
    if (at == m.wrapper.in.end()) {
      const std::int64_t built_in =
          field == "shift" ? shift_of(m.map.shift, m.map.fixed.at(field)) : m.map.fixed.at(field);
      text += fmt::format("  assign {} = {};\n", value, literal(built_in));
      continue;
    }
    const Slot& s = at->second;
    if (field == "multiplier" && multiplier) {
      text += fmt::format("  logic [{}:0] raw_{};\n  assign raw_{} = {}'h{:x};\n", shown_bits(s) - 1, field, field,
                          shown_bits(s),
                          static_cast<std::uint64_t>(*multiplier + s.bias) &
                              (shown_bits(s) == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << shown_bits(s)) - 1));
    } else {
      inputs += fmt::format("  input  logic [{}:0] raw_{},\n", shown_bits(s) - 1, field);
    }
    text += fmt::format("  assign {} = {} - {};\n", value,
                        extended("raw_" + field, shown_bits(s), s.is_signed || s.width > 64), literal(s.bias));
    drive += fmt::format("    record[{}+:{}] = raw_{};\n", 32 * s.word, shown_bits(s), field);
    if (s.width > 64) {
      drive += fmt::format("    record[{}+:{}] = {{{}{{raw_{}[63]}}}};\n", 32 * s.word + 64, s.width - 64, s.width - 64,
                           field);
    }
  }
  drive += "  end\n";
  const char* shift = m.map.shift == ShiftMeans::right  ? "shift_value"
                      : m.map.shift == ShiftMeans::left ? "64'sd0 - shift_value"
                                                        : "64'sd31 - shift_value";
  return text + drive + fmt::format("  logic signed [63:0] shift;\n  assign shift = {};\n", shift);
}

std::string legal_expression(const Miter& m) {
  const LegalRange r = legal_range(m.profile, m.out);
  const auto between = [](const char* name, std::int64_t lo, std::int64_t hi) {
    return fmt::format("      {0} >= {1} && {0} <= {2} &&\n", name, literal(lo), literal(hi));
  };
  std::string text = between("acc", r.acc_lo, r.acc_hi) + between("multiplier", 0, r.multiplier_hi) +
                     between("shift", r.shift_lo, r.shift_hi) +
                     between("zero_point", r.zero_point_lo, r.zero_point_hi) + between("lo", r.out_lo, r.out_hi) +
                     between("hi", r.out_lo, r.out_hi) + between("addend", -r.addend, r.addend) + "      lo <= hi";
  const Recipe& recipe = m.profile.recipe;
  if (recipe.first_bits > 0 && recipe.left_overflow == Overflow::wrap) {
    text += fmt::format(
        " &&\n      (shift >= 64'sd{0} || (acc <<< (6'd{0} - shift[5:0])) == "
        "$signed({{{{32{{moved[31]}}}}, moved[31:0]}}))",
        recipe.first_bits);
  }
  if (m.profile.avg_pool == AvgPoolRule::reciprocal) {
    text +=
        " &&\n      (shift < 64'sd1 || (acc >= -(64'sd1 <<< (shift[5:0] - 6'd1)) && acc < (64'sd1 <<< (shift[5:0] - "
        "6'd1))))";
  }
  return text;
}

/// The range that a product of legal operands has.
std::pair<std::int64_t, std::int64_t> product_range(const Miter& m) {
  const LegalRange r = legal_range(m.profile, m.out);
  std::int64_t lo = r.acc_lo, hi = r.acc_hi;
  if (m.profile.recipe.zero_point == ZeroPointAt::before_scaling) {
    lo += r.zero_point_lo;
    hi += r.zero_point_hi;
  }
  return {lo * r.multiplier_hi, hi * r.multiplier_hi};
}

}  // namespace

LegalRange legal_range(const Profile& p, IntType out) {
  const ScaleRule& s = p.scale;
  LegalRange r{};
  const int bits = s.reduce_to_16 ? 15 : s.mantissa_bits;
  r.multiplier_hi = bits <= 1 ? 1 : (std::int64_t{1} << bits) - (s.top == TopCorner::keep ? 0 : 1);
  const int reduced = s.reduce_to_16 ? 16 : 0;
  r.shift_lo = std::max(0, s.min_shift - reduced);
  r.shift_hi = std::min(62, s.max_shift - reduced);
  // Products, with an early zero point, stay below 2^62.
  const int acc_bits = std::min({static_cast<int>(p.acc_bits), p.recipe.first_bits > 0 ? 32 : 47, 62 - bits + 1});
  const IntType acc{static_cast<std::uint8_t>(acc_bits), true};
  r.acc_lo = acc.min();
  r.acc_hi = acc.max();
  if (p.has_zero_point) {
    r.zero_point_lo = out.min();
    r.zero_point_hi = out.max();
  } else if (p.recipe.zero_point == ZeroPointAt::before_scaling) {
    r.zero_point_lo = -1024;
    r.zero_point_hi = 1024;
  }
  r.out_lo = out.min();
  r.out_hi = out.max();
  r.addend = p.has_addend ? std::int64_t{1} << 61 : 0;
  return r;
}

std::string legal_text(const Profile& p, IntType out) {
  const LegalRange r = legal_range(p, out);
  std::string text = fmt::format("acc {}..{}, multiplier 0..{}, shift {}..{}, zero point {}..{}, {} <= lo <= hi <= {}",
                                 r.acc_lo, r.acc_hi, r.multiplier_hi, r.shift_lo, r.shift_hi, r.zero_point_lo,
                                 r.zero_point_hi, r.out_lo, r.out_hi);
  if (r.addend != 0) text += fmt::format(", |addend| <= {}", r.addend);
  if (p.recipe.first_bits > 0 && p.recipe.left_overflow == Overflow::wrap) {
    text += ", an accumulator shifted left fits 32 bits";
  }
  if (p.avg_pool == AvgPoolRule::reciprocal) text += ", |acc| below 2^(shift - 1)";
  return text;
}

std::string miter_text(const Miter& m, Question question, const CutProduct* cut,
                       std::optional<std::int64_t> multiplier) {
  const Recipe& r = m.profile.recipe;
  std::string inputs;
  std::string body = fields_text(m, multiplier, inputs);
  if (r.first_bits > 0) {
    body += fmt::format("  logic signed [63:0] moved;\n  assign moved = acc <<< (6'd{} - shift[5:0]);\n", r.first_bits);
  }
  body += "  logic legal;\n  assign legal =\n" + legal_expression(m) + ";\n";
  body +=
      "  logic signed [63:0] operand, product, wanted, got;\n"
      "  spec_operand u_operand (\n    .acc_i(acc), .shift_i(shift[5:0]), .zero_point_i(zero_point[31:0]), "
      ".operand_o(operand)\n  );\n";
  std::string connections = ".in_i(record), .out_o(answer), .clk_i(1'b0), .rst_i(1'b0), .valid_i(1'b0)";
  if (cut != nullptr) {
    body += fmt::format("  logic [{}:0] mul_a;\n  logic [{}:0] mul_b;\n", cut->a_bits - 1, cut->b_bits - 1);
    if (question == Question::rest) inputs += "  input  logic signed [63:0] exact,\n";
    // Of the product the unit keeps its low bits, whatever their number.
    const std::string low = cut->y_bits <= 64 ? fmt::format("exact[{}:0]", cut->y_bits - 1)
                                              : fmt::format("{{{{{}{{exact[63]}}}}, exact}}", cut->y_bits - 64);
    connections += fmt::format(", .mul_a(mul_a), .mul_b(mul_b), .mul_y({})",
                               question == Question::rest ? low : fmt::format("{}'d0", cut->y_bits));
  }
  body += fmt::format("  {} u_unit ({});\n", kWrapperModule, connections);
  if (question == Question::operands) {
    body += fmt::format(
        "  logic signed [63:0] a, b;\n  assign a = {};\n  assign b = {};\n"
        "  assign bad = legal && !(a == operand && b == multiplier) && !(a == multiplier && b == operand);\n",
        extended("mul_a", cut->a_bits, cut->is_signed), extended("mul_b", cut->b_bits, cut->is_signed));
  } else {
    body +=
        fmt::format("  assign product = {} + addend;\n", question == Question::rest ? "exact" : "operand * multiplier");
    body +=
        "  spec_scale u_scale (\n    .product_i(product), .shift_i(shift[5:0]), .zero_point_i(zero_point[31:0]), "
        ".lo_i(lo), .hi_i(hi),\n    .out_o(wanted)\n  );\n";
    const Slot& out = m.wrapper.out;
    const std::string answer = fmt::format("answer[{}:{}]", 32 * out.word + shown_bits(out) - 1, 32 * out.word);
    body +=
        fmt::format("  logic [{}:0] raw_out;\n  assign raw_out = {};\n  assign got = {} - {};\n", shown_bits(out) - 1,
                    answer, extended("raw_out", shown_bits(out), out.is_signed), literal(out.bias));
    std::string given = "legal";
    if (question == Question::rest) {
      const auto [lo, hi] = product_range(m);
      body += fmt::format(
          "  // what is known of the product besides its operands\n  logic plausible;\n  assign plausible =\n"
          "      exact >= {} && exact <= {} &&\n"
          "      exact[63] == (operand[63] && multiplier != 64'sd0) &&\n"
          "      (exact == 64'sd0) == (operand == 64'sd0 || multiplier == 64'sd0);\n",
          literal(lo), literal(hi));
      given = "legal && plausible";
    }
    body += fmt::format("  assign bad = {} && wanted != got;\n", given);
  }
  return spec_operand(r) + "\n" + spec_scale(r, true) + "\nmodule miter (\n" + inputs + "  output logic bad\n);\n" +
         body + "endmodule\n";
}

}  // namespace obz::rtl
