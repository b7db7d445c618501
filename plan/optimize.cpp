#include "plan/optimize.hpp"

#include <algorithm>
#include <cmath>

#include "plan/exact_search.hpp"
#include "plan/solver.hpp"

namespace obz::plan {
namespace {

/// The groups' options that are named, for the solver.
Program program_of(const Problem& p, const std::vector<std::vector<std::size_t>>& options) {
  Program program;
  std::vector<std::int64_t> limits = p.limits;
  for (std::size_t g = 0; g < options.size(); ++g) {
    const std::vector<Option>& all = p.groups[g].options;
    if (options[g].size() == 1) {
      for (std::size_t k = 0; k < limits.size(); ++k) limits[k] -= all[options[g][0]].weights[k];
      continue;
    }
    auto& group = program.groups.emplace_back();
    for (const std::size_t o : options[g]) {
      group.push_back({static_cast<double>(all[o].cost), {}});
      for (const std::int64_t w : all[o].weights) group.back().weights.push_back(static_cast<double>(w));
    }
  }
  for (const std::int64_t limit : limits) program.limits.push_back(static_cast<double>(limit));
  return program;
}

std::vector<std::vector<std::size_t>> all_options(const Problem& p) {
  std::vector<std::vector<std::size_t>> all;
  for (const Group& g : p.groups) {
    std::vector<std::size_t>& some = all.emplace_back(g.options.size());
    for (std::size_t o = 0; o < some.size(); ++o) some[o] = o;
  }
  return all;
}

/// How far the budgets are exceeded, in parts of each.
double excess(const Problem& p, const Totals& t) {
  double sum = 0;
  for (std::size_t k = 0; k < p.limits.size(); ++k) {
    const std::int64_t over = t.weights[k] - p.limits[k];
    if (over > 0) sum += static_cast<double>(over) / (std::abs(static_cast<double>(p.limits[k])) + 1);
  }
  return sum;
}

void exchange(const Problem& p, Selection& s, Totals& t, std::size_t g, std::size_t o) {
  const Option &from = p.groups[g].options[s[g]], &to = p.groups[g].options[o];
  t.cost += to.cost - from.cost;
  t.second += to.second - from.second;
  for (std::size_t k = 0; k < t.weights.size(); ++k) t.weights[k] += to.weights[k] - from.weights[k];
  s[g] = o;
}

/// One exchange after the other, the cheapest for what it brings, until the budgets hold or nothing helps.
void repair(const Problem& p, Selection& s, Totals& t) {
  for (double over = excess(p, t); over > 0;) {
    double best = INFINITY, best_over = over;
    std::size_t group = 0, option = 0;
    for (std::size_t g = 0; g < s.size(); ++g) {
      const std::size_t now = s[g];
      for (std::size_t o = 0; o < p.groups[g].options.size(); ++o) {
        if (o == now) continue;
        const auto dearer = static_cast<double>(p.groups[g].options[o].cost - p.groups[g].options[now].cost);
        exchange(p, s, t, g, o);
        const double left = excess(p, t);
        exchange(p, s, t, g, now);
        if (left >= over) continue;
        const double price = dearer > 0 ? dearer / (over - left) : dearer * (over - left);
        if (price < best) best = price, best_over = left, group = g, option = o;
      }
    }
    if (best_over >= over) return;
    exchange(p, s, t, group, option);
    over = best_over;
  }
}

/// Cheaper options one by one, as long as the budgets hold.
void improve(const Problem& p, Selection& s, Totals& t) {
  for (bool changed = true; changed;) {
    changed = false;
    for (std::size_t g = 0; g < s.size(); ++g) {
      for (std::size_t o = 0; o < p.groups[g].options.size(); ++o) {
        const std::size_t now = s[g];
        if (p.groups[g].options[o].cost >= p.groups[g].options[now].cost) continue;
        exchange(p, s, t, g, o);
        if (is_feasible(p, t)) {
          changed = true;
        } else {
          exchange(p, s, t, g, now);
        }
      }
    }
  }
}

/// Whole options nearest to the fractions; nullopt: they could not be made feasible.
std::optional<Selection> round_off(const Problem& p, const std::vector<std::vector<double>>& shares) {
  Selection s;
  for (const std::vector<double>& share : shares) {
    s.push_back(static_cast<std::size_t>(std::max_element(share.begin(), share.end()) - share.begin()));
  }
  Totals t = totals(p, s);
  repair(p, s, t);
  if (!is_feasible(p, t)) return std::nullopt;
  improve(p, s, t);
  return s;
}

std::optional<Selection> by_cbc(const Problem& p, const std::vector<std::vector<std::size_t>>& options) {
  const auto chosen = branch_and_cut(program_of(p, options));
  if (!chosen) return std::nullopt;
  Selection s;
  std::size_t next = 0;
  for (const std::vector<std::size_t>& some : options) s.push_back(some[some.size() == 1 ? 0 : (*chosen)[next++]]);
  return s;
}

/// A feasible selection, or proof that there is none: the least weight in the last budget under the others.
Answer find_feasible(const Problem& p, std::int64_t most_states) {
  Problem sub = p;
  const std::size_t last = p.limits.size() - 1;
  sub.limits.pop_back();
  for (Group& g : sub.groups) {
    for (Option& o : g.options) {
      o.cost = o.weights[last];
      o.second = 0;
      o.weights.pop_back();
    }
  }
  Answer a = optimize(sub, most_states);
  if (a.best && totals(p, *a.best).weights[last] > p.limits[last]) a.best.reset();
  return a;
}

struct Start {
  std::vector<double> prices;
  std::optional<Selection> incumbent;
};

/// Prices, and whole options nearest to the relaxed ones, by the solver in floating point.
Start relaxed_start(const Problem& p) {
  Start start{std::vector<double>(p.limits.size(), 0.0), std::nullopt};
  const auto options = all_options(p);
  const auto relaxed = relax(program_of(p, options));
  if (!relaxed) return start;
  start.prices = relaxed->prices;
  std::vector<std::vector<double>> shares;
  std::size_t next = 0;
  for (const auto& some : options) shares.push_back(some.size() == 1 ? std::vector{1.0} : relaxed->shares[next++]);
  start.incumbent = round_off(p, shares);
  return start;
}

/// CBC's selection takes the incumbent's place where it is better.
void improve_by_cbc(const Problem& p, Start& start) {
  auto options = all_options(p);
  if (start.incumbent) {
    const ExactSearch search(p, start.prices);
    options = search.candidates(search.value(*start.incumbent));
  }
  const bool open = std::any_of(options.begin(), options.end(), [](const auto& some) { return some.size() > 1; });
  if (!open) return;
  auto found = by_cbc(p, options);
  const bool good = found && is_feasible(p, totals(p, *found));
  if (good && (!start.incumbent || better(p, *found, *start.incumbent))) start.incumbent = std::move(found);
}

/// Problems whose states stay below this are proved at once; for the others CBC first finds what is hard to beat.
constexpr std::int64_t kFewStates = 100'000;

}  // namespace

Answer optimize(const Problem& problem, std::int64_t most_states) {
  if (problem.groups.empty()) return {Selection{}};
  Start start = relaxed_start(problem);
  Answer answer;
  // Without budgets everything is feasible.
  if (problem.limits.empty() && !start.incumbent) start.incumbent = Selection(problem.groups.size(), 0);
  if (!start.incumbent) improve_by_cbc(problem, start);
  if (!start.incumbent) {
    const Answer feasible = find_feasible(problem, most_states);
    answer.states = feasible.states;
    answer.proved = feasible.proved;
    if (!feasible.best) return answer;
    start.incumbent = feasible.best;
  }
  ExactSearch search(problem, start.prices);
  std::vector<Selection> best;
  bool done = search.run(search.value(*start.incumbent), 1, std::min(most_states, kFewStates), best);
  answer.states += search.states();
  if (!done) {
    improve_by_cbc(problem, start);
    done = search.run(search.value(*start.incumbent), 1, most_states, best);
    answer.states += search.states();
  }
  if (!done) {  // perhaps only ties are many
    ExactSearch costs(problem, start.prices, false);
    const Wide cost = costs.value(*start.incumbent);
    done = cost <= costs.bound() || costs.run(cost, 1, most_states, best);
    answer.states += costs.states();
  }
  answer.proved = done && answer.proved;
  answer.best = !best.empty() && better(problem, best[0], *start.incumbent) ? best[0] : *start.incumbent;
  return answer;
}

Ranking rank(const Problem& problem, std::size_t count, std::int64_t most_states) {
  const Answer first = optimize(problem, most_states);
  if (!first.best) return {{}, first.proved};
  ExactSearch search(problem, relaxed_start(problem).prices);
  const Wide least = search.value(*first.best);
  Ranking ranking;
  for (Wide room = 0;; room = std::max({2 * room, least - search.bound(), Wide{1}})) {
    ranking.proved = search.run(least + room, count, most_states, ranking.selections) && first.proved;
    if (ranking.selections.size() >= count || !ranking.proved || least + room >= search.most()) return ranking;
  }
}

}  // namespace obz::plan
