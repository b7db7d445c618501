// Values for the taps of a window so that their weighted sum is a given number.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ref/base/philox.hpp"

namespace obz {

/// One input of a window.
struct Tap {
  std::int64_t weight = 0;
  std::size_t at = 0;  ///< of the input element
};

/// Moves `values` (one per tap, inside lo..hi) until sum of weight * value is `target`, most taps untouched when they
/// were near. False: none was found, which is no proof that there is none.
bool place_sum(std::span<const Tap> taps, std::span<std::int64_t> values, std::int64_t lo, std::int64_t hi,
               std::int64_t target, CaseRandom& rng);

}  // namespace obz
