// Plans are optimal: the solver behind `obz plan` against enumeration, a dynamic program and a branch and bound that
// share no code with it.
#include "plan/optimize.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>

#include <gtest/gtest.h>

#include "plan/frontier.hpp"
#include "plan/reasons.hpp"
#include "plan/solver.hpp"
#include "ref/base/philox.hpp"
#include "tests/plan/oracle.hpp"

namespace obz::plan {
namespace {

using test::OracleProblem;
using test::OracleRank;

OracleProblem oracle_of(const Problem& p) {
  OracleProblem o{.groups = {}, .limits = p.limits};
  for (const Group& g : p.groups) {
    o.groups.emplace_back();
    for (const Option& option : g.options) o.groups.back().push_back({option.cost, option.second, option.weights});
  }
  return o;
}

OracleRank rank_of(const Problem& p, const Selection& s) {
  const Totals t = totals(p, s);
  std::int64_t third = 0;
  for (std::size_t g = 0; g < s.size(); ++g) third += static_cast<std::int64_t>(s[g] * (s.size() - g));
  return {t.cost, t.second, third};
}

/// What the solver alone, in floating point, thinks is best.
std::optional<std::int64_t> cost_by_cbc(const Problem& p) {
  Program program;
  for (const Group& g : p.groups) {
    auto& group = program.groups.emplace_back();
    for (const Option& o : g.options) {
      group.push_back({static_cast<double>(o.cost), {o.weights.begin(), o.weights.end()}});
    }
  }
  program.limits.assign(p.limits.begin(), p.limits.end());
  const auto chosen = branch_and_cut(program);
  if (!chosen) return std::nullopt;
  EXPECT_TRUE(is_feasible(p, totals(p, *chosen)));
  return totals(p, *chosen).cost;
}

struct Shape {
  std::size_t groups, options, budgets;
  std::int64_t range;  ///< of costs and weights: small ones tie
};

Problem random_problem(CaseRandom& r, const Shape& s) {
  Problem p;
  std::vector<std::int64_t> least(s.budgets, 0), most(s.budgets, 0);
  for (std::size_t g = 0; g < s.groups; ++g) {
    Group group{.layers = {g}, .options = {}};
    const std::size_t options = r.one_in(6) ? 1 : 1 + r.bits32() % s.options;
    for (std::size_t o = 0; o < options; ++o) {
      Option option{.cost = r.between(r.one_in(5) ? -s.range : 0, s.range), .second = r.between(0, s.range)};
      for (std::size_t k = 0; k < s.budgets; ++k) option.weights.push_back(r.between(0, s.range));
      group.options.push_back(option);
    }
    if (g > 0 && r.one_in(3)) group.options = p.groups.back().options;  // twins
    for (std::size_t k = 0; k < s.budgets; ++k) {
      std::int64_t lo = INT64_MAX, hi = 0;
      for (const Option& o : group.options) lo = std::min(lo, o.weights[k]), hi = std::max(hi, o.weights[k]);
      least[k] += lo, most[k] += hi;
    }
    p.groups.push_back(std::move(group));
  }
  for (std::size_t k = 0; k < s.budgets; ++k) p.limits.push_back(r.between(least[k] - (r.one_in(8) ? 1 : 0), most[k]));
  p.weight_units.resize(s.budgets);
  return p;
}

TEST(Plan, solver_dynamic_program_and_enumeration_agree_on_a_thousand_problems) {
  int infeasible = 0, ties = 0;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    CaseRandom r(51, i);
    const Shape shape{1 + r.bits32() % 7, 4, r.bits32() % 4, r.one_in(2) ? 6 : 40};
    const Problem p = random_problem(r, shape);
    const OracleProblem o = oracle_of(p);
    const auto want = test::best_by_enumeration(o);
    ASSERT_EQ(test::best_by_dynamic_programming(o), want) << i;
    const Answer got = optimize(p);
    ASSERT_TRUE(got.proved) << i;
    ASSERT_EQ(got.best.has_value(), want.has_value()) << i;
    ASSERT_EQ(cost_by_cbc(p).has_value(), want.has_value()) << i;
    if (!want) {
      ++infeasible;
      continue;
    }
    ASSERT_TRUE(is_feasible(p, totals(p, *got.best))) << i;
    ASSERT_EQ(rank_of(p, *got.best), *want) << i;
    ASSERT_EQ(cost_by_cbc(p), (*want)[0]) << i;
    const auto ranks = test::ranks_by_enumeration(o, 3);
    ties += ranks.size() > 1 && ranks[1][0] == ranks[0][0] ? 1 : 0;
  }
  EXPECT_GT(infeasible, 50);
  EXPECT_GT(ties, 100);
}

/// Layers in equality groups, one choice or several, values with two digits behind the point.
Table random_tied_table(CaseRandom& r) {
  Table t{.columns = {"omega", "x", "y"}, .layers = {}};
  const std::int64_t layers = r.between(2, 7);
  for (std::int64_t i = 0; i < layers; ++i) {
    Layer& layer = t.layers.emplace_back(Layer{"l" + std::to_string(i), "", {}});
    std::vector<int> bits{8, 4, 2};
    bits.resize(static_cast<std::size_t>(r.between(1, 3)));
    if (i > 0 && r.one_in(2)) {
      const Layer& other = t.layers[static_cast<std::size_t>(r.between(0, i - 1))];
      layer.same_as = other.name;  // perhaps of one that is tied itself
      bits.clear();
      for (const Choice& c : other.choices) bits.push_back(c.bits.weights);
    }
    for (const int b : bits) {
      Choice c{{b, b}, {}};
      for (int k = 0; k < 3; ++k) c.values.push_back(static_cast<double>(r.between(0, 900)) / 100);
      layer.choices.push_back(std::move(c));
    }
  }
  return t;
}

TEST(Plan, equality_groups_are_chosen_as_one) {
  int tied = 0, infeasible = 0;
  for (std::uint64_t i = 0; i < 300; ++i) {
    CaseRandom r(54, i);
    const Table t = random_tied_table(r);
    const Question q{.objective = 0,
                     .second = std::nullopt,
                     .budgets = {{1, static_cast<double>(r.between(500, 3000)) / 100},
                                 {2, static_cast<double>(r.between(500, 3000)) / 100}}};
    // Layer by layer, in hundredths, straight from the table.
    std::optional<std::int64_t> want;
    Assignment a(t.layers.size(), 0);
    for (bool more = true; more;) {
      std::int64_t sums[3] = {};
      bool agrees = true;
      for (std::size_t l = 0; l < a.size(); ++l) {
        for (std::size_t other = 0; other < l; ++other) {
          agrees = agrees && (t.layers[l].same_as != t.layers[other].name || a[l] == a[other]);
        }
        for (std::size_t k = 0; k < 3; ++k) sums[k] += std::llround(t.layers[l].choices[a[l]].values[k] * 100);
      }
      const bool fits =
          sums[1] <= std::llround(q.budgets[0].limit * 100) && sums[2] <= std::llround(q.budgets[1].limit * 100);
      if (agrees && fits && (!want || sums[0] < *want)) want = sums[0];
      more = false;
      for (std::size_t l = 0; l < a.size() && !more; ++l) {
        more = ++a[l] < t.layers[l].choices.size();
        if (!more) a[l] = 0;
      }
    }
    const Problem p = make_problem(t, q);
    const Answer got = optimize(p);
    ASSERT_EQ(got.best.has_value(), want.has_value()) << i;
    tied += p.groups.size() < t.layers.size() ? 1 : 0;
    if (!want) {
      ++infeasible;
      continue;
    }
    const Assignment chosen = to_assignment(p, *got.best, t.layers.size());
    ASSERT_EQ(std::llround(column_total(t, 0, chosen) * 100), *want) << i;
    for (std::size_t l = 0; l < chosen.size(); ++l) {
      for (std::size_t other = 0; other < l; ++other) {
        if (t.layers[l].same_as == t.layers[other].name) ASSERT_EQ(chosen[l], chosen[other]) << i;
      }
    }
  }
  EXPECT_GT(tied, 150);
  EXPECT_GT(infeasible, 30);
}

TEST(Plan, larger_problems_agree_with_branch_and_bound) {
  int feasible = 0;
  for (std::uint64_t i = 0; i < 60; ++i) {
    CaseRandom r(52, i);
    const Problem p = random_problem(r, {16, 3, 1 + r.bits32() % 3, 1'000'000'000});
    const auto want = test::best_by_branch_and_bound(oracle_of(p));
    const Answer got = optimize(p);
    ASSERT_TRUE(got.proved) << i;
    ASSERT_EQ(got.best.has_value(), want.has_value()) << i;
    if (!want) continue;
    ++feasible;
    ASSERT_EQ(rank_of(p, *got.best), *want) << i;
  }
  EXPECT_GT(feasible, 30);
}

TEST(Plan, runners_up_are_the_next_best) {
  int several = 0;
  for (std::uint64_t i = 0; i < 200; ++i) {
    CaseRandom r(53, i);
    Problem p = random_problem(r, {1 + r.bits32() % 6, 4, r.bits32() % 3, 1000});
    const auto want = test::ranks_by_enumeration(oracle_of(p), 5);
    const Ranking got = rank(p, 5);
    ASSERT_TRUE(got.proved);
    std::vector<OracleRank> ranks;
    for (const Selection& s : got.selections) {
      ASSERT_TRUE(is_feasible(p, totals(p, s)));
      ranks.push_back(rank_of(p, s));
    }
    ASSERT_TRUE(std::is_sorted(ranks.begin(), ranks.end())) << i;
    if (!want.empty()) {
      ASSERT_FALSE(ranks.empty()) << i;
      ASSERT_EQ(ranks.front(), want.front()) << i;
    }
    bool twins = false;
    for (std::size_t g = 1; g < p.groups.size(); ++g) twins = twins || p.groups[g].options == p.groups[g - 1].options;
    if (twins) continue;  // which of the selections that swap them comes out is left open
    ASSERT_EQ(ranks, want) << i;
    several += ranks.size() == 5 ? 1 : 0;
  }
  EXPECT_GT(several, 15);
}

/// The tables of the acceptance: `layers` with 2..8 bits.
Table random_table(std::uint64_t seed, std::size_t layers) {
  Table t{.columns = {"omega", "bytes", "bops", "latency_us"}, .layers = {}};
  CaseRandom r(seed, 0);
  const auto uniform = [&] { return static_cast<double>(r.bits32()) * 0x1p-32; };
  for (std::size_t i = 0; i < layers; ++i) {
    Layer& layer = t.layers.emplace_back(Layer{"l" + std::to_string(i), "", {}});
    const double weights = std::floor(std::pow(10, 3.5 + 2.8 * uniform())), macs = weights * (3 + 900 * uniform());
    const double trace = std::pow(10, -4 + 3 * uniform());
    for (int b = 8; b >= 2; --b) {
      layer.choices.push_back(
          {{b, b},
           {trace * weights * std::pow(4.0, -b) * (0.8 + 0.4 * uniform()), weights * b / 8, std::floor(macs) * b * b,
            2.3 + macs * (1 + b / 8.0) / 12e6 * (0.9 + 0.2 * uniform())}});
    }
  }
  return t;
}

double between(const Table& t, std::size_t column, double part) {
  Assignment fewest, most(t.layers.size(), 0);
  for (const Layer& l : t.layers) fewest.push_back(l.choices.size() - 1);
  const double lo = column_total(t, column, fewest);
  return lo + part * (column_total(t, column, most) - lo);
}

TEST(Plan, large_tables_are_proved_too) {
  for (const std::size_t layers : {54U, 1000U}) {
    const Table t = random_table(3, layers);
    Question q{.objective = 0, .second = 1, .budgets = {}};
    for (const std::size_t c : {1U, 2U, 3U}) q.budgets.push_back({c, between(t, c, 0.5)});
    const Problem p = make_problem(t, q);
    const Answer a = optimize(p);
    ASSERT_TRUE(a.best);
    EXPECT_TRUE(a.proved) << layers;
    EXPECT_TRUE(is_feasible(p, totals(p, *a.best)));
  }
}

TEST(Plan, frontier_is_every_point_that_nothing_beats) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CaseRandom r(seed, 7);
    Table t{.columns = {"omega", "bytes"}, .layers = {}};
    for (int i = 0; i < 6; ++i) {
      Layer& layer = t.layers.emplace_back(Layer{"l" + std::to_string(i), "", {}});
      for (const int b : {8, 4, 2}) {
        layer.choices.push_back(
            {{b, b}, {static_cast<double>(r.between(0, 30)), static_cast<double>(r.between(0, 30))}});
      }
    }
    const Question q{.objective = 0, .second = std::nullopt, .budgets = {}};
    std::set<std::pair<double, double>> all, best;
    Assignment a(6, 0);
    for (int code = 0; code < 729; ++code) {
      for (int i = 0, rest = code; i < 6; ++i, rest /= 3)
        a[static_cast<std::size_t>(i)] = static_cast<std::size_t>(rest % 3);
      all.insert({column_total(t, 1, a), column_total(t, 0, a)});
    }
    double least = INFINITY;
    for (const auto& point : all) {
      if (point.second >= least) continue;
      least = point.second;
      best.insert(point);
    }
    std::set<std::pair<double, double>> got;
    for (const FrontierPoint& p : frontier(t, q, 1, 0)) {
      got.insert({column_total(t, 1, p.assignment), column_total(t, 0, p.assignment)});
    }
    ASSERT_EQ(got, best) << seed;
  }
}

TEST(Plan, reasons_hold_when_they_are_tried) {
  const Table t = random_table(4, 12);
  const Question q{.objective = 0, .second = 1, .budgets = {{1, between(t, 1, 0.4)}, {3, between(t, 3, 0.5)}}};
  const Problem p = make_problem(t, q);
  const Answer a = optimize(p);
  ASSERT_TRUE(a.best);
  const Assignment optimum = to_assignment(p, *a.best, t.layers.size());
  int flips = 0;
  for (std::size_t layer = 0; layer < t.layers.size(); ++layer) {
    const LayerReasons reasons = why_layer(t, q, optimum, layer);
    EXPECT_EQ(reasons.alternatives.size(), 6U);
    for (const Alternative& alternative : reasons.alternatives) {
      if (!alternative.assignment) continue;
      EXPECT_EQ((*alternative.assignment)[layer], alternative.choice);
      EXPECT_GE(alternative.extra_cost, 0);
      // A little more than what it lacks makes it the choice, a little less does not.
      for (const double part : {1.01, 0.99}) {
        Table changed = t;
        changed.layers[layer].choices[alternative.choice].values[0] -= alternative.extra_cost * part;
        const Problem now = make_problem(changed, q);
        EXPECT_EQ((*optimize(now).best)[layer] == alternative.choice, part > 1) << layer;
      }
    }
    for (const Flip& flip : reasons.flips) {
      Question wider = q;
      wider.budgets[flip.budget].limit = flip.limit;
      EXPECT_EQ((*optimize(make_problem(t, wider)).best)[layer], flip.choice);
      EXPECT_NE(flip.choice, optimum[layer]);
      ++flips;
    }
  }
  EXPECT_GT(flips, 6);
}

}  // namespace
}  // namespace obz::plan
