// One question about a table, in integers: choose an option in every group so that no budget is exceeded and the cost
// is least. The numbers of a column become integers of one decimal unit, so sums and comparisons are exact.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "plan/table.hpp"

namespace obz::plan {

/// The unit of a column: value = integer * 10^-digits.
struct Unit {
  int digits = 0;
  bool exact = true;  ///< false: the values have more digits than sums of 60 bits can keep; they are rounded

  std::int64_t integer(double value) const;  ///< nearest
  double value(std::int64_t integer) const;
};

/// The unit in which every value of the column is an integer and no sum over the layers exceeds 2^60; a coarser one
/// where there is none. Error when some value would then keep less than four digits.
Unit unit_of(const Table& table, std::size_t column);

/// `columns` of the table may at most sum to `limit`.
struct Budget {
  std::size_t column = 0;
  double limit = 0;
};

struct Option {
  std::int64_t cost = 0;
  std::int64_t second = 0;            ///< what decides between equal costs: least
  std::vector<std::int64_t> weights;  ///< one per budget

  friend bool operator==(const Option&, const Option&) = default;
};

/// Layers that must agree, as one.
struct Group {
  std::vector<std::size_t> layers;  ///< ascending
  std::vector<Option> options;      ///< in the order of the first layer's choices: most bits first
};

struct Problem {
  std::vector<Group> groups;  ///< by their first layer
  std::vector<std::int64_t> limits;
  Unit cost_unit;
  std::vector<Unit> weight_units;
};

/// How the plan is judged. `second`: a column that decides between equal costs (least). What is left equal is decided
/// by bits, more of them in earlier layers: first the least sum over the groups of (choices below the most bits) *
/// (groups from this one to the end), then more bits in the first group where two assignments differ.
struct Question {
  std::size_t objective = 0;
  std::optional<std::size_t> second;
  std::vector<Budget> budgets;
};

Problem make_problem(const Table& table, const Question& question);

/// An option per group.
using Selection = std::vector<std::size_t>;

Assignment to_assignment(const Problem& problem, const Selection& selection, std::size_t layers);
/// Error naming two tied layers that differ.
Selection to_selection(const Problem& problem, const Table& table, const Assignment& assignment);

struct Totals {
  std::int64_t cost = 0, second = 0;
  std::vector<std::int64_t> weights;
};

Totals totals(const Problem& problem, const Selection& selection);
bool is_feasible(const Problem& problem, const Totals& totals);

/// Whether `a` is to be preferred; both feasible.
bool better(const Problem& problem, const Selection& a, const Selection& b);

/// Sum of a column over an assignment, exact in its unit.
double column_total(const Table& table, std::size_t column, const Assignment& assignment);

}  // namespace obz::plan
