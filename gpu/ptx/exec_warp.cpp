// Handlers by which lanes see each other.
#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include <fmt/format.h>

#include "gpu/ptx/exec.hpp"

namespace obz::ptx {
namespace {

using Words = std::array<std::uint32_t, kLanes>;

Words words(const Machine& m, std::int32_t at) {
  Words w;
  std::memcpy(w.data(), m.row(at), sizeof w);
  return w;
}

void put(Machine& m, const Instr& i, std::uint32_t mask, const Words& values) {
  if (i.d[0] < 0) return;
  auto* const d = reinterpret_cast<std::uint32_t*>(m.row(i.d[0]));
  for (std::size_t k = 0; k < kLanes; ++k) {
    if ((mask >> k & 1) != 0) d[k] = values[k];
  }
}

void put_predicate(Machine& m, std::int32_t at, std::uint32_t mask, std::uint32_t value) {
  if (at < 0) return;
  std::uint32_t& p = m.predicate(at);
  p = (p & ~mask) | (value & mask);
}

/// The member mask that all lanes must agree on, without lanes that have exited. Every member must stand here, and
/// everybody here must be a member: else the hardware would wait, or worse.
std::uint32_t members(Machine& m, const Instr& i, std::int32_t at, std::uint32_t mask) {
  const Words w = words(m, at);
  const std::uint32_t named = w[static_cast<std::size_t>(std::countr_zero(mask))];
  for (std::uint32_t k = 0; k < kLanes; ++k) {
    if ((mask >> k & 1) != 0 && w[k] != named) {
      fault(m, i, k, fmt::format("divergence: its member mask is {:#x}, another lane's {:#x}", w[k], named));
    }
  }
  if ((mask & ~named) != 0) {
    fault(m, i, static_cast<std::uint32_t>(std::countr_zero(mask & ~named)),
          fmt::format("divergence: the member mask {:#x} does not name this thread", named));
  }
  const std::uint32_t missing = named & m.warp->live & ~mask;
  if (missing != 0) {
    fault(m, i,
          fmt::format("divergence: the member mask {:#x} names {} of warp {}, which do not stand here", named,
                      lanes_text(missing), m.warp->index));
  }
  return named & mask;
}

}  // namespace

void exec_mma(Machine& m, const Instr& i, std::uint32_t) {
  i.mma({m.row(i.d[0]), m.row(i.d[1]), m.row(i.s[0]), m.row(i.s[1]), m.row(i.s[2]), m.row(i.s[3])});
}

void exec_shfl(Machine& m, const Instr& i, std::uint32_t mask) {
  const std::uint32_t group = members(m, i, i.s[3], mask);
  const Words a = words(m, i.s[0]), b = words(m, i.s[1]), c = words(m, i.s[2]);
  Words d{};
  std::uint32_t in_range = 0;
  for (std::uint32_t k = 0; k < kLanes; ++k) {
    if ((mask >> k & 1) == 0) continue;
    const std::int32_t lane = static_cast<std::int32_t>(k);
    const auto by = static_cast<std::int32_t>(b[k] & 31), clamp = static_cast<std::int32_t>(c[k] & 31);
    const auto segment = static_cast<std::int32_t>(c[k] >> 8 & 31);
    const std::int32_t most = (lane & segment) | (clamp & ~segment), least = lane & segment;
    std::int32_t from = lane;
    bool ok = false;
    switch (i.mode) {
      case kShflUp: from = lane - by, ok = from >= most; break;
      case kShflDown: from = lane + by, ok = from <= most; break;
      case kShflBfly: from = lane ^ by, ok = from <= most; break;
      default: from = least | (by & ~segment), ok = from <= most; break;
    }
    if (!ok) from = lane;
    in_range |= static_cast<std::uint32_t>(ok) << k;
    if ((group >> from & 1) == 0) {
      fault(m, i, k,
            fmt::format("it reads from lane {}, which does not take part, so the result is unspecified", from));
    }
    d[k] = a[static_cast<std::size_t>(from)];
  }
  put(m, i, mask, d);
  put_predicate(m, i.second, mask, in_range);
}

void exec_vote(Machine& m, const Instr& i, std::uint32_t mask) {
  const std::uint32_t group = members(m, i, i.s[1], mask);
  const std::uint32_t p = m.predicate(i.s[0]), held = ((i.negated & 1) != 0 ? ~p : p) & group;
  if (i.mode == kVoteBallot) {
    Words d;
    d.fill(held);
    return put(m, i, mask, d);
  }
  const bool yes = i.mode == kVoteAll ? held == group : i.mode == kVoteAny ? held != 0 : held == 0 || held == group;
  put_predicate(m, i.d[0], mask, yes ? kAllLanes : 0);
}

void exec_match(Machine& m, const Instr& i, std::uint32_t mask) {
  const std::uint32_t group = members(m, i, i.s[1], mask);
  std::array<std::uint64_t, kLanes> a{};
  for (std::size_t k = 0; k < kLanes; ++k) std::memcpy(&a[k], m.row(i.s[0]) + k * i.access_bytes, i.access_bytes);
  Words d{};
  std::uint32_t same = 0;
  for (std::uint32_t k = 0; k < kLanes; ++k) {
    if ((mask >> k & 1) == 0) continue;
    std::uint32_t equal = 0;
    for (std::uint32_t j = 0; j < kLanes; ++j) equal |= static_cast<std::uint32_t>(a[j] == a[k]) << j;
    equal &= group;
    d[k] = i.mode == 0 || equal == group ? equal : 0;
    same |= static_cast<std::uint32_t>(equal == group) << k;
  }
  put(m, i, mask, d);
  put_predicate(m, i.second, mask, same);
}

void exec_activemask(Machine& m, const Instr& i, std::uint32_t mask) {
  Words d;
  d.fill(mask);
  put(m, i, mask, d);
}

void exec_redux(Machine& m, const Instr& i, std::uint32_t mask) {
  const std::uint32_t group = members(m, i, i.s[1], mask);
  const Words a = words(m, i.s[0]);
  std::uint32_t r = a[static_cast<std::size_t>(std::countr_zero(group))];
  for (std::uint32_t rest = group & (group - 1); rest != 0; rest &= rest - 1) {
    const std::uint32_t b = a[static_cast<std::size_t>(std::countr_zero(rest))];
    const bool less = i.signed_values ? static_cast<std::int32_t>(b) < static_cast<std::int32_t>(r) : b < r;
    switch (i.mode) {
      case kAtomAdd: r += b; break;
      case kAtomMin: r = less ? b : r; break;
      case kAtomMax: r = less ? r : b; break;
      case kAtomAnd: r &= b; break;
      case kAtomOr: r |= b; break;
      default: r ^= b; break;
    }
  }
  Words d;
  d.fill(r);
  put(m, i, mask, d);
}

void exec_sync_warp(Machine& m, const Instr& i, std::uint32_t mask) {
  members(m, i, i.s[0], mask);
  if (m.shadowed) m.shadow.sync_warp(m.warp->index);
}

std::uint64_t special_value(const Machine& m, const Warp& w, Special what, int lane) {
  const Dim3 &b = m.launch->block, &g = m.launch->grid;
  const std::uint32_t thread = 32 * w.index + static_cast<std::uint32_t>(lane);
  const std::uint32_t bit = 1U << lane;
  switch (what) {
    case Special::tid_x: return thread % b.x;
    case Special::tid_y: return thread / b.x % b.y;
    case Special::tid_z: return thread / b.x / b.y;
    case Special::ntid_x: return b.x;
    case Special::ntid_y: return b.y;
    case Special::ntid_z: return b.z;
    case Special::ctaid_x: return m.cta.x;
    case Special::ctaid_y: return m.cta.y;
    case Special::ctaid_z: return m.cta.z;
    case Special::nctaid_x: return g.x;
    case Special::nctaid_y: return g.y;
    case Special::nctaid_z: return g.z;
    case Special::laneid: return static_cast<std::uint64_t>(lane);
    case Special::warpid: return w.index;
    case Special::nwarpid: return m.warps.size();
    case Special::smid: return 0;
    case Special::nsmid: return 1;
    case Special::gridid: return 0;
    case Special::mask_eq: return bit;
    case Special::mask_lt: return bit - 1;
    case Special::mask_le: return bit | (bit - 1);
    case Special::mask_gt: return ~(bit | (bit - 1));
    case Special::mask_ge: return ~(bit - 1);
    case Special::warp_size: return 32;
    case Special::total_shared: return m.shared_bytes;
    case Special::dynamic_shared: return m.launch->dynamic_shared_bytes;
    case Special::clock: return 0;  // never a row: exec_clock
  }
  return 0;
}

}  // namespace obz::ptx
