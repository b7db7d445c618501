// The best selection of a problem, and the next best ones. Clp's prices, and for hard problems CBC's selection, are
// where it starts; what it returns is proved in integers, by plan/exact_search.hpp.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "plan/problem.hpp"

namespace obz::plan {

struct Answer {
  std::optional<Selection> best;  ///< nullopt: no selection is feasible, which is proved as well
  bool proved = true;             ///< that nothing costs less; false: the proof was cut short
  std::int64_t states = 0;        ///< of the exact search
};

inline constexpr std::int64_t kMostStates = 4'000'000;

Answer optimize(const Problem& problem, std::int64_t most_states = kMostStates);

struct Ranking {
  std::vector<Selection> selections;  ///< best first; selections that only swap identical groups count once
  bool proved = true;                 ///< that none is missing between them
};

/// The `count` best selections; fewer where there are no more.
Ranking rank(const Problem& problem, std::size_t count, std::int64_t most_states = kMostStates);

}  // namespace obz::plan
