// Wrong requantizers, and how many of them a vector set exposes. The reference is one half-up rounding of a 31-bit
// multiplier (tflite/single); each fault is a mistake that hardware and kernels really make.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "golden/complete/staircase.hpp"

namespace obz {

struct Fault {
  std::string name;
  bool short_multiplier = false;  ///< shows on channels with 8-bit multipliers only: with 31 bits there are no ties
  std::int64_t (*device)(std::int64_t acc, const Channel& c, int carry_bit) = nullptr;
};

/// Double rounding, float32 scale, ties away, floor, shift off by one, 16-bit multiplier, lost carry.
const std::vector<Fault>& requant_faults();

/// Of `channels` seeded channels: how many the fault changes at all, and which sets notice.
struct FaultScore {
  std::string name;
  std::int64_t channels = 0;
  std::int64_t differ = 0;         ///< by an exhaustive sweep of every accumulator of the channel's range
  std::int64_t by_complete = 0;    ///< found by the channel's complete set
  std::int64_t by_random = 0;      ///< found by as many uniform accumulators
  std::int64_t by_random_100 = 0;  ///< by 100 times as many
  std::int64_t by_tolerance = 0;   ///< found by the sweep when a difference of one is forgiven
  double cases = 0;                ///< mean size of the complete set of one channel
};

/// Scales are log-uniform in 2^-10 .. 2^-4, outputs int8, accumulators 1.25 times what does not saturate. Runs on all
/// cores; a pure function of its arguments.
std::vector<FaultScore> measure_faults(std::int64_t channels, std::uint64_t seed);

}  // namespace obz
