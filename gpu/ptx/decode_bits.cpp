// Bits: logic, shifts, fields, permutations.
#include <map>

#include <fmt/format.h>

#include "gpu/ptx/decoder.hpp"
#include "gpu/ptx/exec.hpp"

namespace obz::ptx {
namespace {

LaneType type_of(Decoder& d, Modifiers& m) {
  const std::string name = m.take_last();
  LaneType t{};
  if (!integer_type(name, t)) d.fail(fmt::format("expected an integer type, got .{}", name));
  return t;
}

void choose(Decoder& d, Instr& i, LaneOp op, LaneType t) {
  i.exec = exec_lanes;
  i.lanes = lane_function(op, t);
  if (i.lanes == nullptr) d.fail("expected a type that the instruction knows");
}

/// d of `result` bytes and sources of the widths given; 0: the type's.
void operands(Decoder& d, Instr& i, LaneType t, std::uint32_t result, std::initializer_list<std::uint32_t> widths) {
  d.want(widths.size() + 1);
  const std::uint32_t own = bytes_of(t), bytes = result == 0 ? own : result;
  i.d_bytes = static_cast<std::uint8_t>(bytes);
  i.d[0] = d.dest(d.operand(0), bytes);
  std::size_t k = 0;
  for (const std::uint32_t w : widths) {
    i.s[k] = d.source(d.operand(k + 1), w == 0 ? own : w);
    ++k;
  }
}

void logic(Decoder& d, Modifiers& m, Instr& i, LaneOp op, PredOp on_predicates, std::size_t n) {
  if (m.take("pred")) {
    d.want(n + 1);
    i.exec = exec_pred;
    i.mode = on_predicates;
    i.d[0] = d.predicate(d.operand(0).name);
    for (std::size_t k = 0; k < n; ++k) i.s[k] = d.predicate_source(d.operand(k + 1), i, static_cast<unsigned>(k));
    return;
  }
  const LaneType t = type_of(d, m);
  choose(d, i, op, t);
  n == 1 ? operands(d, i, t, 0, {0}) : operands(d, i, t, 0, {0, 0});
}

void lop3(Decoder& d, Modifiers& m, Instr& i) {
  if (!m.take("b32")) d.fail("expected .b32");
  d.want(5);
  choose(d, i, LaneOp::lop3, LaneType::u32);
  i.d[0] = d.dest(d.operand(0), 4);
  for (std::size_t k = 0; k < 3; ++k) i.s[k] = d.source(d.operand(k + 1), 4);
  const Operand& table = d.operand(4);
  if (table.kind != Operand::Kind::immediate || table.value < 0 || table.value > 255) {
    d.fail_operand(table, "a table from 0 to 255");
  }
  i.imm = table.value;
}

void shf(Decoder& d, Modifiers& m, Instr& i) {
  const bool left = m.take("l"), clamp = m.take("clamp");
  if (!left && !m.take("r")) d.fail("expected .l or .r");
  if (!clamp && !m.take("wrap")) d.fail("expected .clamp or .wrap");
  if (!m.take("b32")) d.fail("expected .b32");
  choose(d, i,
         left ? (clamp ? LaneOp::shf_l_clamp : LaneOp::shf_l_wrap) : (clamp ? LaneOp::shf_r_clamp : LaneOp::shf_r_wrap),
         LaneType::u32);
  operands(d, i, LaneType::u32, 0, {0, 0, 0});
}

void prmt(Decoder& d, Modifiers& m, Instr& i) {
  static const std::map<std::string, LaneOp> modes{
      {"", LaneOp::prmt},        {"f4e", LaneOp::prmt_f4e}, {"b4e", LaneOp::prmt_b4e},  {"rc8", LaneOp::prmt_rc8},
      {"ecl", LaneOp::prmt_ecl}, {"ecr", LaneOp::prmt_ecr}, {"rc16", LaneOp::prmt_rc16}};
  if (!m.take("b32")) d.fail("expected .b32");
  const std::string mode = m.take_last();
  const auto it = modes.find(mode);
  if (it == modes.end()) d.fail(fmt::format("expected a mode of prmt, got .{}", mode));
  choose(d, i, it->second, LaneType::u32);
  operands(d, i, LaneType::u32, 0, {0, 0, 0});
}

/// bmsk.clamp.b32 and szext.wrap.s32: two modes of one operation, side by side in LaneOp.
void two_modes(Decoder& d, Modifiers& m, Instr& i, LaneOp clamp) {
  const bool wraps = m.take("wrap");
  if (!wraps && !m.take("clamp")) d.fail("expected .clamp or .wrap");
  const LaneType t = type_of(d, m);
  choose(d, i, static_cast<LaneOp>(static_cast<int>(clamp) + (wraps ? 1 : 0)), t);
  operands(d, i, t, 0, {0, 0});
}

}  // namespace

bool decode_bits(Decoder& d, Modifiers& m, Instr& i) {
  const std::string& op = m.base();
  const auto simple = [&](LaneOp o, std::uint32_t result, std::initializer_list<std::uint32_t> widths) {
    const LaneType t = type_of(d, m);
    choose(d, i, o, t);
    operands(d, i, t, result, widths);
    return true;
  };
  if (op == "and") return logic(d, m, i, LaneOp::bit_and, kPredAnd, 2), true;
  if (op == "or") return logic(d, m, i, LaneOp::bit_or, kPredOr, 2), true;
  if (op == "xor") return logic(d, m, i, LaneOp::bit_xor, kPredXor, 2), true;
  if (op == "not") return logic(d, m, i, LaneOp::bit_not, kPredNot, 1), true;
  if (op == "cnot") return simple(LaneOp::cnot, 0, {0});
  if (op == "shl") return simple(LaneOp::shl, 0, {0, 4});
  if (op == "shr") return simple(LaneOp::shr, 0, {0, 4});
  if (op == "popc") return simple(LaneOp::popc, 4, {0});
  if (op == "clz") return simple(LaneOp::clz, 4, {0});
  if (op == "bfind") {
    return m.take("shiftamt") ? simple(LaneOp::bfind_shift, 4, {0}) : simple(LaneOp::bfind, 4, {0});
  }
  if (op == "brev") return simple(LaneOp::brev, 0, {0});
  if (op == "fns") return simple(LaneOp::fns, 0, {0, 0, 0});
  if (op == "bfe") return simple(LaneOp::bfe, 0, {0, 4, 4});
  if (op == "bfi") return simple(LaneOp::bfi, 0, {0, 0, 4, 4});
  if (op == "lop3") return lop3(d, m, i), true;
  if (op == "shf") return shf(d, m, i), true;
  if (op == "prmt") return prmt(d, m, i), true;
  if (op == "bmsk") return two_modes(d, m, i, LaneOp::bmsk_clamp), true;
  if (op == "szext") return two_modes(d, m, i, LaneOp::szext_clamp), true;
  return false;
}

}  // namespace obz::ptx
