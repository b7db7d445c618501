// The three solvers of oracle.hpp. Enumeration applies the definition to each whole selection and shares nothing with
// the other two; those two share only the arithmetic of one step and the least weights of the groups to come.
#include "tests/plan/oracle.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <numeric>
#include <set>
#include <stdexcept>
#include <utility>

namespace obz::test {
namespace {

using Weights = std::vector<std::int64_t>;

// A malformed problem is a mistake of the test that made it, and must not pass for an infeasible one.
void require_well_formed(const OracleProblem& p) {
  for (const auto& group : p.groups) {
    if (group.empty()) throw std::invalid_argument("oracle: a group without options");
    for (const OracleOption& option : group) {
      if (option.weights.size() != p.limits.size()) throw std::invalid_argument("oracle: wrong count of weights");
    }
  }
}

// ---------------------------------------------------------------------------------------------------------
// Enumeration: a selection holds the option index of each group.

using Selection = std::vector<std::size_t>;

bool is_feasible(const OracleProblem& p, const Selection& selection) {
  for (std::size_t k = 0; k < p.limits.size(); ++k) {
    std::int64_t sum = 0;
    for (std::size_t g = 0; g < selection.size(); ++g) sum += p.groups[g][selection[g]].weights[k];
    if (sum > p.limits[k]) return false;
  }
  return true;
}

OracleRank rank_of(const OracleProblem& p, const Selection& selection) {
  OracleRank rank{};
  for (std::size_t g = 0; g < selection.size(); ++g) {
    const OracleOption& option = p.groups[g][selection[g]];
    rank[0] += option.cost;
    rank[1] += option.second;
    rank[2] += static_cast<std::int64_t>(selection[g] * (selection.size() - g));
  }
  return rank;
}

// Counts up as an odometer whose last digit runs fastest; false after the last selection.
bool advance(const OracleProblem& p, Selection& selection) {
  for (std::size_t g = selection.size(); g-- > 0;) {
    if (++selection[g] < p.groups[g].size()) return true;
    selection[g] = 0;
  }
  return false;
}

// ---------------------------------------------------------------------------------------------------------
// Shared by dynamic programming and branch and bound.

OracleRank plus(const OracleRank& a, const OracleRank& b) { return {a[0] + b[0], a[1] + b[1], a[2] + b[2]}; }

Weights plus(const Weights& a, const Weights& b) {
  Weights sum(a);
  for (std::size_t k = 0; k < sum.size(); ++k) sum[k] += b[k];
  return sum;
}

// What option o of group g adds to the rank.
OracleRank step_rank(const OracleProblem& p, std::size_t g, std::size_t o) {
  const OracleOption& option = p.groups[g][o];
  return {option.cost, option.second, static_cast<std::int64_t>(o * (p.groups.size() - g))};
}

// [g][k]: the least that the groups g, g+1, ... can add to weight k, each k for itself; the last row is zero.
std::vector<Weights> least_weights_from(const OracleProblem& p) {
  std::vector<Weights> least(p.groups.size() + 1, Weights(p.limits.size(), 0));
  for (std::size_t g = p.groups.size(); g-- > 0;) {
    Weights own = p.groups[g].front().weights;
    for (const OracleOption& option : p.groups[g]) {
      for (std::size_t k = 0; k < own.size(); ++k) own[k] = std::min(own[k], option.weights[k]);
    }
    least[g] = plus(least[g + 1], own);
  }
  return least;
}

// With `least` of the groups to come; weights can fall again, so a weight over its limit alone decides nothing.
bool can_end_within(const Weights& so_far, const Weights& least, const Weights& limits) {
  for (std::size_t k = 0; k < limits.size(); ++k) {
    if (so_far[k] + least[k] > limits[k]) return false;
  }
  return true;
}

// ---------------------------------------------------------------------------------------------------------
// Dynamic programming.

using States = std::map<Weights, OracleRank>;

// One best rank per weight vector is enough: adding the same step to two ranks keeps their order.
void keep_better(States& states, Weights weights, const OracleRank& rank) {
  const auto [at, is_new] = states.try_emplace(std::move(weights), rank);
  if (!is_new) at->second = std::min(at->second, rank);
}

// The states after group g; `least` is of the groups behind it.
States after_group(const OracleProblem& p, std::size_t g, const States& before, const Weights& least) {
  States after;
  for (const auto& [weights, rank] : before) {
    for (std::size_t o = 0; o < p.groups[g].size(); ++o) {
      Weights sum = plus(weights, p.groups[g][o].weights);
      if (can_end_within(sum, least, p.limits)) keep_better(after, std::move(sum), plus(rank, step_rank(p, g, o)));
    }
  }
  return after;
}

// ---------------------------------------------------------------------------------------------------------
// Branch and bound.

// The order of the visits does not change the answer; cheap options first find a good one early.
std::vector<std::size_t> cheapest_first(const OracleProblem& p, std::size_t g) {
  std::vector<std::size_t> order(p.groups[g].size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return step_rank(p, g, a) < step_rank(p, g, b); });
  return order;
}

class Search {
 public:
  explicit Search(const OracleProblem& problem)
      : p_(problem), least_weights_(least_weights_from(problem)), least_cost_(problem.groups.size() + 1, 0) {
    for (std::size_t g = 0; g < p_.groups.size(); ++g) order_.push_back(cheapest_first(p_, g));
    for (std::size_t g = p_.groups.size(); g-- > 0;) {
      least_cost_[g] = least_cost_[g + 1] + p_.groups[g][order_[g].front()].cost;
    }
  }

