// Whether a bin can be hit at all: a case that hits it, or the reason why none does. Nothing is guessed; what has
// neither is open.
#pragma once

#include <string>
#include <vector>

#include "golden/cover/bins.hpp"

namespace obz {

enum class Reach : std::uint8_t {
  reachable,    ///< `witness` hits the bin
  unreachable,  ///< `reason` says why no case of the space does; its condition was checked
  open,         ///< neither found
};

struct Decision {
  Reach reach = Reach::open;
  std::vector<RequantCase> witness;  ///< one case, or two when the bin is about a case and its neighbour: the last hits
  std::string reason;
};

/// Given channels with at most this many accumulators in all are tried whole.
inline constexpr std::int64_t kTriedWhole = std::int64_t{1} << 21;

/// One decision per bin.
std::vector<Decision> decide(const CoverSpace& space, const std::vector<Bin>& bins,
                             std::int64_t tried_whole = kTriedWhole);

}  // namespace obz
