#include "plan/reasons.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace obz::plan {
namespace {

std::size_t group_of(const Problem& p, std::size_t layer) {
  for (std::size_t g = 0; g < p.groups.size(); ++g) {
    const std::vector<std::size_t>& layers = p.groups[g].layers;
    if (std::find(layers.begin(), layers.end(), layer) != layers.end()) return g;
  }
  return 0;
}

/// The best selection with this option in this group.
std::optional<Selection> with_option(const Problem& problem, std::size_t group, std::size_t option) {
  Problem p = problem;
  p.groups[group].options = {problem.groups[group].options[option]};
  Answer a = optimize(p);
  if (a.best) (*a.best)[group] = option;
  return a.best;
}

/// The problem of least weight in one budget under some of the others.
Problem least_weight(const Problem& problem, std::size_t budget, const std::vector<std::size_t>& others) {
  Problem p = problem;
  p.limits.clear();
  for (const std::size_t k : others) p.limits.push_back(problem.limits[k]);
  for (std::size_t g = 0; g < p.groups.size(); ++g) {
    for (std::size_t o = 0; o < p.groups[g].options.size(); ++o) {
      const Option& from = problem.groups[g].options[o];
      Option& to = p.groups[g].options[o];
      to.cost = from.weights[budget];
      to.second = 0;
      to.weights.clear();
      for (const std::size_t k : others) to.weights.push_back(from.weights[k]);
    }
  }
  return p;
}

/// Steps of the frontier that are tried for a flip.
constexpr int kMostSteps = 100;

/// Upwards along the frontier of one budget: the least limit that allows a lower cost, then the optimum there.
std::optional<Flip> flip_of(const Problem& problem, std::size_t group, std::size_t budget, const Selection& best,
                            bool& all_tried) {
  std::vector<std::size_t> others;
  for (std::size_t k = 0; k < problem.limits.size(); ++k) {
    if (k != budget) others.push_back(k);
  }
  Problem lighter = least_weight(problem, budget, others);  // with the cost as one more budget
  for (std::size_t g = 0; g < lighter.groups.size(); ++g) {
    for (std::size_t o = 0; o < lighter.groups[g].options.size(); ++o) {
      lighter.groups[g].options[o].weights.push_back(problem.groups[g].options[o].cost);
    }
  }
  lighter.limits.push_back(0);
  Problem wider = problem;
  all_tried = false;
  std::int64_t cost = totals(problem, best).cost;
  for (int step = 0; step < kMostSteps; ++step) {
    lighter.limits.back() = cost - 1;
    const Answer next = optimize(lighter);
    if (!next.best) {
      all_tried = next.proved;
      return std::nullopt;
    }
    wider.limits[budget] = totals(lighter, *next.best).cost;
    const Answer there = optimize(wider);
    if (!there.best || totals(wider, *there.best).cost >= cost) return std::nullopt;  // a proof was cut short
    cost = totals(wider, *there.best).cost;
    if ((*there.best)[group] != best[group]) {
      return Flip{budget, problem.weight_units[budget].value(wider.limits[budget]), (*there.best)[group]};
    }
  }
  return std::nullopt;
}

}  // namespace

LayerReasons why_layer(const Table& table, const Question& question, const Assignment& optimum, std::size_t layer) {
  const Problem problem = make_problem(table, question);
  const Selection best = to_selection(problem, table, optimum);
  const std::int64_t least = totals(problem, best).cost;
  const std::size_t group = group_of(problem, layer);
  LayerReasons reasons;
  for (const std::size_t i : problem.groups[group].layers) {
    if (i != layer) reasons.tied.push_back(i);
  }
  for (std::size_t o = 0; o < problem.groups[group].options.size(); ++o) {
    if (o == best[group]) continue;
    Alternative a{.choice = o};
    if (const auto s = with_option(problem, group, o)) {
      a.assignment = to_assignment(problem, *s, table.layers.size());
      a.extra_cost = problem.cost_unit.value(totals(problem, *s).cost - least);
    }
    reasons.alternatives.push_back(std::move(a));
  }
  for (std::size_t k = 0; k < problem.limits.size(); ++k) {
    bool all_tried = false;
    if (const auto flip = flip_of(problem, group, k, best, all_tried)) reasons.flips.push_back(*flip);
    reasons.all_steps_tried.push_back(all_tried);
  }
  return reasons;
}

std::string why_infeasible(const Table& table, const Question& question) {
  const Problem problem = make_problem(table, question);
  const auto name = [&](std::size_t k) { return table.columns[question.budgets[k].column]; };
  std::string text;
  const auto say = [&](std::size_t k, const std::string& under, std::int64_t least) {
    text += fmt::format("{}{} {}: at least {} is needed{}", text.empty() ? "" : "; ", name(k),
                        question.budgets[k].limit, problem.weight_units[k].value(least), under);
  };
  for (std::size_t k = 0; k < problem.limits.size(); ++k) {
    const Problem alone = least_weight(problem, k, {});
    const std::int64_t least = totals(alone, *optimize(alone).best).cost;
    if (least > problem.limits[k]) say(k, "", least);
  }
  if (!text.empty()) return text;
  // Each can hold alone: what each would have to be if the others stay.
  for (std::size_t k = 0; k < problem.limits.size(); ++k) {
    std::vector<std::size_t> others;
    for (std::size_t j = 0; j < problem.limits.size(); ++j) {
      if (j != k) others.push_back(j);
    }
    const Problem under = least_weight(problem, k, others);
    const Answer a = optimize(under);
    if (!a.best) continue;
    std::string names;
    for (const std::size_t j : others) names += fmt::format("{}{}", names.empty() ? " with " : " and ", name(j));
    say(k, names + " as they are", totals(under, *a.best).cost);
  }
  return text.empty() ? "no two of the budgets can hold together" : text;
}

Comparison compare(const Table& table, const Question& question, const Assignment& assignment,
                   const Assignment& optimum) {
  const Problem problem = make_problem(table, question);
  const Totals theirs = totals(problem, to_selection(problem, table, assignment));
  Comparison c;
  for (std::size_t k = 0; k < problem.limits.size(); ++k) {
    if (theirs.weights[k] > problem.limits[k]) c.exceeded.push_back(k);
  }
  c.feasible = c.exceeded.empty();
  c.optimal = c.feasible && theirs.cost == totals(problem, to_selection(problem, table, optimum)).cost;
  for (std::size_t i = 0; i < assignment.size() && !c.optimal; ++i) {
    if (assignment[i] != optimum[i]) c.changes.push_back(i);
  }
  return c;
}

}  // namespace obz::plan
