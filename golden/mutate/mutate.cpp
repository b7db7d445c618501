#include "golden/mutate/mutate.hpp"

#include <algorithm>
#include <atomic>

#include <tbb/parallel_for.h>

namespace obz {

MutationScore score_of(const std::vector<MutantResult>& results) {
  MutationScore s;
  for (const MutantResult& r : results) {
    s.killed += r.fate == Fate::killed ? 1 : 0;
    s.equivalent += r.fate == Fate::equivalent ? 1 : 0;
    s.survived += r.fate == Fate::survived || r.fate == Fate::undecided ? 1 : 0;
  }
  return s;
}

std::vector<MutantResult> mutate(const RequantUnit& unit, const std::vector<UnitCase>& cases,
                                 const std::vector<Fault>& faults, const MutateProgress& progress) {
  std::vector<MutantResult> results(faults.size());
  std::atomic<std::int64_t> done = 0;
  tbb::parallel_for(std::size_t{0}, faults.size(), [&](std::size_t i) {
    results[i] = kills(unit, cases, faults[i], 0) ? MutantResult{faults[i], Fate::killed, ""} : decide(unit, faults[i]);
    if (progress) progress(++done, static_cast<std::int64_t>(faults.size()));
  });
  return results;
}

std::vector<MutantResult> mutate(const LayerUnit& unit, const std::vector<LayerUnit::Sample>& samples,
                                 const CompleteInputs& complete, const std::vector<Fault>& faults, std::uint64_t seed,
                                 const MutateProgress& progress) {
  std::vector<MutantResult> results(faults.size());
  std::atomic<std::int64_t> done = 0;
  tbb::parallel_for(std::size_t{0}, faults.size(), [&](std::size_t i) {
    const bool killed = std::any_of(samples.begin(), samples.end(),
                                    [&](const LayerUnit::Sample& s) { return unit.kills(s, faults[i], 0); });
    results[i] = killed ? MutantResult{faults[i], Fate::killed, ""} : decide(unit, complete, faults[i], seed);
    if (progress) progress(++done, static_cast<std::int64_t>(faults.size()));
  });
  return results;
}

}  // namespace obz
