// setp, set, selp, slct.
#include <map>

#include <fmt/format.h>

#include "gpu/ptx/decoder.hpp"
#include "gpu/ptx/exec.hpp"

namespace obz::ptx {
namespace {

struct Comparison {
  LaneOp op;
  bool is_unsigned;  ///< lo, ls, hi, hs
};

const std::map<std::string, Comparison>& comparisons() {
  static const std::map<std::string, Comparison> all{{"eq", {LaneOp::eq, false}}, {"ne", {LaneOp::ne, false}},
                                                     {"lt", {LaneOp::lt, false}}, {"le", {LaneOp::le, false}},
                                                     {"gt", {LaneOp::gt, false}}, {"ge", {LaneOp::ge, false}},
                                                     {"lo", {LaneOp::lt, true}},  {"ls", {LaneOp::le, true}},
                                                     {"hi", {LaneOp::gt, true}},  {"hs", {LaneOp::ge, true}}};
  return all;
}

LaneType type_of(Decoder& d, Modifiers& m) {
  const std::string name = m.take_last();
  LaneType t{};
  if (!integer_type(name, t))
    d.fail(fmt::format("expected an integer type, got .{}: floating point is not supported", name));
  return t;
}

/// The comparison, its type, what it is combined with, and the two compared sources from operand 1 on.
void comparison(Decoder& d, Modifiers& m, Instr& i, LaneType t) {
  const std::string name = m.take_first();
  const auto it = comparisons().find(name);
  if (it == comparisons().end()) d.fail(fmt::format("expected a comparison, got .{}", name));
  if (it->second.is_unsigned && is_signed(t)) d.fail(fmt::format("expected an unsigned type with .{}", name));
  const std::string with = m.take_one_of({"and", "or", "xor"});
  i.mode = with.empty() ? kAlone : with == "and" ? kAnd : with == "or" ? kOr : kXor;
  d.want(with.empty() ? 3 : 4);
  i.lanes = lane_function(it->second.op, t);
  if (i.lanes == nullptr) d.fail("expected a type of 16, 32 or 64 bits");
  i.s[0] = d.source(d.operand(1), bytes_of(t));
  i.s[1] = d.source(d.operand(2), bytes_of(t));
  if (!with.empty()) i.s[2] = d.predicate_source(d.operand(3), i, 2);
}

void setp(Decoder& d, Modifiers& m, Instr& i) {
  comparison(d, m, i, type_of(d, m));
  i.exec = exec_compare;
  const Operand& p = d.operand(0);
  i.d[0] = p.kind == Operand::Kind::sink ? -1 : d.predicate(p.name);
  d.second_predicate(p, i);
}

void set(Decoder& d, Modifiers& m, Instr& i) {
  const LaneType compared = type_of(d, m), result = type_of(d, m);
  if (bytes_of(result) != 4) d.fail("expected a result of .u32 or .s32");
  comparison(d, m, i, compared);
  i.exec = exec_set;
  i.d[0] = d.dest(d.operand(0), 4);
}

void selp(Decoder& d, Modifiers& m, Instr& i) {
  const LaneType t = type_of(d, m);
  d.want(4);
  i.exec = exec_select;
  i.lanes = lane_function(LaneOp::select, t);
  if (i.lanes == nullptr) d.fail("expected a type of 16, 32 or 64 bits");
  i.d_bytes = static_cast<std::uint8_t>(bytes_of(t));
  i.d[0] = d.dest(d.operand(0), bytes_of(t));
  i.s[0] = d.source(d.operand(1), bytes_of(t));
  i.s[1] = d.source(d.operand(2), bytes_of(t));
  i.s[2] = d.predicate_source(d.operand(3), i, 2);
}

void slct(Decoder& d, Modifiers& m, Instr& i) {
  if (!m.take("s32")) d.fail("expected .s32 as the type of the condition");
  // slct.s32.s32: one of the two was taken.
  const LaneType t = m.rest().empty() ? LaneType::s32 : type_of(d, m);
  d.want(4);
  i.exec = exec_lanes;
  i.lanes = lane_function(LaneOp::slct, t);
  if (i.lanes == nullptr) d.fail("expected a type of 16, 32 or 64 bits");
  i.d_bytes = static_cast<std::uint8_t>(bytes_of(t));
  i.d[0] = d.dest(d.operand(0), bytes_of(t));
  i.s[0] = d.source(d.operand(1), bytes_of(t));
  i.s[1] = d.source(d.operand(2), bytes_of(t));
  i.s[2] = d.source(d.operand(3), 4);
}

}  // namespace

bool decode_compare(Decoder& d, Modifiers& m, Instr& i) {
  if (m.base() == "setp") return setp(d, m, i), true;
  if (m.base() == "set") return set(d, m, i), true;
  if (m.base() == "selp") return selp(d, m, i), true;
  if (m.base() == "slct") return slct(d, m, i), true;
  return false;
}

}  // namespace obz::ptx
