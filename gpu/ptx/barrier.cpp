// bar.sync, bar.arrive, bar.red: warps arrive; when enough threads have, those that wait go on.
#include <bit>
#include <cstring>

#include <fmt/format.h>

#include "gpu/ptx/exec.hpp"

namespace obz::ptx {
namespace {

std::uint32_t uniform_word(Machine& m, const Instr& i, std::size_t source, std::uint32_t mask) {
  const auto* const w = reinterpret_cast<const std::uint32_t*>(m.row(i.s[source]));
  const auto first = static_cast<std::size_t>(std::countr_zero(mask));
  for (std::uint32_t k = 0; k < kLanes; ++k) {
    if ((mask >> k & 1) != 0 && w[k] != w[first]) {
      fault(m, i, k, fmt::format("divergence: its barrier operand is {}, another lane's {}", w[k], w[first]));
    }
  }
  return w[first];
}

/// Threads the barrier waits for: the number it was given, or all that have not exited.
std::uint32_t wanted(const Machine& m, const Barrier& b) {
  if (b.expected != 0) return b.expected;
  std::uint32_t warps = 0;
  for (const Warp& w : m.warps) warps += w.state != WarpState::done && w.live != 0 ? 32 : 0;
  return warps;
}

void give_result(Machine& m, Warp& w, const Barrier& b) {
  const Instr& i = *w.barrier_instr;
  if (i.mode < kBarRedPopc) return;
  Frame& f = w.frame();
  const std::uint32_t mask = f.active;
  if (i.mode == kBarRedPopc) {
    auto* const d = reinterpret_cast<std::uint32_t*>(f.rows + i.d[0]);
    for (std::size_t k = 0; k < kLanes; ++k) {
      if ((mask >> k & 1) != 0) d[k] = b.true_count;
    }
    return;
  }
  const bool held = i.mode == kBarRedAnd ? b.true_count == b.voters : b.true_count != 0;
  auto& p = *reinterpret_cast<std::uint32_t*>(f.rows + i.d[0]);
  p = held ? p | mask : p & ~mask;
  (void)m;
}

void release_if_full(Machine& m, std::uint32_t id) {
  Barrier& b = m.barriers[id];
  if (b.threads == 0 || b.threads < wanted(m, b)) return;
  for (Warp& w : m.warps) {
    if ((b.waiting >> w.index & 1) == 0) continue;
    give_result(m, w, b);
    w.state = WarpState::ready;
    w.barrier_instr = nullptr;
  }
  if (m.shadowed) {
    for (std::uint32_t rest = b.waiting; rest != 0; rest &= rest - 1) {
      m.shadow.leave(static_cast<std::uint32_t>(std::countr_zero(rest)), b.gathered);
    }
  }
  b = {};
}

}  // namespace

bool arrive_at_barrier(Machine& m, const Instr& i, std::uint32_t mask) {
  Warp& w = *m.warp;
  if (mask != w.live) {
    fault(m, i,
          fmt::format("divergence: every thread of warp {} must stand here, missing: {}", w.index,
                      lanes_text(w.live & ~mask)));
  }
  const std::uint32_t id = uniform_word(m, i, 0, mask);
  if (id >= m.barriers.size()) fault(m, i, fmt::format("expected a barrier from 0 to 15, got {}", id));
  Barrier& b = m.barriers[id];
  const std::uint32_t count = i.s[1] >= 0 ? uniform_word(m, i, 1, mask) : 0;
  if (i.s[1] >= 0 && (count == 0 || count % 32 != 0)) {
    fault(m, i, fmt::format("expected a number of threads that is a multiple of 32, got {}", count));
  }
  if (b.threads > 0 && b.expected != count) {
    fault(m, i, fmt::format("barrier {} waits for {} threads, this warp says {}", id, wanted(m, b), count));
  }
  b.expected = count;
  b.threads += 32;
  ++m.totals.barriers;
  if (i.mode >= kBarRedPopc) {
    const std::uint32_t p = m.predicate(i.s[2]);
    b.true_count += static_cast<std::uint32_t>(std::popcount(((i.negated >> 2 & 1) != 0 ? ~p : p) & mask));
    b.voters += static_cast<std::uint32_t>(std::popcount(mask));
  }
  if (m.shadowed) m.shadow.arrive(w.index, b.gathered);
  if (i.mode != kBarArrive) {
    b.waiting |= 1U << w.index;
    w.barrier = id;
    w.barrier_instr = &i;
    w.state = WarpState::at_barrier;
  }
  release_if_full(m, id);
  return i.mode != kBarArrive;
}

void retire_warp(Machine& m, Warp& warp) {
  if (m.shadowed) m.shadow.retire(warp.index);
  for (std::uint32_t id = 0; id < m.barriers.size(); ++id) release_if_full(m, id);
}

}  // namespace obz::ptx
