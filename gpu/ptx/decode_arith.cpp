// Integer arithmetic: add to dp2a.
#include <fmt/format.h>

#include "gpu/ptx/decoder.hpp"
#include "gpu/ptx/exec.hpp"

namespace obz::ptx {
namespace {

LaneType type_of(Decoder& d, Modifiers& m) {
  const std::string name = m.take_last();
  LaneType t{};
  if (!integer_type(name, t))
    d.fail(fmt::format("expected an integer type, got .{}: floating point is not supported", name));
  return t;
}

void choose(Decoder& d, Instr& i, LaneOp op, LaneType t) {
  i.exec = exec_lanes;
  i.lanes = lane_function(op, t);
  if (i.lanes == nullptr) d.fail("expected a type that the instruction knows");
}

/// d and n sources, all as wide as the type.
void same_width(Decoder& d, Instr& i, LaneOp op, LaneType t, std::size_t n) {
  d.want(n + 1);
  choose(d, i, op, t);
  i.d_bytes = static_cast<std::uint8_t>(bytes_of(t));
  i.d[0] = d.dest(d.operand(0), bytes_of(t));
  for (std::size_t k = 0; k < n; ++k) i.s[k] = d.source(d.operand(k + 1), bytes_of(t));
}

void with_carry(Decoder& d, Instr& i, LaneOp op, LaneType t, std::size_t n, bool in, bool out) {
  same_width(d, i, op, t, n);
  i.exec = exec_carry;
  i.mode = in ? 1 : 0;
  i.writes_carry = out;
  i.s[3] = i.s[4] = 0;
}

void add_or_sub(Decoder& d, Modifiers& m, Instr& i, bool add) {
  const LaneType t = type_of(d, m);
  const bool chained = m.base() == "addc" || m.base() == "subc", out = m.take("cc");
  if (chained || out) return with_carry(d, i, add ? LaneOp::add_carry : LaneOp::sub_borrow, t, 2, chained, out);
  if (m.take("sat")) return same_width(d, i, add ? LaneOp::add_sat : LaneOp::sub_sat, t, 2);
  same_width(d, i, add ? LaneOp::add : LaneOp::sub, t, 2);
}

void wide(Decoder& d, Instr& i, LaneOp op, LaneType t, std::size_t n) {
  d.want(n + 1);
  choose(d, i, op, t);
  const std::uint32_t bytes = bytes_of(t);
  i.d_bytes = static_cast<std::uint8_t>(2 * bytes);
  i.d[0] = d.dest(d.operand(0), 2 * bytes);
  i.s[0] = d.source(d.operand(1), bytes);
  i.s[1] = d.source(d.operand(2), bytes);
  if (n == 3) i.s[2] = d.source(d.operand(3), 2 * bytes);
}

void mul_or_mad(Decoder& d, Modifiers& m, Instr& i) {
  const bool mad = m.base() != "mul", chained = m.base() == "madc";
  const LaneType t = type_of(d, m);
  const std::string part = m.take_one_of({"lo", "hi", "wide"});
  const bool out = m.take("cc"), hi = part == "hi";
  if (part.empty()) d.fail("expected .lo, .hi or .wide");
  if (part == "wide") return wide(d, i, mad ? LaneOp::mad_wide : LaneOp::mul_wide, t, mad ? 3 : 2);
  if (chained || out) return with_carry(d, i, hi ? LaneOp::mad_hi_carry : LaneOp::mad_lo_carry, t, 3, chained, out);
  if (m.take("sat")) {
    if (!mad || !hi) d.fail("expected .sat with mad.hi.s32 only");
    return same_width(d, i, LaneOp::mad_hi_sat, t, 3);
  }
  if (mad) return same_width(d, i, hi ? LaneOp::mad_hi : LaneOp::mad_lo, t, 3);
  same_width(d, i, hi ? LaneOp::mul_hi : LaneOp::mul_lo, t, 2);
}

void mul24(Decoder& d, Modifiers& m, Instr& i, bool mad) {
  const LaneType t = type_of(d, m);
  const bool hi = m.take("hi");
  if (!hi && !m.take("lo")) d.fail("expected .lo or .hi");
  if (mad && hi && m.take("sat")) return same_width(d, i, LaneOp::mad24_hi_sat, t, 3);
  if (mad) return same_width(d, i, hi ? LaneOp::mad24_hi : LaneOp::mad24_lo, t, 3);
  same_width(d, i, hi ? LaneOp::mul24_hi : LaneOp::mul24_lo, t, 2);
}

/// dp4a.atype.btype, dp2a.mode.atype.btype.
void dot(Decoder& d, Modifiers& m, Instr& i) {
  const bool four = m.base() == "dp4a", hi = !four && m.take("hi");
  if (!four && !hi && !m.take("lo")) d.fail("expected .lo or .hi");
  const LaneType b = type_of(d, m), a = type_of(d, m);
  if (bytes_of(a) != 4 || bytes_of(b) != 4) d.fail("expected the types .u32 or .s32");
  const auto first = static_cast<int>(four ? LaneOp::dp4a_uu : hi ? LaneOp::dp2a_hi_uu : LaneOp::dp2a_lo_uu);
  const auto op = static_cast<LaneOp>(first + (is_signed(a) ? 2 : 0) + (is_signed(b) ? 1 : 0));
  same_width(d, i, op, LaneType::u32, 3);
}

}  // namespace

bool decode_arithmetic(Decoder& d, Modifiers& m, Instr& i) {
  const std::string& op = m.base();
  if (op == "add" || op == "addc") return add_or_sub(d, m, i, true), true;
  if (op == "sub" || op == "subc") return add_or_sub(d, m, i, false), true;
  if (op == "mul" || op == "mad" || op == "madc") return mul_or_mad(d, m, i), true;
  if (op == "mul24" || op == "mad24") return mul24(d, m, i, op == "mad24"), true;
  if (op == "dp4a" || op == "dp2a") return dot(d, m, i), true;
  if (op == "div" || op == "rem") {
    same_width(d, i, op == "div" ? LaneOp::div : LaneOp::rem, type_of(d, m), 2);
    i.exec = exec_divide;
    return true;
  }
  if (op == "abs") return same_width(d, i, LaneOp::abs, type_of(d, m), 1), true;
  if (op == "neg") return same_width(d, i, LaneOp::neg, type_of(d, m), 1), true;
  if (op == "min") return same_width(d, i, LaneOp::min, type_of(d, m), 2), true;
  if (op == "max") return same_width(d, i, LaneOp::max, type_of(d, m), 2), true;
  if (op == "sad") return same_width(d, i, LaneOp::sad, type_of(d, m), 3), true;
  return false;
}

}  // namespace obz::ptx
