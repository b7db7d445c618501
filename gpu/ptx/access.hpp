// From addresses to host memory, with everything that is checked on the way.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "gpu/ptx/machine.hpp"

namespace obz::ptx {

using HostPlaces = std::array<std::byte*, 32>;

enum class Touch : std::uint8_t { load, store, atomic };

/// Reads the address row of `i` into Machine::addresses.
void form_addresses(Machine& m, const Instr& i);

/// The host memory behind Machine::addresses for the lanes of `mask`, all of them in `space` (not generic). Checks
/// bounds, alignment, races and unwritten bytes; notes what stores write; counts sectors, passes and accesses.
void resolve(Machine& m, const Instr& i, Space space, Touch touch, std::uint32_t mask, HostPlaces& places);

/// Calls `f(space, lanes)` for each space that the lanes' generic addresses lie in, with Machine::addresses made that
/// space's own.
template <class F>
void by_space(Machine& m, const Instr& i, std::uint32_t mask, F f) {
  if (i.space != Space::generic) return f(i.space, mask);
  std::array<std::uint32_t, 4> lanes{};
  for (std::uint32_t k = 0; k < kLanes; ++k) {
    if ((mask >> k & 1) == 0) continue;
    const std::uint64_t window = m.addresses[k] >> 56;
    if (window == 0 || window > 3) {
      lanes[0] |= 1U << k;
    } else {
      lanes[window] |= 1U << k;
      m.addresses[k] &= ~kWindowMask;
    }
  }
  constexpr std::array<Space, 4> spaces{Space::global, Space::shared, Space::local, Space::param};
  for (std::size_t s = 0; s < 4; ++s) {
    if (lanes[s] != 0) f(spaces[s], lanes[s]);
  }
}

/// The sentence of a shared-memory problem.
[[noreturn]] void shared_fault(const Machine& m, const Instr& i, const SharedProblem& p);

/// Faults unless [at, at + bytes) lies in shared memory and is aligned.
void check_shared_bounds(const Machine& m, const Instr& i, std::uint32_t lane, std::uint64_t at, std::uint32_t bytes);

}  // namespace obz::ptx
