#include "plan/exact_search.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

namespace obz::plan {
namespace {

/// |bounds| stay below 2^122.
constexpr int kBoundBits = 122;
/// Prices beside those given, one budget at a time: states far from the middle are ruled out by others.
constexpr double kFactors[] = {0.0, 0.5, 0.8, 0.93, 0.98, 1.02, 1.07, 1.25, 2.0};

int bits_in(Wide v) {
  int bits = 0;
  for (; v > 0; v >>= 1) ++bits;
  return bits;
}

std::int64_t most_of(const std::vector<Option>& options, std::int64_t Option::*member) {
  std::int64_t most = 0;
  for (const Option& o : options) most = std::max(most, std::abs(o.*member));
  return most;
}

}  // namespace

/// The states behind one group.
struct ExactSearch::Stage {
  std::vector<Wide> values;           ///< scaled
  std::vector<std::int64_t> weights;  ///< budgets per state
  std::vector<std::uint32_t> parents;
  std::vector<std::uint16_t> options;

  std::size_t size() const { return values.size(); }
};

/// What a state of a stage must not exceed.
struct ExactSearch::Bound {
  Wide limit = 0;                      ///< scaled value
  std::vector<Wide> least;             ///< per price vector: constant and the groups to come
  std::vector<std::int64_t> lightest;  ///< per budget: least weight of the groups to come
  std::vector<std::int64_t> heaviest;  ///< and the most
};

ExactSearch::ExactSearch(const Problem& problem, std::span<const double> prices, bool ties)
    : problem_(problem), ties_(ties) {
  const std::size_t groups = problem.groups.size(), budgets = problem.limits.size();
  Wide costs = 1, seconds = 1;
  std::vector<long double> heaviest(budgets, 1);
  for (std::size_t g = 0; g < groups; ++g) {
    const std::vector<Option>& options = problem.groups[g].options;
    costs += most_of(options, &Option::cost);
    seconds += most_of(options, &Option::second);
    third_span_ += static_cast<Wide>((options.size() - 1) * (groups - g));
    for (std::size_t k = 0; k < budgets; ++k) {
      std::int64_t heavy = 0;
      for (const Option& o : options) heavy = std::max(heavy, std::abs(o.weights[k]));
      heaviest[k] += static_cast<long double>(heavy);
    }
  }
  second_span_ = 2 * seconds;
  if (!ties) second_span_ = third_span_ = 1;
  price_bits_ = std::clamp(kBoundBits - 4 - bits_in(costs * second_span_) - bits_in(third_span_), 0, 40);
  for (std::size_t k = 0; k < budgets; ++k) {
    heaviest[k] += std::abs(static_cast<long double>(problem.limits[k]));
    most_price_.push_back(std::ldexp(1.0L, kBoundBits - 3) / heaviest[k] / static_cast<long double>(budgets));
  }
  const long double unit = std::ldexp(static_cast<long double>(second_span_ * third_span_), price_bits_);
  std::vector<long double> wanted;
  for (const double p : prices) wanted.push_back(static_cast<long double>(p) * unit);
  prices_.push_back(prices_of(wanted));
  for (std::size_t k = 0; k < budgets; ++k) {
    for (const double factor : kFactors) {
      std::vector<long double> other = wanted;
      other[k] *= static_cast<long double>(factor);
      if (other[k] != wanted[k]) prices_.push_back(prices_of(other));
    }
  }
}

ExactSearch::Prices ExactSearch::prices_of(std::span<const long double> wanted) const {
  Prices p;
  for (std::size_t k = 0; k < wanted.size(); ++k) {
    p.price.push_back(static_cast<Wide>(std::clamp(wanted[k], 0.0L, most_price_[k])));
    p.constant -= p.price.back() * problem_.limits[k];
  }
  for (std::size_t g = 0; g < problem_.groups.size(); ++g) {
    Wide least = reduced(p, g, 0);
    for (std::size_t o = 1; o < problem_.groups[g].options.size(); ++o) least = std::min(least, reduced(p, g, o));
    p.least.push_back(least);
  }
  return p;
}

Wide ExactSearch::value_of(std::size_t group, std::size_t option) const {
  const Option& o = problem_.groups[group].options[option];
  if (!ties_) return o.cost;
  const auto third = static_cast<Wide>(option * (problem_.groups.size() - group));
  return (static_cast<Wide>(o.cost) * second_span_ + o.second) * third_span_ + third;
}

Wide ExactSearch::reduced(const Prices& p, std::size_t group, std::size_t option) const {
  Wide r = scaled(value_of(group, option));
  const std::vector<std::int64_t>& weights = problem_.groups[group].options[option].weights;
  for (std::size_t k = 0; k < weights.size(); ++k) r += p.price[k] * weights[k];
  return r;
}

Wide ExactSearch::value(const Selection& s) const {
  Wide sum = 0;
  for (std::size_t g = 0; g < s.size(); ++g) sum += value_of(g, s[g]);
  return sum;
}

Wide ExactSearch::bound() const {
  const Prices& p = prices_[0];
  const Wide lowest = std::accumulate(p.least.begin(), p.least.end(), p.constant);
  const Wide one = Wide{1} << price_bits_;
  return (lowest >> price_bits_) + (lowest % one != 0 ? 1 : 0);
}

Wide ExactSearch::most() const {
  Wide sum = 0;
  for (std::size_t g = 0; g < problem_.groups.size(); ++g) {
    Wide most = value_of(g, 0);
    for (std::size_t o = 1; o < problem_.groups[g].options.size(); ++o) most = std::max(most, value_of(g, o));
    sum += most;
  }
  return sum;
}

std::vector<std::vector<std::size_t>> ExactSearch::candidates(Wide value) const {
  const Prices& p = prices_[0];
  const Wide room = scaled(value) - std::accumulate(p.least.begin(), p.least.end(), p.constant);
  std::vector<std::vector<std::size_t>> some;
  for (std::size_t g = 0; g < problem_.groups.size(); ++g) {
    some.emplace_back();
    for (std::size_t o = 0; o < problem_.groups[g].options.size(); ++o) {
      if (reduced(p, g, o) - p.least[g] <= room) some.back().push_back(o);
    }
  }
  return some;
}

ExactSearch::Stage ExactSearch::expand(const Stage& from, std::size_t group, const std::vector<std::size_t>& options,
                                       const Bound& bound) const {
  const std::size_t budgets = problem_.limits.size();
  Stage to;
  std::vector<std::int64_t> weights(budgets);
  for (std::size_t i = 0; i < from.size(); ++i) {
    for (const std::size_t o : options) {
      const Option& option = problem_.groups[group].options[o];
      const Wide value = from.values[i] + scaled(value_of(group, o));
      bool fits = true;
      for (std::size_t k = 0; k < budgets && fits; ++k) {
        weights[k] = from.weights[i * budgets + k] + option.weights[k];
        fits = weights[k] + bound.lightest[k] <= problem_.limits[k];
      }
      for (std::size_t m = 0; m < prices_.size() && fits; ++m) {
        Wide least = value + bound.least[m];
        for (std::size_t k = 0; k < budgets; ++k) least += prices_[m].price[k] * weights[k];
        fits = least <= bound.limit;
      }
      if (!fits) continue;
      to.values.push_back(value);
      to.weights.insert(to.weights.end(), weights.begin(), weights.end());
      to.parents.push_back(static_cast<std::uint32_t>(i));
      to.options.push_back(static_cast<std::uint16_t>(o));
    }
  }
  return to;
}

/// Drops states that `count` others dominate. For more than two budgets not every such state is found.
void ExactSearch::reduce(Stage& stage, std::size_t count, const Bound& bound) const {
  const std::size_t budgets = problem_.limits.size();
  // What no continuation can bring over the limit is as good as nothing.
  const auto weight = [&](std::size_t i, std::size_t k) {
    return std::max(stage.weights[i * budgets + k], problem_.limits[k] - bound.heaviest[k]);
  };
  std::vector<std::uint32_t> order(stage.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    if (stage.values[a] != stage.values[b]) return stage.values[a] < stage.values[b];
    for (std::size_t k = 0; k < budgets; ++k) {
      if (weight(a, k) != weight(b, k)) return weight(a, k) < weight(b, k);
    }
    return a < b;
  });
  std::vector<std::uint32_t> kept;
  std::map<std::int64_t, std::int64_t> stairs;  // one and two budgets, count 1: least second weight by first weight
  constexpr std::size_t window = 256;
  const auto dominated = [&](std::uint32_t i) {
    if (budgets == 0) return kept.size() >= count;
    if (count == 1 && budgets <= 2) {
      const std::int64_t x = weight(i, 0), y = budgets == 2 ? weight(i, 1) : 0;
      auto at = stairs.upper_bound(x);
      if (at != stairs.begin() && std::prev(at)->second <= y) return true;
      while (at != stairs.end() && at->second >= y) at = stairs.erase(at);
      stairs[x] = y;
      return false;
    }
    std::size_t by = 0;
    const std::size_t first = kept.size() > window ? kept.size() - window : 0;
    for (std::size_t j = kept.size(); j-- > first && by < count;) {
      bool all = true;
      for (std::size_t k = 0; k < budgets && all; ++k) all = weight(kept[j], k) <= weight(i, k);
      by += all ? 1 : 0;
    }
    return by >= count;
  };
  for (const std::uint32_t i : order) {
    if (!dominated(i)) kept.push_back(i);
  }
  Stage less;
  for (const std::uint32_t i : kept) {
    less.values.push_back(stage.values[i]);
    for (std::size_t k = 0; k < budgets; ++k) less.weights.push_back(stage.weights[i * budgets + k]);
    less.parents.push_back(stage.parents[i]);
    less.options.push_back(stage.options[i]);
  }
  stage = std::move(less);
}

