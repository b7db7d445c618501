// How good a test bench is: faults planted one at a time, vectors run against each, and a proof for every fault that no
// vector could ever show.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "golden/mutate/equivalence.hpp"
#include "golden/mutate/unit.hpp"

namespace obz {

struct MutationScore {
  std::int64_t killed = 0, survived = 0, equivalent = 0;
  /// Of those that are not equivalent; 100 when there are none.
  double percent() const {
    return killed + survived == 0 ? 100 : 100.0 * static_cast<double>(killed) / static_cast<double>(killed + survived);
  }
};
MutationScore score_of(const std::vector<MutantResult>& results);

/// Called after each mutant, from several threads: (done, total).
using MutateProgress = std::function<void(std::int64_t, std::int64_t)>;

/// Every fault against the cases; survivors are decided. Runs on all cores.
std::vector<MutantResult> mutate(const RequantUnit& unit, const std::vector<UnitCase>& cases,
                                 const std::vector<Fault>& faults, const MutateProgress& progress);
std::vector<MutantResult> mutate(const LayerUnit& unit, const std::vector<LayerUnit::Sample>& samples,
                                 const CompleteInputs& complete, const std::vector<Fault>& faults, std::uint64_t seed,
                                 const MutateProgress& progress);

}  // namespace obz
