// mov, cvt, cvta, isspacep, and what does nothing here.
#include <fmt/format.h>

#include "gpu/ptx/decoder.hpp"
#include "gpu/ptx/exec.hpp"
#include "gpu/ptx/parser.hpp"

namespace obz::ptx {
namespace {

Space space_of(Modifiers& m) {
  const std::string name = m.take_one_of({"global", "shared", "shared::cta", "local", "const", "param"});
  if (name == "global") return Space::global;
  if (name == "shared" || name == "shared::cta") return Space::shared;
  if (name == "local") return Space::local;
  if (name == "const") return Space::constant;
  if (name == "param") return Space::param;
  return Space::none;
}

void pack(Decoder& d, Instr& i, std::uint32_t bytes) {
  const Operand& parts = d.operand(1);
  i.exec = exec_pack;
  i.vector = static_cast<std::uint8_t>(parts.items.size());
  if (i.vector != 2 && i.vector != 4) d.fail_operand(parts, "two or four registers");
  i.imm = bytes / i.vector;
  if (i.imm < 2) d.fail("expected parts of at least 16 bits: 8-bit parts are not supported");
  i.d_bytes = static_cast<std::uint8_t>(bytes);
  i.d[0] = d.dest(d.operand(0), bytes);
  for (std::size_t k = 0; k < i.vector; ++k) i.s[k] = d.source(parts.items[k], static_cast<std::uint32_t>(i.imm));
}

void unpack(Decoder& d, Instr& i, std::uint32_t bytes) {
  const Operand& parts = d.operand(0);
  i.exec = exec_unpack;
  i.vector = static_cast<std::uint8_t>(parts.items.size());
  if (i.vector != 2 && i.vector != 4) d.fail_operand(parts, "two or four registers");
  i.d_bytes = static_cast<std::uint8_t>(bytes / i.vector);
  if (i.d_bytes < 2) d.fail("expected parts of at least 16 bits: 8-bit parts are not supported");
  i.s[0] = d.source(d.operand(1), bytes);
  for (std::size_t k = 0; k < i.vector; ++k) i.d[k] = d.dest(parts.items[k], i.d_bytes);
}

void mov(Decoder& d, Modifiers& m, Instr& i) {
  d.want(2);
  if (m.take("pred")) {
    i.exec = exec_pred;
    i.mode = kPredMov;
    i.d[0] = d.predicate(d.operand(0).name);
    i.s[0] = d.predicate_source(d.operand(1), i, 0);
    return;
  }
  // Floats may be moved: their bits are.
  const std::string type = m.take_last();
  const std::uint32_t bytes = bytes_of_type(type);
  if (bytes < 2 || bytes > 8) d.fail(fmt::format("expected a type of 16, 32 or 64 bits, got .{}", type));
  if (d.operand(1).kind == Operand::Kind::vector) return pack(d, i, bytes);
  if (d.operand(0).kind == Operand::Kind::vector) return unpack(d, i, bytes);
  i.d_bytes = static_cast<std::uint8_t>(bytes);
  i.d[0] = d.dest(d.operand(0), bytes);
  const std::string& name = d.operand(1).name;
  if (d.is_special(d.operand(1)) && (name.starts_with("%clock") || name.starts_with("%globaltimer"))) {
    i.exec = exec_clock;
    i.imm = name.ends_with("_hi") ? 32 : 0;
    return;
  }
  i.exec = exec_lanes;
  i.lanes = lane_function(LaneOp::mov, bytes == 2 ? LaneType::u16 : bytes == 4 ? LaneType::u32 : LaneType::u64);
  i.s[0] = d.source(d.operand(1), bytes);
}

/// cvt.pack.sat.u4.s32.b32 d, a, b, c; with 16 bits there is no room for c.
void cvt_pack(Decoder& d, Modifiers& m, Instr& i) {
  const std::string type = m.take_one_of({"u2", "s2", "u4", "s4", "u8", "s8", "u16", "s16"});
  if (type.empty() || !m.take("sat") || !m.take("s32"))
    d.fail("expected cvt.pack.sat with a type of 2 to 16 bits and .s32");
  const std::size_t sources = type.ends_with("16") ? 2 : 3;
  if (sources == 3 && !m.take("b32")) d.fail("expected .b32 as the type of c");
  d.want(sources + 1);
  i.exec = exec_lanes;
  i.lanes = lane_function(type[0] == 's' ? LaneOp::pack_signed : LaneOp::pack_unsigned, LaneType::s32);
  i.imm = type.ends_with("16") ? 16 : type[1] - '0';
  i.d[0] = d.dest(d.operand(0), 4);
  for (std::size_t k = 0; k < sources; ++k) i.s[k] = d.source(d.operand(k + 1), 4);
}

void cvt(Decoder& d, Modifiers& m, Instr& i) {
  if (m.take("pack")) return cvt_pack(d, m, i);
  LaneType from{}, to{};
  const std::string source = m.take_last(), result = m.take_last();
  if (!integer_type(source, from) || !integer_type(result, to)) {
    d.fail("expected two integer types: floating point is not supported");
  }
  // Rounding modes mean nothing between integers.
  m.take_one_of({"rni", "rzi", "rmi", "rpi"});
  const bool saturate = m.take("sat");
  d.want(2);
  std::uint32_t to_row = 0, from_row = 0;
  i.exec = exec_lanes;
  i.d[0] = d.wide_dest(d.operand(0), bytes_of(to), to_row);
  i.s[0] = d.wide_source(d.operand(1), bytes_of(from), from_row);
  i.d_bytes = static_cast<std::uint8_t>(to_row);
  const Conversion c = conversion(from, from_row, to, to_row, saturate);
  i.lanes = c.function;
  i.imm = c.imm;
  if (i.lanes == nullptr) d.fail("expected types of 8 to 64 bits that fit their registers");
}

std::int64_t window_of(Space space) {
  if (space == Space::shared) return static_cast<std::int64_t>(kSharedWindow);
  if (space == Space::local) return static_cast<std::int64_t>(kLocalWindow);
  if (space == Space::param) return static_cast<std::int64_t>(kParamWindow);
  return 0;
}

void cvta(Decoder& d, Modifiers& m, Instr& i) {
  const bool to = m.take("to");
  const Space space = space_of(m);
  if (space == Space::none) d.fail("expected a space");
  if (!m.take("u64")) d.fail("expected .u64");
  d.want(2);
  i.exec = exec_window;
  i.d_bytes = 8;
  i.d[0] = d.dest(d.operand(0), 8);
  i.s[0] = d.source(d.operand(1), 8);
  i.imm = to ? -window_of(space) : window_of(space);
}

void isspacep(Decoder& d, Modifiers& m, Instr& i) {
  i.space = space_of(m);
  if (i.space == Space::none) d.fail("expected a space");
  d.want(2);
  i.exec = exec_isspacep;
  i.d[0] = d.predicate(d.operand(0).name);
  std::uint32_t bytes = 0;
  i.s[0] = d.wide_source(d.operand(1), 4, bytes);
  i.address_bytes = static_cast<std::uint8_t>(bytes);
}

}  // namespace

bool decode_move(Decoder& d, Modifiers& m, Instr& i) {
  const std::string& op = m.base();
  if (op == "mov") return mov(d, m, i), true;
  if (op == "cvt") return cvt(d, m, i), true;
  if (op == "cvta") return cvta(d, m, i), true;
  if (op == "isspacep") return isspacep(d, m, i), true;
  // One worker runs a CTA's warps in turn and atomics are indivisible, so every fence already holds. Fences order, they
  // do not make threads wait: the race check takes no account of them.
  if (op == "membar" || op == "fence" || op == "nanosleep" || op == "prefetch" || op == "prefetchu" ||
      op == "pmevent" || op == "discard" || op == "applypriority") {
    while (!m.rest().empty()) m.take_last();
    i.exec = exec_nothing;
    return true;
  }
  return false;
}

}  // namespace obz::ptx
