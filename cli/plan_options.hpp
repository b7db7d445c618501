// From the words of `obz plan` to its table and its question.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/verb.hpp"
#include "plan/problem.hpp"

namespace obz::cli {

struct PlanOptions {
  std::string source, size, bops, latency, minimize = "omega", choices = "8x8,4x4", sensitivity = "mse", calibration,
                                           labels, mean, deviation, traces, machine = "t4", latencies, save_table;
  std::vector<std::string> budgets, pins;
  bool free_ends = false;
  std::int64_t samples = 64, probes = 8, batch = 8;
  std::uint64_t seed = 1;
  std::shared_ptr<Given> given = std::make_shared<Given>();
};

/// A table file, or the table of a float network with its sensitivities.
plan::Table plan_table(const PlanOptions& o);

/// Budgets in the units of the table; a percentage lies between all layers at their fewest and at their most bits.
plan::Question plan_question(const PlanOptions& o, const plan::Table& table);

}  // namespace obz::cli
