// Numbers that are known to an interval: a column "latency_us" whose ends are the columns "latency_us_lo" and
// "latency_us_hi".
#pragma once

#include <cstdint>

#include "plan/problem.hpp"

namespace obz::plan {

/// Columns that have both ends.
std::vector<std::size_t> interval_columns(const Table& table);

/// The table with every such number moved by `part` (0..1) of the way to its upper end: a plan within its budgets here
/// stays within them wherever the numbers are, each up to that far. Error naming layer and column unless lo <= number
/// <= hi.
Table pessimistic(const Table& table, double part);

/// How often, of `draws` seeded ones, the budgets hold when every such number is drawn evenly from its interval.
double survival(const Table& table, const std::vector<Budget>& budgets, const Assignment& assignment,
                std::int64_t draws, std::uint64_t seed);

}  // namespace obz::plan
