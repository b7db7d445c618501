#include "gpu/ptx/access.hpp"

#include <bit>
#include <cstring>

#include <fmt/format.h>

#include "gpu/ptx/exec.hpp"

namespace obz::ptx {
namespace {

/// True when all `bytes` flags are 1. bytes: 1, 2, 4, 8, 16 or 32.
bool all_written(const std::uint8_t* flags, std::uint32_t bytes) {
  if (bytes >= 8) {
    std::uint64_t all = 0x0101010101010101;
    for (std::uint32_t k = 0; k < bytes; k += 8) {
      std::uint64_t eight;
      std::memcpy(&eight, flags + k, 8);
      all &= eight;
    }
    return all == 0x0101010101010101;
  }
  std::uint8_t all = 1;
  for (std::uint32_t k = 0; k < bytes; ++k) all &= flags[k];
  return all == 1;
}

std::uint32_t first_unwritten(const std::uint8_t* flags) {
  std::uint32_t k = 0;
  while (flags[k] != 0) ++k;
  return k;
}

[[noreturn]] void misaligned(const Machine& m, const Instr& i, std::uint32_t lane, const char* space, std::uint32_t n) {
  fault(m, i, lane, fmt::format("misaligned: {} address {:#x} is no multiple of {}", space, m.addresses[lane], n));
}

void resolve_global(Machine& m, const Instr& i, Touch touch, std::uint32_t mask, HostPlaces& places) {
  const std::uint32_t n = static_cast<std::uint32_t>(i.access_bytes) * i.vector;
  const bool check = m.options->checks.uninitialised && touch != Touch::store;
  const Allocation* a = m.last_allocation;
  for (std::uint32_t rest = mask; rest != 0; rest &= rest - 1) {
    const auto lane = static_cast<std::uint32_t>(std::countr_zero(rest));
    const std::uint64_t at = m.addresses[lane];
    if ((at & (n - 1)) != 0) misaligned(m, i, lane, "global", n);
    if (a == nullptr || at - a->base >= a->bytes) a = m.memory->find(at);
    if (a == nullptr || n > a->bytes - (at - a->base)) {
      fault(m, i, lane, fmt::format("out of bounds: {} bytes at {:#x}, {}", n, at, m.memory->describe(at)));
    }
    const std::uint64_t offset = at - a->base;
    places[lane] = a->data.get() + offset;
    std::uint8_t* const written = a->written.get() + offset;
    if (check && !all_written(written, n)) {
      fault(m, i, lane,
            fmt::format("uninitialised: byte {} of \"{}\" was never written", offset + first_unwritten(written),
                        a->label));
    }
    if (touch != Touch::load) std::memset(written, 1, n);
  }
  m.last_allocation = a;
  const std::uint32_t sectors = sectors_of(m.addresses.data(), mask);
  const auto bytes = std::uint64_t{n} * static_cast<std::uint64_t>(std::popcount(mask));
  m.tally(i).sectors += sectors;
  Counters& c = m.totals;
  if (touch != Touch::store) c.sectors_read += sectors, c.bytes_read += bytes;
  if (touch != Touch::load) c.sectors_written += sectors, c.bytes_written += bytes;
  (touch == Touch::load ? c.global_loads : touch == Touch::store ? c.global_stores : c.global_atomics) += 1;
}

void resolve_shared(Machine& m, const Instr& i, Touch touch, std::uint32_t mask, HostPlaces& places) {
  const std::uint32_t n = static_cast<std::uint32_t>(i.access_bytes) * i.vector;
  if (m.shadowed) m.shadow.access(m.warp->index, i.line, touch == Touch::atomic || i.strong);
  for (std::uint32_t rest = mask; rest != 0; rest &= rest - 1) {
    const auto lane = static_cast<std::uint32_t>(std::countr_zero(rest));
    const std::uint64_t at = m.addresses[lane];
    check_shared_bounds(m, i, lane, at, n);
    places[lane] = m.shared.data() + at;
    if (!m.shadowed) continue;
    if (touch != Touch::store) {
      if (const auto p = m.shadow.read(lane, static_cast<std::uint32_t>(at), n)) shared_fault(m, i, *p);
    }
    if (touch != Touch::load) {
      if (const auto p = m.shadow.write(lane, static_cast<std::uint32_t>(at), n)) shared_fault(m, i, *p);
    }
  }
  const Passes passes = bank_passes(m.addresses.data(), mask, n);
  Tally& t = m.tally(i);
  t.passes += passes.all;
  t.extra_passes += passes.extra;
  Counters& c = m.totals;
  (touch == Touch::load ? c.shared_loads : touch == Touch::store ? c.shared_stores : c.shared_atomics) += 1;
}

/// Memory of which every thread has its own: .local, and the parameters of calls.
struct Own {
  const char* name;
  std::byte* data;
  std::uint8_t* written;
  std::uint32_t bytes;  ///< per thread
};

void resolve_own(Machine& m, const Instr& i, const Own& own, Touch touch, std::uint32_t mask, HostPlaces& places) {
  const std::uint32_t n = static_cast<std::uint32_t>(i.access_bytes) * i.vector;
  for (std::uint32_t rest = mask; rest != 0; rest &= rest - 1) {
    const auto lane = static_cast<std::uint32_t>(std::countr_zero(rest));
    const std::uint64_t at = m.addresses[lane];
    if ((at & (n - 1)) != 0) misaligned(m, i, lane, own.name, n);
    if (n > own.bytes || at > own.bytes - n) {
      fault(m, i, lane,
            fmt::format("out of bounds: {} bytes at {} address {}, a thread has {} bytes", n, own.name, at, own.bytes));
    }
    const std::size_t place = std::size_t{lane} * own.bytes + at;
    places[lane] = own.data + place;
    std::uint8_t* const written = own.written + place;
    if (touch != Touch::store && m.options->checks.uninitialised && !all_written(written, n)) {
      fault(m, i, lane,
            fmt::format("uninitialised: {} byte {} was never written", own.name, at + first_unwritten(written)));
    }
    if (touch != Touch::load) std::memset(written, 1, n);
  }
}

void resolve_kernel_param(Machine& m, const Instr& i, Touch touch, std::uint32_t mask, HostPlaces& places) {
  const std::uint32_t n = static_cast<std::uint32_t>(i.access_bytes) * i.vector;
  const std::vector<std::byte>& args = m.launch->args;
  for (std::uint32_t rest = mask; rest != 0; rest &= rest - 1) {
    const auto lane = static_cast<std::uint32_t>(std::countr_zero(rest));
    const std::uint64_t at = m.addresses[lane];
    if (touch != Touch::load) fault(m, i, lane, "a kernel's parameters cannot be written");
    if ((at & (n - 1)) != 0) misaligned(m, i, lane, "param", n);
    if (n > args.size() || at > args.size() - n) {
      fault(m, i, lane, fmt::format("out of bounds: {} bytes at {} of {} bytes of parameters", n, at, args.size()));
    }
    places[lane] = const_cast<std::byte*>(args.data()) + at;
  }
}

}  // namespace

void form_addresses(Machine& m, const Instr& i) {
  m.has_addresses = true;
  if (i.s[0] < 0) {
    m.addresses.fill(static_cast<std::uint64_t>(i.imm));
  } else if (i.address_bytes == 8) {
    const auto* const base = reinterpret_cast<const std::uint64_t*>(m.row(i.s[0]));
    for (std::size_t k = 0; k < kLanes; ++k) m.addresses[k] = base[k] + static_cast<std::uint64_t>(i.imm);
  } else {
    const auto* const base = reinterpret_cast<const std::uint32_t*>(m.row(i.s[0]));
    for (std::size_t k = 0; k < kLanes; ++k) m.addresses[k] = base[k] + static_cast<std::uint32_t>(i.imm);
  }
}

void check_shared_bounds(const Machine& m, const Instr& i, std::uint32_t lane, std::uint64_t at, std::uint32_t bytes) {
  if ((at & (bytes - 1)) != 0) misaligned(m, i, lane, "shared", bytes);
  if (bytes > m.shared_bytes || at > m.shared_bytes - bytes) {
    fault(m, i, lane,
          fmt::format("out of bounds: {} bytes at shared address {}, the CTA has {} bytes", bytes, at, m.shared_bytes));
  }
}

void shared_fault(const Machine& m, const Instr& i, const SharedProblem& p) {
  if (p.kind == SharedProblem::Kind::unwritten) {
    fault(m, i, p.lane, fmt::format("uninitialised: shared byte {} was never written", p.byte));
  }
  const std::string who = p.several ? fmt::format("several threads of warp {}", p.other_warp)
                                    : fmt::format("thread {}", thread_text(m, p.other_warp, p.other_lane));
  const char* const did = p.kind == SharedProblem::Kind::race_with_write ? "wrote" : "read";
  fault(m, i, p.lane,
        fmt::format("race on shared byte {}: {} {} it at line {} and no barrier lies between", p.byte, who, did,
                    p.other_line));
}

void resolve(Machine& m, const Instr& i, Space space, Touch touch, std::uint32_t mask, HostPlaces& places) {
  switch (space) {
    case Space::shared: return resolve_shared(m, i, touch, mask, places);
    case Space::local: {
      (touch == Touch::load ? m.totals.local_loads : m.totals.local_stores) += 1;
      const Own own{"local", m.warp->local.data(), m.warp->local_written.data(), m.local_bytes};
      return resolve_own(m, i, own, touch, mask, places);
    }
    case Space::param: {
      if (i.kernel_param || i.space == Space::generic) return resolve_kernel_param(m, i, touch, mask, places);
      const Own own{"param", m.frame->params, m.frame->params_written, m.frame->function->param_bytes};
      return resolve_own(m, i, own, touch, mask, places);
    }
    default: return resolve_global(m, i, touch, mask, places);
  }
}

}  // namespace obz::ptx
