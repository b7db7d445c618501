#include "plan/robust.hpp"

#include <cmath>

#include <fmt/format.h>

#include "ref/base/error.hpp"
#include "ref/base/philox.hpp"

namespace obz::plan {
namespace {

struct Ends {
  std::size_t lo, hi;
};

std::optional<Ends> ends_of(const Table& table, std::size_t column) {
  const auto lo = table.column(table.columns[column] + "_lo"), hi = table.column(table.columns[column] + "_hi");
  if (!lo || !hi) return std::nullopt;
  return Ends{*lo, *hi};
}

}  // namespace

std::vector<std::size_t> interval_columns(const Table& table) {
  std::vector<std::size_t> columns;
  for (std::size_t c = 0; c < table.columns.size(); ++c) {
    if (ends_of(table, c)) columns.push_back(c);
  }
  return columns;
}

Table pessimistic(const Table& table, double part) {
  Table moved = table;
  for (const std::size_t c : interval_columns(table)) {
    const Ends ends = *ends_of(table, c);
    for (Layer& layer : moved.layers) {
      for (Choice& choice : layer.choices) {
        const double lo = choice.values[ends.lo], hi = choice.values[ends.hi];
        double& value = choice.values[c];
        if (!(lo <= value && value <= hi)) {
          throw Error(fmt::format("layer {} at {}: {} is {}, expected within its interval {}..{}", layer.name,
                                  bits_text(choice.bits), table.columns[c], value, lo, hi));
        }
        value += part * (hi - value);
      }
    }
  }
  return moved;
}

double survival(const Table& table, const std::vector<Budget>& budgets, const Assignment& assignment,
                std::int64_t draws, std::uint64_t seed) {
  std::int64_t held = 0;
  for (std::int64_t d = 0; d < draws; ++d) {
    CaseRandom random(seed, static_cast<std::uint64_t>(d));
    bool all = true;
    for (const Budget& b : budgets) {
      const auto ends = ends_of(table, b.column);
      double sum = 0;
      for (std::size_t i = 0; i < assignment.size(); ++i) {
        const std::vector<double>& values = table.layers[i].choices[assignment[i]].values;
        const double part = std::ldexp(static_cast<double>(random.bits32()), -32);
        sum += ends ? values[ends->lo] + part * (values[ends->hi] - values[ends->lo]) : values[b.column];
      }
      // A total that is exactly the limit holds, whatever the order of summation.
      all = all && sum <= b.limit + 1e-12 * std::abs(b.limit);
    }
    held += all ? 1 : 0;
  }
  return static_cast<double>(held) / static_cast<double>(draws);
}

}  // namespace obz::plan
