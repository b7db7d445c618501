#include "plan/problem.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "ref/base/error.hpp"

namespace obz::plan {
namespace {

constexpr int kSumBits = 60;
/// `second` decides ties only; its sums stay below 2^34.
constexpr int kSecondBits = 34;
constexpr int kMostDigits = 340;

/// Digits behind the point in the shortest decimal that is this double; negative: zeros before it.
int digits_of(double value) {
  if (value == 0) return -kMostDigits;
  std::string digits = fmt::format("{}", value);  // shortest form that reads back the same
  const std::size_t e = digits.find('e');
  int exponent = 0;
  if (e != std::string::npos) {
    exponent = std::stoi(digits.substr(e + 1));
    digits.resize(e);
  }
  const std::size_t point = digits.find('.');
  int behind = 0;
  if (point != std::string::npos) {
    behind = static_cast<int>(digits.size() - point - 1);
    digits.erase(point, 1);
  }
  while (digits.size() > 1 && digits.back() == '0') {
    digits.pop_back();
    --behind;
  }
  return behind - exponent;
}

long double power_of_ten(int n) { return std::pow(10.0L, static_cast<long double>(n)); }

}  // namespace

std::int64_t Unit::integer(double value) const {
  return static_cast<std::int64_t>(std::llround(static_cast<long double>(value) * power_of_ten(digits)));
}

double Unit::value(std::int64_t integer) const {
  const long double scale = power_of_ten(std::abs(digits));
  const auto i = static_cast<long double>(integer);
  return static_cast<double>(digits >= 0 ? i / scale : i * scale);
}

namespace {

Unit unit_within(const Table& table, std::size_t column, int bits) {
  int wanted = -kMostDigits;
  long double sum = 0;
  for (const Layer& layer : table.layers) {
    double largest = 0;
    for (const Choice& c : layer.choices) {
      wanted = std::max(wanted, digits_of(c.values[column]));
      largest = std::max(largest, std::abs(c.values[column]));
    }
    sum += static_cast<long double>(largest);
  }
  if (sum == 0) return {};
  int most = kMostDigits;
  while (sum * power_of_ten(most) > std::ldexp(1.0L, bits)) --most;
  return {std::min(wanted, most), wanted <= most};
}

}  // namespace

Unit unit_of(const Table& table, std::size_t column) {
  const Unit unit = unit_within(table, column, kSumBits);
  if (unit.exact) return unit;
  constexpr long double digits_needed = 1e4L;
  for (const Layer& layer : table.layers) {
    for (const Choice& c : layer.choices) {
      const auto value = std::abs(static_cast<long double>(c.values[column]));
      if (value == 0 || value * power_of_ten(unit.digits) >= digits_needed) continue;
      throw Error(
          fmt::format("column {}: layer {} at {} has {}, too little beside the largest values: sums are kept to 18 "
                      "digits; leave out "
                      "choices that are not wanted instead of giving them huge numbers",
                      table.columns[column], layer.name, bits_text(c.bits), c.values[column]));
    }
  }
  return unit;
}

Problem make_problem(const Table& table, const Question& q) {
  Problem p;
  p.cost_unit = unit_of(table, q.objective);
  const Unit second = q.second ? unit_within(table, *q.second, kSecondBits) : Unit{};
  for (const Budget& b : q.budgets) {
    const Unit unit = unit_of(table, b.column);
    p.weight_units.push_back(unit);
    // Downwards, but a limit that is itself a sum of the column, formed in double precision, must hold that sum.
    const long double limit = static_cast<long double>(b.limit) * power_of_ten(unit.digits);
    const long double bound = std::ldexp(1.0L, kSumBits), slack = std::max(1e-6L, std::abs(limit) * 1e-15L);
    p.limits.push_back(static_cast<std::int64_t>(std::clamp(std::floor(limit + slack), -bound, bound)));
  }
  std::map<std::string_view, std::size_t> group_of;
  for (std::size_t i = 0; i < table.layers.size(); ++i) {
    const Layer& layer = table.layers[i];
    std::size_t g = p.groups.size();
    if (layer.same_as.empty()) {
      p.groups.push_back({{}, std::vector<Option>(layer.choices.size())});
      for (Option& o : p.groups.back().options) o.weights.assign(q.budgets.size(), 0);
    } else {
      g = group_of.at(layer.same_as);
    }
    group_of[layer.name] = g;
    Group& group = p.groups[g];
    group.layers.push_back(i);
    for (std::size_t c = 0; c < layer.choices.size(); ++c) {
      const std::vector<double>& values = layer.choices[c].values;
      Option& o = group.options[c];
      o.cost += p.cost_unit.integer(values[q.objective]);
      if (q.second) o.second += second.integer(values[*q.second]);
      for (std::size_t k = 0; k < q.budgets.size(); ++k) {
        o.weights[k] += p.weight_units[k].integer(values[q.budgets[k].column]);
      }
    }
  }
  return p;
}

Assignment to_assignment(const Problem& problem, const Selection& selection, std::size_t layers) {
  Assignment a(layers);
  for (std::size_t g = 0; g < selection.size(); ++g) {
    for (const std::size_t i : problem.groups[g].layers) a[i] = selection[g];
  }
  return a;
}

Selection to_selection(const Problem& problem, const Table& table, const Assignment& assignment) {
  Selection s;
  for (const Group& g : problem.groups) {
    const std::size_t first = g.layers.front();
    for (const std::size_t i : g.layers) {
      if (assignment[i] == assignment[first]) continue;
      throw Error(fmt::format("the assignment: layers {} ({}) and {} ({}) are tied, expected the same bits",
                              table.layers[first].name, bits_text(table.layers[first].choices[assignment[first]].bits),
                              table.layers[i].name, bits_text(table.layers[i].choices[assignment[i]].bits)));
    }
    s.push_back(assignment[first]);
  }
  return s;
}

Totals totals(const Problem& problem, const Selection& selection) {
  Totals t{.weights = std::vector<std::int64_t>(problem.limits.size(), 0)};
  for (std::size_t g = 0; g < selection.size(); ++g) {
    const Option& o = problem.groups[g].options[selection[g]];
    t.cost += o.cost;
    t.second += o.second;
    for (std::size_t k = 0; k < o.weights.size(); ++k) t.weights[k] += o.weights[k];
  }
  return t;
}

bool is_feasible(const Problem& problem, const Totals& t) {
  for (std::size_t k = 0; k < problem.limits.size(); ++k) {
    if (t.weights[k] > problem.limits[k]) return false;
  }
  return true;
}

bool better(const Problem& problem, const Selection& a, const Selection& b) {
  const Totals ta = totals(problem, a), tb = totals(problem, b);
  if (ta.cost != tb.cost) return ta.cost < tb.cost;
  if (ta.second != tb.second) return ta.second < tb.second;
  const auto third = [](const Selection& s) {
    std::size_t sum = 0;
    for (std::size_t g = 0; g < s.size(); ++g) sum += s[g] * (s.size() - g);
    return sum;
  };
  if (third(a) != third(b)) return third(a) < third(b);
  return a < b;  // lower index: more bits
}

double column_total(const Table& table, std::size_t column, const Assignment& assignment) {
  const Unit unit = unit_of(table, column);
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < assignment.size(); ++i) {
    sum += unit.integer(table.layers[i].choices[assignment[i]].values[column]);
  }
  return unit.value(sum);
}

}  // namespace obz::plan
