// Complete vector sets for requantizers: few cases that leave a monotone device no freedom, and directed ones for
// devices that are not monotone (lost carries, wrapped registers, wrong signs).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "golden/cases/requant_case.hpp"
#include "golden/complete/staircase.hpp"

namespace obz {

/// What a complete set proves, for the manifest.
struct Certificate {
  std::int64_t channels = 0;
  std::int64_t steps = 0;        ///< of all staircases
  std::int64_t determining = 0;  ///< cases that the proof needs: ends of the range and both sides of every step
  std::int64_t directed = 0;     ///< cases beyond them: ties, operand bits, rails
  AccRange range;
  std::int64_t narrowed = 0;  ///< channels whose range was cut to where the recipe is defined and nothing wraps
};

/// Appends the cases of one channel over `range`: the determining points of its staircase, then ties of the last and of
/// the first stage with their neighbours, every power of two and its neighbours (each operand bit, every carry length),
/// and the accumulators around zero. Where another channel's cases stand before, the first one is a case that the two
/// channels answer differently, for devices whose channel index comes late. Error when the channel is not defined at
/// the accumulator nearest zero.
void append_complete(const Profile& profile, const Channel& channel, AccRange range, std::vector<RequantCase>& cases,
                     Certificate& certificate);

/// All of them.
std::vector<RequantCase> complete_cases(const Profile& profile, const std::vector<Channel>& channels, AccRange range,
                                        Certificate& certificate);

/// Accumulators x of [lo, hi] with x * multiplier + addend = remainder (mod 2^shift), the `most` of smallest magnitude.
std::vector<std::int64_t> solve_residue(std::int64_t multiplier, std::int64_t addend, int shift, std::int64_t remainder,
                                        AccRange range, int most);

}  // namespace obz
