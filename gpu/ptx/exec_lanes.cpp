// Handlers that treat each lane alone.
#include <bit>
#include <cstring>

#include <fmt/format.h>

#include "gpu/ptx/exec.hpp"

namespace obz::ptx {
namespace {

/// Where results go: the row itself when every lane takes part, else a scratch row that is blended in.
std::byte* result(Machine& m, const Instr& i, std::uint32_t mask) {
  return mask == kAllLanes ? m.row(i.d[0]) : m.scratch.data();
}

void blend(Machine& m, const Instr& i, std::uint32_t mask) {
  static const BlendFn by_bytes[9] = {nullptr, blend_function(1), blend_function(2),
                                      nullptr, blend_function(4), nullptr,
                                      nullptr, nullptr,           blend_function(8)};
  if (mask != kAllLanes) by_bytes[i.d_bytes](m.row(i.d[0]), m.scratch.data(), mask);
}

LaneArgs sources(Machine& m, const Instr& i, std::uint32_t mask) {
  return {.d = result(m, i, mask),
          .a = m.row(i.s[0]),
          .b = m.row(i.s[1]),
          .c = m.row(i.s[2]),
          .e = m.row(i.s[3]),
          .imm = static_cast<std::uint32_t>(i.imm)};
}

void set_predicate(Machine& m, std::int32_t at, std::uint32_t value, std::uint32_t mask) {
  if (at < 0) return;
  std::uint32_t& p = m.predicate(at);
  p = (p & ~mask) | (value & mask);
}

std::uint32_t predicate_source(Machine& m, const Instr& i, int k) {
  const std::uint32_t p = m.predicate(i.s[static_cast<std::size_t>(k)]);
  return (i.negated >> k & 1) != 0 ? ~p : p;
}

std::uint32_t combine(std::uint8_t mode, std::uint32_t a, std::uint32_t b) {
  switch (mode) {
    case kAnd: return a & b;
    case kOr: return a | b;
    case kXor: return a ^ b;
    default: return a;
  }
}

}  // namespace

void exec_lanes(Machine& m, const Instr& i, std::uint32_t mask) {
  LaneArgs x = sources(m, i, mask);
  i.lanes(x);
  blend(m, i, mask);
}

namespace {

/// The lanes whose divisor is 0.
template <class T>
std::uint32_t zeros(const std::byte* row) {
  const T* const divisor = reinterpret_cast<const T*>(row);
  std::uint32_t mask = 0;
  for (int k = 0; k < kLanes; ++k) mask |= static_cast<std::uint32_t>(divisor[k] == 0) << k;
  return mask;
}

}  // namespace

void exec_divide(Machine& m, const Instr& i, std::uint32_t mask) {
  const std::byte* const divisor = m.row(i.s[1]);
  const std::uint32_t zero = mask & (i.d_bytes == 2   ? zeros<std::uint16_t>(divisor)
                                     : i.d_bytes == 4 ? zeros<std::uint32_t>(divisor)
                                                      : zeros<std::uint64_t>(divisor));
  if (zero != 0) {
    fault(m, i, static_cast<std::uint32_t>(std::countr_zero(zero)),
          "division by zero, of which the result is unspecified");
  }
  exec_lanes(m, i, mask);
}

void exec_carry(Machine& m, const Instr& i, std::uint32_t mask) {
  LaneArgs x = sources(m, i, mask);
  if (i.s[2] < 0) x.c = nullptr;
  x.in = i.mode == 1 ? m.warp->carry : 0;
  i.lanes(x);
  blend(m, i, mask);
  if (i.writes_carry) m.warp->carry = (m.warp->carry & ~mask) | (x.out & mask);
}

void exec_compare(Machine& m, const Instr& i, std::uint32_t mask) {
  LaneArgs x = sources(m, i, mask);
  i.lanes(x);
  const std::uint32_t with = i.mode == kAlone ? 0 : predicate_source(m, i, 2);
  set_predicate(m, i.d[0], combine(i.mode, x.out, with), mask);
  set_predicate(m, i.second, combine(i.mode, ~x.out, with), mask);
}

void exec_set(Machine& m, const Instr& i, std::uint32_t mask) {
  LaneArgs x = sources(m, i, mask);
  i.lanes(x);
  const std::uint32_t held = i.mode == kAlone ? x.out : combine(i.mode, x.out, predicate_source(m, i, 2));
  auto* const d = reinterpret_cast<std::uint32_t*>(m.row(i.d[0]));
  for (int k = 0; k < kLanes; ++k) {
    if ((mask >> k & 1) != 0) d[k] = (held >> k & 1) != 0 ? ~0U : 0U;
  }
}

void exec_select(Machine& m, const Instr& i, std::uint32_t mask) {
  LaneArgs x = sources(m, i, mask);
  x.in = predicate_source(m, i, 2);
  i.lanes(x);
  blend(m, i, mask);
}

void exec_pred(Machine& m, const Instr& i, std::uint32_t mask) {
  const std::uint32_t a = predicate_source(m, i, 0);
  std::uint32_t value = a;
  if (i.mode <= kPredXor) {
    const std::uint32_t b = predicate_source(m, i, 1);
    value = i.mode == kPredAnd ? a & b : i.mode == kPredOr ? a | b : a ^ b;
  }
  if (i.mode == kPredNot) value = ~a;
  set_predicate(m, i.d[0], value, mask);
}

void exec_pack(Machine& m, const Instr& i, std::uint32_t mask) {
  const auto part = static_cast<std::size_t>(i.imm);
  for (std::size_t k = 0; k < kLanes; ++k) {
    if ((mask >> k & 1) == 0) continue;
    for (std::size_t p = 0; p < i.vector; ++p) {
      std::memcpy(m.row(i.d[0]) + k * i.d_bytes + p * part, m.row(i.s[p]) + k * part, part);
    }
  }
}

void exec_unpack(Machine& m, const Instr& i, std::uint32_t mask) {
  const std::size_t part = i.d_bytes, whole = part * i.vector;
  // The source may be one of the destinations.
  std::memcpy(m.scratch.data(), m.row(i.s[0]), kLanes * whole);
  for (std::size_t k = 0; k < kLanes; ++k) {
    if ((mask >> k & 1) == 0) continue;
    for (std::size_t p = 0; p < i.vector; ++p) {
      std::memcpy(m.row(i.d[p]) + k * part, m.scratch.data() + k * whole + p * part, part);
    }
  }
}

void exec_clock(Machine& m, const Instr& i, std::uint32_t mask) {
  const std::uint64_t now = m.warp->executed >> static_cast<unsigned>(i.imm);
  for (std::size_t k = 0; k < kLanes; ++k) {
    if ((mask >> k & 1) != 0) std::memcpy(m.row(i.d[0]) + k * i.d_bytes, &now, i.d_bytes);
  }
}

void exec_nothing(Machine&, const Instr&, std::uint32_t) {}

void exec_window(Machine& m, const Instr& i, std::uint32_t mask) {
  for (std::size_t k = 0; k < kLanes; ++k) {
    if ((mask >> k & 1) == 0) continue;
    std::uint64_t address = 0;
    std::memcpy(&address, m.row(i.s[0]) + k * i.address_bytes, i.address_bytes);
    address += static_cast<std::uint64_t>(i.imm);
    std::memcpy(m.row(i.d[0]) + k * i.d_bytes, &address, i.d_bytes);
  }
}

void exec_isspacep(Machine& m, const Instr& i, std::uint32_t mask) {
  std::uint32_t held = 0;
  for (std::size_t k = 0; k < kLanes; ++k) {
    std::uint64_t address = 0;
    std::memcpy(&address, m.row(i.s[0]) + k * i.address_bytes, i.address_bytes);
    const std::uint64_t window = address & kWindowMask;
    bool inside = false;
    if (i.space == Space::shared) inside = window == kSharedWindow;
    if (i.space == Space::local) inside = window == kLocalWindow;
    if (i.space == Space::param) inside = window == kParamWindow;
    if (i.space == Space::global || i.space == Space::constant) inside = window == 0;
    held |= static_cast<std::uint32_t>(inside) << k;
  }
  set_predicate(m, i.d[0], held, mask);
}

}  // namespace obz::ptx
