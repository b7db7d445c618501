// What `obz plan` shows: tables on stdout, and the plan as JSON or CSV.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "plan/frontier.hpp"

namespace obz::cli {

/// The question and everything that is known of its answer.
struct SolvedPlan {
  plan::Table table;  ///< that was planned with: pessimistic with --robust
  plan::Table given;
  plan::Question question;
  plan::Assignment best;
  bool proved = true;
};

/// The plan as `obz quantize --bits` reads it, with what it was made from.
nlohmann::ordered_json plan_json(const SolvedPlan& s, const std::string& source);
/// layer, weights, activations.
std::string plan_csv(const SolvedPlan& s);

void print_layers(const SolvedPlan& s);
void print_budgets(const SolvedPlan& s);
void print_proof(const SolvedPlan& s);

nlohmann::ordered_json frontier_json(const plan::Table& table, const plan::Question& q, std::size_t column,
                                     const std::vector<plan::FrontierPoint>& points);
void print_frontier(const plan::Table& table, const plan::Question& q, std::size_t column,
                    const std::vector<plan::FrontierPoint>& points);

/// Error with near names when the table has none of this name.
std::size_t layer_named(const plan::Table& table, const std::string& name);
void print_why(const SolvedPlan& s, const std::string& name);
void print_runners_up(const SolvedPlan& s, std::int64_t count);
/// `part`: as the user wrote it.
void print_robust(const SolvedPlan& s, const std::string& part, std::uint64_t seed);

/// `text`: FILE.csv, FILE.csv:COLUMN or a plan.json. 0: feasible and optimal; 1: not, or not known.
int print_comparison(const SolvedPlan& s, const std::string& text, bool json);

}  // namespace obz::cli
