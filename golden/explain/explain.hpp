// Which theory explains what a device answered. Every theory of the space meets every observation; a wrong one loses
// them quickly, so most die early. What survives together cannot be told apart on the data, and is reported together.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "golden/cases/requant_case.hpp"
#include "golden/explain/theory.hpp"

namespace obz {

/// One answer of a device.
struct Observation {
  RequantCase asked;
  std::int64_t got = 0;
};

struct Explanation {
  std::int64_t observed = 0;
  std::int64_t reference_wrong = 0;  ///< observations that the reference theory does not explain
  std::int64_t explained = 0;        ///< by the best theory
  std::vector<Theory> best;          ///< all that explain that many, fewest departures from the reference first
};

/// `reference`: what the device is meant to be. Zero points count only where some case has one.
Explanation explain(const std::vector<Observation>& observations, const Theory& reference, IntType out);

/// Up to `count` cases that split `alive` best: after each answer the surviving group is as small as can be. Drawn from
/// seeded corner and random cases of the profile; stops when no candidate splits what is left.
std::vector<RequantCase> next_cases(const std::vector<Theory>& alive, const Profile& profile, IntType out, int count,
                                    std::uint64_t seed);

/// A device that can be asked, one list of cases at a time.
using Device = std::function<std::vector<std::int64_t>(const std::vector<RequantCase>&)>;

struct Identification {
  std::vector<Theory> alive;         ///< what no candidate input tells apart; empty: the device is outside the space
  std::vector<Observation> queries;  ///< what was asked, in order
};

/// Asks the device the case that splits the surviving theories best, again and again; at most `most` queries.
Identification identify(const Device& device, const Profile& profile, IntType out, int most, std::uint64_t seed);

}  // namespace obz
