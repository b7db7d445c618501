// The same faults against several ways of choosing and comparing vectors, side by side.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "golden/mutate/mutate.hpp"

namespace obz {

/// One way: how many vectors, and which faults they show.
struct MutationColumn {
  std::string name;
  std::int64_t vectors = 0;  ///< cases of a requantizer, samples of a layer
  std::vector<bool> killed;  ///< one per fault
};

struct MutationTable {
  std::string subject;                ///< "conv2d 3x3/2 int8xint8, tflite/double"
  std::vector<MutantResult> results;  ///< fate of each fault under the first column
  std::vector<MutationColumn> columns;
};

/// Complete cases of the unit, as many seeded ones, `times` as many, and both compared with a tolerance of one.
MutationTable compare_ways(const RequantUnit& unit, const std::vector<Fault>& faults, std::int64_t times,
                           std::uint64_t seed, const MutateProgress& progress);
MutationTable compare_ways(const LayerUnit& unit, const std::vector<Fault>& faults, std::int64_t times,
                           std::uint64_t seed, const MutateProgress& progress);

/// Seeded channels of a profile as layers have them, every second one with a multiplier of 8 bits so that ties occur;
/// accumulators of 20 bits.
RequantUnit seeded_unit(const Profile& profile, IntType out, std::int64_t channels, std::uint64_t seed);

/// Determining and directed accumulators of every channel (golden/complete/complete.hpp).
std::vector<UnitCase> complete_cases(const RequantUnit& unit, const Profile& profile);

}  // namespace obz
