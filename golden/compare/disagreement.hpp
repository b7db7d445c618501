// How often two profiles give different outputs for the same real scale: the table of docs/profiles.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ref/arith/profile.hpp"

namespace obz {

/// How scales are drawn.
enum class ScaleRange : std::uint8_t {
  layers,         ///< log-uniform in 2^-12 .. 2^-5
  powers_of_two,  ///< exactly 2^-k, k = 5 .. 12
  large,          ///< log-uniform in 2^-4 .. 2^0
};

struct Disagreement {
  std::int64_t compared = 0, differ = 0;
  double percent() const {
    return compared == 0 ? 0 : 100.0 * static_cast<double>(differ) / static_cast<double>(compared);
  }
};

/// `samples` cases: int8 output, zero point 0, accumulator uniform over the range that does not saturate, the real
/// scale a float32 encoded by each profile. A pure function of the seed; runs on all cores. Cases that either profile
/// refuses or leaves undefined are not counted.
Disagreement measure_disagreement(const Profile& a, const Profile& b, ScaleRange range, std::int64_t samples,
                                  std::uint64_t seed);

/// The same with scales whose TFLite right shift is exactly `right_shift` (scale in [2^-(r+1), 2^-r)).
Disagreement measure_at_shift(const Profile& a, const Profile& b, int right_shift, std::int64_t samples,
                              std::uint64_t seed);

}  // namespace obz