bool ExactSearch::run(Wide value, std::size_t count, std::int64_t most_states, std::vector<Selection>& best) {
  const std::size_t groups = problem_.groups.size(), budgets = problem_.limits.size();
  const auto options = candidates(value);
  best.clear();
  states_ = 0;
  // Groups that the prices decide least clearly come first; those with one candidate branch nowhere.
  std::vector<Wide> closeness(groups, 0);
  std::vector<std::size_t> order(groups);
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (std::size_t g = 0; g < groups; ++g) {
    if (options[g].empty()) return true;
    closeness[g] = -1;
    for (const std::size_t o : options[g]) {
      const Wide penalty = reduced(prices_[0], g, o) - prices_[0].least[g];
      if (penalty > 0 && (closeness[g] < 0 || penalty < closeness[g])) closeness[g] = penalty;
    }
    if (options[g].size() == 1) closeness[g] = -1;
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return closeness[a] < closeness[b]; });
  Bound bound{scaled(value), {}, std::vector<std::int64_t>(budgets, 0), std::vector<std::int64_t>(budgets, 0)};
  for (const Prices& p : prices_) bound.least.push_back(std::accumulate(p.least.begin(), p.least.end(), p.constant));
  const auto pass = [&](std::size_t g, std::int64_t sign) {  // the group's share of what is to come
    for (std::size_t k = 0; k < budgets; ++k) {
      std::int64_t least = INT64_MAX, most = INT64_MIN;
      for (const std::size_t o : options[g]) {
        least = std::min(least, problem_.groups[g].options[o].weights[k]);
        most = std::max(most, problem_.groups[g].options[o].weights[k]);
      }
      bound.lightest[k] += sign * least;
      bound.heaviest[k] += sign * most;
    }
  };
  for (std::size_t g = 0; g < groups; ++g) pass(g, 1);
  std::vector<Stage> stages(1);
  stages[0].values = {0};
  stages[0].weights.assign(budgets, 0);
  for (const std::size_t g : order) {
    for (std::size_t m = 0; m < prices_.size(); ++m) bound.least[m] -= prices_[m].least[g];
    pass(g, -1);
    Stage next = expand(stages.back(), g, options[g], bound);
    states_ += static_cast<std::int64_t>(next.size());
    if (states_ > most_states) return false;
    if (options[g].size() > 1) reduce(next, count, bound);
    stages.back().values = {};  // only the way back is needed
    stages.back().weights = {};
    stages.push_back(std::move(next));
  }
  Stage& last = stages.back();
  reduce(last, count, bound);
  for (std::size_t i = 0; i < last.size() && i < count; ++i) {
    Selection s(groups);
    auto state = static_cast<std::uint32_t>(i);
    for (std::size_t depth = groups; depth-- > 0;) {
      const Stage& stage = stages[depth + 1];
      s[order[depth]] = stage.options[state];
      state = stage.parents[state];
    }
    best.push_back(std::move(s));
  }
  return true;
}

}  // namespace obz::plan
