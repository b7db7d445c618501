// Bank conflicts and sectors, from the addresses of one warp access.
#include <algorithm>
#include <array>
#include <bit>

#include "gpu/ptx/exec.hpp"

namespace obz::ptx {
namespace {

/// Passes of one phase: the most distinct units that any group of banks must deliver. Accesses are aligned to the unit,
/// so a unit of 8 or 16 bytes always takes the same 2 or 4 banks together.
std::uint32_t phase_passes(const std::uint64_t* addresses, std::uint32_t mask, std::uint32_t unit_log2) {
  const std::uint32_t groups_mask = (128U >> unit_log2) - 1;
  std::array<std::uint8_t, 32> count{};
  std::array<std::array<std::uint32_t, 32>, 32> seen;
  std::uint32_t most = 0;
  for (std::uint32_t rest = mask; rest != 0; rest &= rest - 1) {
    const auto unit = static_cast<std::uint32_t>(addresses[std::countr_zero(rest)] >> unit_log2);
    const std::uint32_t group = unit & groups_mask;
    bool known = false;
    for (std::uint32_t j = 0; j < count[group] && !known; ++j) known = seen[group][j] == unit;
    if (known) continue;
    seen[group][count[group]++] = unit;
    most = std::max<std::uint32_t>(most, count[group]);
  }
  return most;
}

}  // namespace

Passes bank_passes(const std::uint64_t* addresses, std::uint32_t mask, std::uint32_t bytes) {
  const std::uint32_t unit_log2 = bytes <= 4 ? 2 : bytes == 8 ? 3 : 4, lanes = 128U >> unit_log2;
  Passes p;
  for (std::uint32_t from = 0; from < 32; from += lanes) {
    const std::uint32_t phase = lanes == 32 ? mask : mask & (((1U << lanes) - 1) << from);
    if (phase == 0) continue;
    const std::uint32_t n = phase_passes(addresses, phase, unit_log2);
    p.all += n;
    p.extra += n - 1;
  }
  return p;
}

std::uint32_t sectors_of(const std::uint64_t* addresses, std::uint32_t mask) {
  std::array<std::uint64_t, 32> sectors;
  std::size_t n = 0;
  bool rising = true;
  for (std::uint32_t rest = mask; rest != 0; rest &= rest - 1) {
    const std::uint64_t s = addresses[std::countr_zero(rest)] >> 5;
    if (n > 0 && s == sectors[n - 1]) continue;
    rising = rising && (n == 0 || s > sectors[n - 1]);
    sectors[n++] = s;
  }
  if (rising) return static_cast<std::uint32_t>(n);
  std::sort(sectors.begin(), sectors.begin() + n);
  return static_cast<std::uint32_t>(std::unique(sectors.begin(), sectors.begin() + n) - sectors.begin());
}

}  // namespace obz::ptx
