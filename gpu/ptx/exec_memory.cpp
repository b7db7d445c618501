// Loads, stores and ldmatrix.
#include <array>
#include <bit>
#include <cstring>

#include <fmt/format.h>

#include "gpu/ptx/access.hpp"
#include "gpu/ptx/exec.hpp"

namespace obz::ptx {

void exec_load(Machine& m, const Instr& i, std::uint32_t mask) {
  form_addresses(m, i);
  std::array<std::byte*, 4> rows;
  for (std::size_t k = 0; k < i.vector; ++k) rows[k] = m.row(i.d[k]);
  by_space(m, i, mask, [&](Space space, std::uint32_t lanes) {
    HostPlaces places;
    resolve(m, i, space, Touch::load, lanes, places);
    i.gather(rows.data(), places.data(), i.vector, lanes);
  });
}

void exec_store(Machine& m, const Instr& i, std::uint32_t mask) {
  form_addresses(m, i);
  std::array<const std::byte*, 4> rows;
  for (std::size_t k = 0; k < i.vector; ++k) rows[k] = m.row(i.s[k + 1]);
  by_space(m, i, mask, [&](Space space, std::uint32_t lanes) {
    HostPlaces places;
    resolve(m, i, space, Touch::store, lanes, places);
    i.scatter(rows.data(), places.data(), i.vector, lanes);
  });
}

void exec_load_param(Machine& m, const Instr& i, std::uint32_t mask) {
  HostPlaces places;
  places.fill(const_cast<std::byte*>(m.launch->args.data()) + i.imm);  // the decoder checked the bounds
  std::array<std::byte*, 4> rows;
  for (std::size_t k = 0; k < i.vector; ++k) rows[k] = m.row(i.d[k]);
  i.gather(rows.data(), places.data(), i.vector, mask);
}

namespace {

/// Banks of the eight rows of one matrix, 16 bytes each: one pass unless two rows share a group of four banks.
std::uint32_t matrix_passes(const std::uint64_t* addresses) {
  std::uint32_t groups = 0;
  for (int r = 0; r < 8; ++r) groups |= 1U << (addresses[r] >> 4 & 7);
  return groups == 0xFF ? 1 : bank_passes(addresses, 0xFF, 16).all;
}

}  // namespace

void exec_ldmatrix(Machine& m, const Instr& i, std::uint32_t) {
  form_addresses(m, i);
  const std::uint32_t rows = 8U * i.vector;
  if (m.shadowed) m.shadow.access(m.warp->index, i.line, false);
  for (std::uint32_t r = 0; r < rows; ++r) {
    std::uint64_t& at = m.addresses[r];
    if (i.space == Space::generic) {
      if ((at & kWindowMask) != kSharedWindow)
        fault(m, i, r, fmt::format("address {:#x} is none of shared memory", at));
      at &= ~kWindowMask;
    }
    check_shared_bounds(m, i, r, at, 16);
    if (!m.shadowed) continue;
    if (const auto p = m.shadow.read_row(r, static_cast<std::uint32_t>(at))) shared_fault(m, i, *p);
  }
  Tally& t = m.tally(i);
  for (std::size_t k = 0; k < i.vector; ++k) {
    const std::uint32_t passes = matrix_passes(m.addresses.data() + 8 * k);
    t.passes += passes;
    t.extra_passes += passes - 1;
    std::byte* const d = m.row(i.d[k]);
    for (std::size_t r = 0; r < 8; ++r) {
      const std::byte* const from = m.shared.data() + m.addresses[8 * k + r];
      if (i.mode == 0) {
        std::memcpy(d + 16 * r, from, 16);
        continue;
      }
      // Transposed: lane 4c + r/2 holds element c of rows 2(r/2) and 2(r/2) + 1.
      for (std::size_t c = 0; c < 8; ++c) std::memcpy(d + 16 * c + 2 * r, from + 2 * c, 2);
    }
  }
  ++m.totals.shared_loads;
}

}  // namespace obz::ptx
