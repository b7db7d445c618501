// The linear and integer solver, in floating point: COIN-OR Clp and CBC behind two functions. No other file sees them.
// What they answer is checked in integers by plan/optimize.cpp; nobody else should call this.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

namespace obz::plan {

/// Choose one option in every group: least sum of costs, sums of weights within the limits.
struct Program {
  struct Option {
    double cost = 0;
    std::vector<double> weights;  ///< one per limit
  };
  std::vector<std::vector<Option>> groups;
  std::vector<double> limits;
};

/// Options taken in fractions.
struct Relaxation {
  std::vector<std::vector<double>> shares;  ///< per group and option
  std::vector<double> prices;               ///< of the limits, >= 0: cost saved by one unit more
};

/// nullopt: infeasible even so, or the solver gave up.
std::optional<Relaxation> relax(const Program& program);

/// The best options by branch and cut, gap zero, or the best of 20 seconds. nullopt: infeasible, or none was found.
std::optional<std::vector<std::size_t>> branch_and_cut(const Program& program);

}  // namespace obz::plan
