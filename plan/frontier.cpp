#include "plan/frontier.hpp"

#include <algorithm>

namespace obz::plan {
namespace {

/// One more budget on `column`, in its integers.
class Sweep {
 public:
  Sweep(const Table& table, Question question, std::size_t column) : table_(table), question_(std::move(question)) {
    question_.budgets.push_back({column, 0});
    question_.second = column;  // of equal objectives only the lightest is on the frontier
    problem_ = make_problem(table_, question_);
  }

  const Unit& unit() const { return problem_.weight_units.back(); }
  std::int64_t weight(const Selection& s) const { return totals(problem_, s).weights.back(); }

  Answer at(std::int64_t limit) {
    problem_.limits.back() = limit;
    return optimize(problem_);
  }

  /// The least feasible weight.
  Answer lightest() const {
    Problem p = problem_;
    for (Group& g : p.groups) {
      for (Option& o : g.options) {
        o.second = o.cost;
        o.cost = o.weights.back();
        o.weights.pop_back();
      }
    }
    p.limits.pop_back();
    return optimize(p);
  }

  FrontierPoint point(std::int64_t limit, const Answer& a) const {
    return {unit().value(limit), to_assignment(problem_, *a.best, table_.layers.size()), a.proved};
  }

 private:
  const Table& table_;
  Question question_;
  Problem problem_;
};

}  // namespace

std::vector<FrontierPoint> frontier(const Table& table, const Question& question, std::size_t column,
                                    std::size_t points, const std::function<void(std::size_t)>& progress) {
  Sweep sweep(table, question, column);
  constexpr std::int64_t unbounded = std::int64_t{1} << 60;
  const Answer lightest = sweep.lightest();
  if (!lightest.best) return {};
  const Answer heaviest = sweep.at(unbounded);
  const std::int64_t from = sweep.weight(*lightest.best), to = sweep.weight(*heaviest.best);
  std::vector<FrontierPoint> found{sweep.point(to, heaviest)};
  std::int64_t last = to;
  const auto add = [&](std::int64_t limit) {
    const Answer a = sweep.at(limit);
    if (!a.best || sweep.weight(*a.best) >= last) return false;
    last = sweep.weight(*a.best);
    found.push_back(sweep.point(limit, a));
    if (progress) progress(found.size());
    return true;
  };
  if (points == 0) {
    while (last > from && add(last - 1)) {
    }
  } else {
    const auto steps = static_cast<std::int64_t>(std::max<std::size_t>(points, 2) - 1);
    for (std::int64_t i = steps - 1; i >= 0; --i) {
      const std::int64_t limit = from + (to - from) / steps * i + (to - from) % steps * i / steps;
      if (limit < last) add(limit);
    }
  }
  std::reverse(found.begin(), found.end());
  return found;
}

}  // namespace obz::plan
