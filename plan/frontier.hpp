// The trade between the objective and one budget: epsilon-constraint, every point an optimum of its own.
#pragma once

#include <functional>
#include <vector>

#include "plan/optimize.hpp"

namespace obz::plan {

struct FrontierPoint {
  double limit = 0;  ///< of the column
  Assignment assignment;
  bool proved = true;
};

/// Assignments that nothing beats in both objective and `column`, the lightest first; question.budgets hold besides,
/// and must not name the column. `points` limits spread evenly between the lightest feasible total and the least that
/// the unbounded optimum needs; 0: all of them, one after the other. Empty: the other budgets leave nothing.
std::vector<FrontierPoint> frontier(const Table& table, const Question& question, std::size_t column,
                                    std::size_t points, const std::function<void(std::size_t)>& progress = nullptr);

}  // namespace obz::plan
