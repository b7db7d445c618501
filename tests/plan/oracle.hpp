// The independent judge of the planner's integer program: choose one option per group under K weight limits, least
// rank first. Three solvers that work in three different ways, so that a mistake in one shows as a difference. It
// shares no line with the code it judges, and prefers the plain way to the fast one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace obz::test {

// weights has one entry per limit of the problem; any sign.
struct OracleOption {
  std::int64_t cost = 0, second = 0;
  std::vector<std::int64_t> weights;
};

// A choice of one option per group is feasible when, for every k, its weights[k] sum to at most limits[k].
// Every function below throws std::invalid_argument on a group without options and on a wrong count of weights.
// Sums must fit in 64 bits: nothing here looks for overflow.
struct OracleProblem {
  std::vector<std::vector<OracleOption>> groups;
  std::vector<std::int64_t> limits;
};

// Sum of cost, sum of second, sum over the groups g of (option index) * (G - g); compared in that order, least first.
using OracleRank = std::array<std::int64_t, 3>;  // cost, second, third

/// nullopt: infeasible. All selections one after the other; for small problems.
std::optional<OracleRank> best_by_enumeration(const OracleProblem& p);

/// The count best DISTINCT ranks with feasible selections, ascending, by enumeration.
std::vector<OracleRank> ranks_by_enumeration(const OracleProblem& p, std::size_t count);

/// Exact dynamic programming over the reachable weight vectors (a std::map from the weight vector so far to the best
/// rank so far), no bounds, no pruning except where the remaining groups' least weights cannot bring a weight back
/// under its limit. For weights that are small integers.
std::optional<OracleRank> best_by_dynamic_programming(const OracleProblem& p);

/// Plain branch and bound: depth first, the bound of a node is its cost so far plus the least cost of each group to
/// come (no prices, no relaxation). A node is also left where no choice of the groups to come keeps some one weight
/// under its limit. For medium problems; slow where many selections share the best cost, since none of them is cut.
std::optional<OracleRank> best_by_branch_and_bound(const OracleProblem& p);

}  // namespace obz::test
