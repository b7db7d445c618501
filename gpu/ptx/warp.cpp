// The scheduler: one warp's instructions, its parted lanes, calls and barriers; then the warps of a CTA in turn.
#include <algorithm>
#include <bit>
#include <cstring>

#include <fmt/format.h>

#include "gpu/ptx/exec.hpp"
#include "gpu/ptx/machine.hpp"

namespace obz::ptx {
namespace {

void find_next_waiting(Frame& f) {
  f.next_waiting = kNoPc;
  for (std::uint32_t rest = f.waiting; rest != 0; rest &= rest - 1) {
    f.next_waiting = std::min(f.next_waiting, f.waiting_pc[static_cast<std::size_t>(std::countr_zero(rest))]);
  }
}

void put_waiting(Frame& f, std::uint32_t lanes, std::uint32_t pc) {
  if (lanes == 0) return;
  f.waiting |= lanes;
  for (std::uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
    f.waiting_pc[static_cast<std::size_t>(std::countr_zero(rest))] = pc;
  }
  f.next_waiting = std::min(f.next_waiting, pc);
}

/// The lanes that stand first in the text run: those that waited there join or replace the active ones.
void regroup(Frame& f) {
  if (f.active != 0 && f.pc > f.next_waiting) {
    put_waiting(f, f.active, f.pc);
    f.active = 0;
  }
  if (f.active == 0) f.pc = f.next_waiting;
  for (std::uint32_t rest = f.waiting; rest != 0; rest &= rest - 1) {
    const int lane = std::countr_zero(rest);
    if (f.waiting_pc[static_cast<std::size_t>(lane)] != f.pc) continue;
    f.active |= 1U << lane;
    f.waiting &= ~(1U << lane);
  }
  find_next_waiting(f);
}

void fill_rows(Machine& m, Frame& f) {
  const Function& fn = *f.function;
  std::copy(fn.image.begin(), fn.image.end(), f.rows + fn.register_bytes);
  const auto set = [&](std::int32_t row, std::uint32_t bytes, std::uint64_t value, int lane) {
    std::memcpy(f.rows + row + static_cast<std::uint32_t>(lane) * bytes, &value, bytes);
  };
  for (const Function::SpecialRow& s : fn.specials) {
    for (int i = 0; i < kLanes; ++i) set(s.row, s.bytes, special_value(m, *m.warp, s.what, i), i);
  }
  for (const Function::PlaceRow& p : fn.places) {
    std::uint64_t base = 0;
    if (p.from == Function::From::local) base = f.local_base;
    if (p.from == Function::From::dynamic_shared) base = m.dynamic_base;
    for (int i = 0; i < kLanes; ++i) set(p.row, p.bytes, static_cast<std::uint64_t>(p.offset) + base, i);
  }
  for (const Function::VariableRow& v : fn.variables) {
    for (int i = 0; i < kLanes; ++i) {
      set(v.row, 8, (*m.variables)[v.variable] + static_cast<std::uint64_t>(v.offset), i);
    }
  }
}

/// Pushes a frame for `lanes`, at the function's first instruction.
Frame& enter(Machine& m, const Function& fn, std::uint32_t lanes, std::uint32_t local_base) {
  Warp& w = *m.warp;
  if (w.depth == w.frames.size()) w.frames.push_back(std::make_unique<Frame>());
  Frame& f = *w.frames[w.depth++];
  f.function = &fn;
  f.rows = f.memory.reserve(fn.frame_bytes);
  // The same on every run, also for programs that read registers they never wrote.
  std::memset(f.rows, 0xDB, fn.register_bytes);
  f.params = f.param_memory.reserve(std::size_t{64} * fn.param_bytes);
  f.params_written = reinterpret_cast<std::uint8_t*>(f.params) + std::size_t{32} * fn.param_bytes;
  if (fn.param_bytes > 0) std::memset(f.params, 0, std::size_t{64} * fn.param_bytes);
  f.pc = 0;
  f.active = lanes;
  f.waiting = f.returned = 0;
  f.next_waiting = kNoPc;
  f.local_base = local_base;
  fill_rows(m, f);
  m.frame = &f;
  return f;
}

void copy_params(Frame& from, const std::vector<Function::Place>& a, Frame& to, const std::vector<Function::Place>& b,
                 std::uint32_t lanes) {
  for (std::uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
    const auto lane = static_cast<std::uint32_t>(std::countr_zero(rest));
    for (std::size_t k = 0; k < a.size(); ++k) {
      const std::size_t x = std::size_t{lane} * from.function->param_bytes + a[k].offset;
      const std::size_t y = std::size_t{lane} * to.function->param_bytes + b[k].offset;
      std::memcpy(to.params + y, from.params + x, a[k].bytes);
      std::memcpy(to.params_written + y, from.params_written + x, a[k].bytes);
    }
  }
}

/// Lanes leave the warp for good.
void exit_lanes(Machine& m, std::uint32_t lanes) {
  Warp& w = *m.warp;
  w.live &= ~lanes;
  for (std::size_t d = 0; d < w.depth; ++d) {
    Frame& f = *w.frames[d];
    f.active &= ~lanes;
    f.waiting &= ~lanes;
    f.returned &= ~lanes;
    find_next_waiting(f);
  }
}

/// When no lane of the top frame has anything left to do: back to the caller.
void unwind(Machine& m) {
  Warp& w = *m.warp;
  while (w.depth > 0) {
    Frame& f = w.frame();
    if (f.active != 0 || f.waiting != 0) break;
    if (--w.depth == 0) break;
    Frame& caller = w.frame();
    const Instr& call = caller.function->code[caller.pc];
    const Function::Call& c = caller.function->calls[call.table];
    copy_params(f, f.function->returns, caller, c.returns, f.returned);
    // Lanes of the caller that the call's predicate kept out are active there as well.
    ++caller.pc;
  }
  m.frame = w.depth > 0 ? &w.frame() : nullptr;
}

void branch(Machine& m, const Instr& i, std::uint32_t mask) {
  Frame& f = *m.frame;
  const std::uint32_t stay = f.active & ~mask;
  if (stay == 0) {
    f.pc = i.target;
    return;
  }
  ++f.pc;
  if (mask == 0) return;
  ++m.totals.divergent_branches;
  f.active = stay;
  put_waiting(f, mask, i.target);
}

void branch_table(Machine& m, const Instr& i, std::uint32_t mask) {
  Frame& f = *m.frame;
  const std::vector<std::uint32_t>& table = f.function->tables[i.table];
  const auto* const index = reinterpret_cast<const std::uint32_t*>(m.row(i.s[0]));
  const std::uint32_t stay = f.active & ~mask;
  bool parted = stay != 0 && mask != 0;
  for (std::uint32_t rest = mask, first = kNoPc; rest != 0; rest &= rest - 1) {
    const auto lane = static_cast<std::uint32_t>(std::countr_zero(rest));
    if (index[lane] >= table.size()) {
      fault(m, i, lane, fmt::format("index {} of a table of {} labels", index[lane], table.size()));
    }
    parted = parted || (first != kNoPc && table[index[lane]] != first);
    first = table[index[lane]];
    put_waiting(f, 1U << lane, first);
  }
  m.totals.divergent_branches += parted ? 1 : 0;
  ++f.pc;
  f.active = stay;
}

void call(Machine& m, const Instr& i, std::uint32_t mask) {
  Frame& caller = *m.frame;
  if (mask == 0) {
    ++caller.pc;
    return;
  }
  const Function& fn = m.program->functions[i.target];
  const std::uint32_t base = caller.local_base + caller.function->local_bytes;
  if (base + fn.local_bytes > m.local_bytes || m.warp->depth > 1000) {
    fault(m, i, fmt::format("the call stack is full: {} bytes of .local, {} calls deep", m.local_bytes, m.warp->depth));
  }
  const Function::Call& c = caller.function->calls[i.table];
  Frame& callee = enter(m, fn, mask, base);
  copy_params(caller, c.params, callee, fn.params, mask);
}

void leave_function(Machine& m, std::uint32_t mask) {
  Frame& f = *m.frame;
  if (m.warp->depth == 1) {
    exit_lanes(m, mask);
  } else {
    f.active &= ~mask;
    f.returned |= mask;
  }
  // A false predicate lets its lanes go on.
  if (f.active != 0) ++f.pc;
  unwind(m);
}

void step_sink(Machine& m, const Instr& i, std::uint32_t mask) {
  const auto& only = m.options->sink_cta;
  if (only && (only->x != m.cta.x || only->y != m.cta.y || only->z != m.cta.z)) return;
  Step step{
      .opcode = m.program->opcodes[i.opcode], .line = i.line, .cta = m.cta, .warp = m.warp->index, .active = mask};
  if (m.has_addresses) step.addresses = m.addresses;
  m.options->sink(step);
}

/// Executes what the scheduler itself does. False: the warp stops here for now.
bool control(Machine& m, const Instr& i, std::uint32_t mask) {
  switch (i.flow) {
    case Flow::branch: branch(m, i, mask); return true;
    case Flow::table: branch_table(m, i, mask); return true;
    case Flow::call: call(m, i, mask); return true;
    case Flow::ret: leave_function(m, mask); break;
    case Flow::exit:
      exit_lanes(m, mask);
      if (m.frame->active != 0) ++m.frame->pc;
      unwind(m);
      break;
    case Flow::trap:
      if (mask != 0) fault(m, i, static_cast<std::uint32_t>(std::countr_zero(mask)), "the program stops itself here");
      ++m.frame->pc;
      return true;
    case Flow::barrier:
      ++m.frame->pc;
      if (mask == 0) return true;
      return !arrive_at_barrier(m, i, mask);
    case Flow::next: break;
  }
  if (m.warp->depth > 0 && m.warp->live != 0) return true;
  m.warp->state = WarpState::done;
  return false;
}

/// Runs the warp to its next barrier or its end.
void run_warp(Machine& m, Warp& w) {
  m.warp = &w;
  m.frame = &w.frame();
  const bool watched = static_cast<bool>(m.options->sink);
  const std::uint64_t limit = m.options->max_instructions;
  for (;;) {
    Frame& f = *m.frame;
    if (f.pc >= f.next_waiting || f.active == 0) regroup(f);
    const Instr& i = f.function->code[f.pc];
    std::uint32_t mask = f.active;
    if (i.guard >= 0) {
      const std::uint32_t p = m.predicate(i.guard);
      mask &= i.guard_negated ? ~p : p;
    }
    Tally& t = m.tally(i);
    ++t.warps;
    t.lanes += mask == kAllLanes ? 32 : static_cast<std::uint64_t>(std::popcount(mask));
    if (++w.executed == limit) fault(m, i, fmt::format("runaway: the warp has executed {} instructions", limit));
    m.has_addresses = false;
    if (i.flow == Flow::next) {
      if (mask != 0) {
        if (i.aligned && mask != kAllLanes) {
          fault(m, i,
                fmt::format("divergence: all 32 threads of warp {} must stand here, missing: {}", w.index,
                            lanes_text(~mask)));
        }
        i.exec(m, i, mask);
      }
      ++f.pc;
      if (watched) step_sink(m, i, mask);
      continue;
    }
    if (watched) step_sink(m, i, mask);
    if (!control(m, i, mask)) return;
  }
}

void start_warps(Machine& m) {
  const Dim3& b = m.launch->block;
  const auto threads = static_cast<std::uint32_t>(b.count());
  for (std::uint32_t k = 0; k < m.warps.size(); ++k) {
    Warp& w = m.warps[k];
    const std::uint32_t lanes = std::min(threads - 32 * k, 32U);
    w.index = k;
    w.start = w.live = lanes == 32 ? kAllLanes : (1U << lanes) - 1;
    w.state = WarpState::ready;
    w.depth = 0;
    w.carry = 0;
    w.executed = 0;
    w.barrier_instr = nullptr;
    // The same on every run, also for programs that read what they never wrote.
    if (!m.options->checks.uninitialised) w.local.clear();
    w.local.resize(std::size_t{32} * m.local_bytes);
    w.local_written.assign(std::size_t{32} * m.local_bytes, 0);
    m.warp = &w;
    enter(m, *m.kernel, w.live, 0);
  }
}

[[noreturn]] void deadlock(Machine& m) {
  std::vector<std::string> where;
  const Warp* first = nullptr;
  for (const Warp& w : m.warps) {
    if (w.state != WarpState::at_barrier) {
      where.push_back(fmt::format("warp {} has exited", w.index));
      continue;
    }
    if (!first) first = &w;
    if (where.size() < 6)
      where.push_back(fmt::format("warp {} waits at barrier {} (line {})", w.index, w.barrier, w.barrier_instr->line));
  }
  m.warp = &m.warps[first->index];
  fault(m, *first->barrier_instr, fmt::format("deadlock: {}", fmt::join(where, ", ")));
}

}  // namespace

void run_cta(Machine& m, Dim3 cta) {
  m.cta = cta;
  std::fill(m.shared.begin(), m.shared.end(), std::byte{0xDB});
  if (m.shadowed) m.shadow.begin(static_cast<std::uint32_t>(m.warps.size()), m.shared_bytes);
  m.barriers.fill({});
  start_warps(m);
  ++m.totals.ctas;
  m.totals.warps += m.warps.size();
  for (;;) {
    bool ran = false, waits = false;
    for (Warp& w : m.warps) {
      if (w.state == WarpState::ready) {
        run_warp(m, w);
        ran = true;
        if (w.state == WarpState::done) retire_warp(m, w);
      }
      waits = waits || w.state == WarpState::at_barrier;
    }
    if (ran) continue;
    if (!waits) return;
    deadlock(m);
  }
}

}  // namespace obz::ptx