  std::optional<OracleRank> run() {
    visit(0, OracleRank{}, Weights(p_.limits.size(), 0));
    return best_;
  }

 private:
  // The groups before g are decided.
  void visit(std::size_t g, const OracleRank& rank, const Weights& weights) {
    if (!can_end_within(weights, least_weights_[g], p_.limits)) return;
    // Only a greater cost cuts: at equal cost the second or the third may still be better.
    if (best_ && rank[0] + least_cost_[g] > (*best_)[0]) return;
    if (g == p_.groups.size()) {
      if (!best_ || rank < *best_) best_ = rank;
      return;
    }
    for (const std::size_t o : order_[g]) {
      visit(g + 1, plus(rank, step_rank(p_, g, o)), plus(weights, p_.groups[g][o].weights));
    }
  }

  const OracleProblem& p_;
  std::vector<Weights> least_weights_;
  std::vector<std::int64_t> least_cost_;         // of the groups g, g+1, ...
  std::vector<std::vector<std::size_t>> order_;  // of the options of each group
  std::optional<OracleRank> best_;
};

}  // namespace

std::optional<OracleRank> best_by_enumeration(const OracleProblem& p) {
  const std::vector<OracleRank> ranks = ranks_by_enumeration(p, 1);
  if (ranks.empty()) return std::nullopt;
  return ranks.front();
}

std::vector<OracleRank> ranks_by_enumeration(const OracleProblem& p, std::size_t count) {
  require_well_formed(p);
  std::set<OracleRank> best;
  Selection selection(p.groups.size(), 0);
  do {
    if (!is_feasible(p, selection)) continue;  // goes on to advance()
    best.insert(rank_of(p, selection));
    if (best.size() > count) best.erase(std::prev(best.end()));
  } while (advance(p, selection));
  return {best.begin(), best.end()};
}

std::optional<OracleRank> best_by_dynamic_programming(const OracleProblem& p) {
  require_well_formed(p);
  const std::vector<Weights> least = least_weights_from(p);
  States states;
  const Weights none(p.limits.size(), 0);
  if (can_end_within(none, least.front(), p.limits)) states.emplace(none, OracleRank{});
  for (std::size_t g = 0; g < p.groups.size(); ++g) states = after_group(p, g, states, least[g + 1]);

  // Nothing is to come after the last group, so every state left is within the limits.
  std::optional<OracleRank> best;
  for (const auto& [weights, rank] : states) {
    if (!best || rank < *best) best = rank;
  }
  return best;
}

std::optional<OracleRank> best_by_branch_and_bound(const OracleProblem& p) {
  require_well_formed(p);
  return Search(p).run();
}

}  // namespace obz::test
