#include "cli/plan_report.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/table.hpp"
#include "plan/csv.hpp"
#include "plan/reasons.hpp"
#include "plan/robust.hpp"
#include "ref/base/error.hpp"
#include "ref/base/file.hpp"
#include "ref/base/suggest.hpp"

namespace obz::cli {
namespace {

using Json = nlohmann::ordered_json;
using plan::Assignment;

/// Six digits, whole numbers in groups.
std::string shown(double v) {
  constexpr double most = 1e15;
  if (v == std::round(v) && std::abs(v) < most) return grouped(static_cast<std::int64_t>(v));
  return fmt::format("{:.6g}", v);
}

const LayerBits& bits_at(const SolvedPlan& s, std::size_t layer) {
  return s.given.layers[layer].choices[s.best[layer]].bits;
}

/// Columns that people look at: not the ends of intervals.
std::vector<std::size_t> shown_columns(const plan::Table& table) {
  std::vector<std::size_t> columns;
  for (std::size_t c = 0; c < table.columns.size(); ++c) {
    const std::string& name = table.columns[c];
    if (!name.ends_with("_lo") && !name.ends_with("_hi")) columns.push_back(c);
  }
  return columns;
}

/// With all its digits: 300.0000001 is not 300.
std::string limit_text(double v) { return v == std::round(v) ? shown(v) : fmt::format("{:.10g}", v); }

std::string changed_layers(const SolvedPlan& s, const Assignment& other, std::size_t except) {
  std::string text;
  for (std::size_t i = 0; i < other.size(); ++i) {
    const plan::Layer& layer = s.given.layers[i];
    if (other[i] == s.best[i] || i == except || layer.same_as == s.given.layers[except].name) continue;
    text +=
        fmt::format("{}{} to {}", text.empty() ? "" : ", ", layer.name, plan::bits_text(layer.choices[other[i]].bits));
  }
  return text.empty() ? "nothing else" : text;
}

/// FILE.csv, FILE.csv:COLUMN or a plan.json.
Assignment read_assignment(const plan::Table& table, const std::string& text) {
  if (text.ends_with(".json")) {
    const BitPlan plan = read_bits(text);
    std::string csv = "layer,weights,activations\n";
    for (const auto& [layer, bits] : plan.layers) {
      csv += fmt::format("{},{},{}\n", plan::csv_cell(layer), bits.weights, bits.activations);
    }
    return plan::parse_assignment(table, csv, text);
  }
  const std::size_t colon = std::filesystem::exists(text) ? std::string::npos : text.rfind(':');
  const std::string column = colon == std::string::npos ? "" : text.substr(colon + 1), file = text.substr(0, colon);
  return plan::parse_assignment(table, as_text(read_file(file)), file, column);
}

}  // namespace

// --- the answer -----------------------------------------------------------------------------------------------

Json plan_json(const SolvedPlan& s, const std::string& source) {
  Json layers = Json::object();
  for (std::size_t i = 0; i < s.best.size(); ++i) {
    layers[s.given.layers[i].name] = {{"weights", bits_at(s, i).weights}, {"activations", bits_at(s, i).activations}};
  }
  Json totals = Json::object(), limits = Json::object();
  for (std::size_t c = 0; c < s.given.columns.size(); ++c) {
    totals[s.given.columns[c]] = plan::column_total(s.given, c, s.best);
  }
  for (const plan::Budget& b : s.question.budgets) limits[s.given.columns[b.column]] = b.limit;
  return {{"layers", layers},
          {"plan",
           {{"source", source},
            {"minimized", s.given.columns[s.question.objective]},
            {"budgets", limits},
            {"totals", totals},
            {"proved_optimal", s.proved}}}};
}

std::string plan_csv(const SolvedPlan& s) {
  std::string text = "layer,weights,activations\n";
  for (std::size_t i = 0; i < s.best.size(); ++i) {
    text += fmt::format("{},{},{}\n", plan::csv_cell(s.given.layers[i].name), bits_at(s, i).weights,
                        bits_at(s, i).activations);
  }
  return text;
}

void print_layers(const SolvedPlan& s) {
  const std::vector<std::size_t> columns = shown_columns(s.given);
  std::vector<std::string> headings{"layer", "W", "A"};
  for (const std::size_t c : columns) headings.push_back(">" + s.given.columns[c]);
  headings.emplace_back("");
  Table text(headings);
  for (std::size_t i = 0; i < s.best.size(); ++i) {
    const plan::Layer& layer = s.given.layers[i];
    std::vector<std::string> row{layer.name, std::to_string(bits_at(s, i).weights),
                                 std::to_string(bits_at(s, i).activations)};
    for (const std::size_t c : columns) row.push_back(shown(layer.choices[s.best[i]].values[c]));
    row.push_back(!layer.same_as.empty() ? "as " + layer.same_as : layer.choices.size() == 1 ? "pinned" : "");
    text.add(row);
  }
  std::vector<std::string> total{"total", "", ""};
  for (const std::size_t c : columns) total.push_back(shown(plan::column_total(s.given, c, s.best)));
  total.emplace_back("");
  text.add(total);
  fmt::print("{}\n", text.text());
}

void print_budgets(const SolvedPlan& s) {
  if (s.question.budgets.empty()) return;
  Table text({"budget", ">used", ">limit", ">fewest bits", ">most bits"});
  Assignment fewest, most(s.best.size(), 0);
  for (const plan::Layer& l : s.table.layers) fewest.push_back(l.choices.size() - 1);
  for (const plan::Budget& b : s.question.budgets) {
    const auto total = [&](const Assignment& a) { return shown(plan::column_total(s.table, b.column, a)); };
    text.add({s.table.columns[b.column], total(s.best), limit_text(b.limit), total(fewest), total(most)});
  }
  fmt::print("{}\n", text.text());
}

void print_proof(const SolvedPlan& s) {
  fmt::print("{} {}{}\n", s.given.columns[s.question.objective],
             shown(plan::column_total(s.given, s.question.objective, s.best)),
             s.proved ? ", proved least" : ", the least that was found; the proof was cut short");
}

// --- questions about it ---------------------------------------------------------------------------------------

Json frontier_json(const plan::Table& table, const plan::Question& q, std::size_t column,
                   const std::vector<plan::FrontierPoint>& points) {
  Json json = Json::array();
  for (const plan::FrontierPoint& p : points) {
    Json bits = Json::object();
    for (std::size_t i = 0; i < p.assignment.size(); ++i) {
      bits[table.layers[i].name] = plan::bits_text(table.layers[i].choices[p.assignment[i]].bits);
    }
    json.push_back({{table.columns[column], plan::column_total(table, column, p.assignment)},
                    {table.columns[q.objective], plan::column_total(table, q.objective, p.assignment)},
                    {"proved_optimal", p.proved},
                    {"bits", bits}});
  }
  return json;
}

void print_frontier(const plan::Table& table, const plan::Question& q, std::size_t column,
                    const std::vector<plan::FrontierPoint>& points) {
  Table text({">" + table.columns[column], ">" + table.columns[q.objective], "layers by weight bits"});
  for (const plan::FrontierPoint& p : points) {
    std::array<int, 9> count{};
    for (std::size_t i = 0; i < p.assignment.size(); ++i) {
      ++count[static_cast<std::size_t>(table.layers[i].choices[p.assignment[i]].bits.weights)];
    }
    std::string by;
    for (std::size_t b = count.size(); b-- > 1;) {
      if (count[b] > 0) by += fmt::format("{}{} at {}", by.empty() ? "" : ", ", count[b], b);
    }
    text.add({shown(plan::column_total(table, column, p.assignment)),
              shown(plan::column_total(table, q.objective, p.assignment)), p.proved ? by : by + "  (not proved)"});
  }
  fmt::print("{}\n{} points\n\n", text.text(), points.size());
}

std::size_t layer_named(const plan::Table& table, const std::string& name) {
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < table.layers.size(); ++i) {
    if (table.layers[i].name == name) return i;
    names.push_back(table.layers[i].name);
  }
  throw Error(fmt::format("--why {}: the table has no such layer{}", name, did_you_mean(name, names)));
}

void print_why(const SolvedPlan& s, const std::string& name) {
  const std::size_t layer = layer_named(s.table, name);
  const plan::LayerReasons reasons = plan::why_layer(s.table, s.question, s.best, layer);
  const plan::Layer& l = s.table.layers[layer];
  const std::string& objective = s.table.columns[s.question.objective];
  fmt::print("{} has {}", name, plan::bits_text(bits_at(s, layer)));
  if (l.choices.size() == 1) return fmt::print(": it is pinned, there is no other choice\n\n");
  std::string tied;
  for (const std::size_t i : reasons.tied) tied += (tied.empty() ? "" : ", ") + s.table.layers[i].name;
  fmt::print("{}\n", tied.empty() ? ", tied to nothing" : ", tied to " + tied);
  for (const plan::Alternative& a : reasons.alternatives) {
    const std::string bits = plan::bits_text(l.choices[a.choice].bits);
    if (!a.assignment) {
      fmt::print("  at {}: no assignment keeps the budgets\n", bits);
      continue;
    }
    if (a.extra_cost == 0) {
      fmt::print("  at {}: {} would be the same; decided by the tie rule; also changes: {}\n", bits, objective,
                 changed_layers(s, *a.assignment, layer));
      continue;
    }
    fmt::print("  at {}: {} at best {:.6g} more; also changes: {}\n", bits, objective, a.extra_cost,
               changed_layers(s, *a.assignment, layer));
    fmt::print("      would be chosen if its {} at {} were {:.6g} less\n", objective, bits, a.extra_cost);
  }
  for (std::size_t k = 0; k < s.question.budgets.size(); ++k) {
    const plan::Budget& b = s.question.budgets[k];
    const auto flip =
        std::find_if(reasons.flips.begin(), reasons.flips.end(), [&](const plan::Flip& f) { return f.budget == k; });
    if (flip == reasons.flips.end()) {
      fmt::print("  {} {} changes it\n", reasons.all_steps_tried[k] ? "no larger" : "none of the next 100 steps of",
                 s.table.columns[b.column]);
    } else {
      fmt::print("  {} of {} gives it {}\n", s.table.columns[b.column], shown(flip->limit),
                 plan::bits_text(l.choices[flip->choice].bits));
    }
  }
  fmt::print("\n");
}

void print_runners_up(const SolvedPlan& s, std::int64_t count) {
  const plan::Problem problem = plan::make_problem(s.table, s.question);
  const plan::Ranking ranking = plan::rank(problem, static_cast<std::size_t>(count) + 1);
  std::vector<std::string> headings{">rank", ">" + s.table.columns[s.question.objective]};
  for (const plan::Budget& b : s.question.budgets) headings.push_back(">" + s.table.columns[b.column]);
  headings.emplace_back("differs from the best in");
  Table text(headings);
  for (std::size_t r = 0; r < ranking.selections.size(); ++r) {
    const Assignment a = plan::to_assignment(problem, ranking.selections[r], s.best.size());
    std::vector<std::string> row{std::to_string(r + 1), shown(plan::column_total(s.table, s.question.objective, a))};
    for (const plan::Budget& b : s.question.budgets) row.push_back(shown(plan::column_total(s.table, b.column, a)));
    std::string differs;
    for (std::size_t i = 0; i < a.size(); ++i) {
      if (a[i] == s.best[i]) continue;
      differs += fmt::format("{}{} {}", differs.empty() ? "" : ", ", s.table.layers[i].name,
                             plan::bits_text(s.table.layers[i].choices[a[i]].bits));
    }
    row.push_back(differs);
    text.add(row);
  }
  fmt::print("{}\n{}", text.text(), ranking.proved ? "" : "cut short: there may be others between them\n\n");
}

int print_comparison(const SolvedPlan& s, const std::string& text, bool json) {
  const Assignment theirs = read_assignment(s.table, text);
  const plan::Comparison c = plan::compare(s.table, s.question, theirs, s.best);
  if (json) {
    Json exceeded = Json::array(), changes = Json::object();
    for (const std::size_t k : c.exceeded) exceeded.push_back(s.table.columns[s.question.budgets[k].column]);
    for (const std::size_t i : c.changes) changes[s.table.layers[i].name] = plan::bits_text(bits_at(s, i));
    const Json out{{"feasible", c.feasible},
                   {"optimal", c.optimal && s.proved},
                   {"proved", s.proved},
                   {"exceeded", exceeded},
                   {"change", changes}};
    fmt::print("{}\n", out.dump(2, ' ', false, Json::error_handler_t::replace));
    return c.optimal && s.proved ? 0 : 1;
  }
  Table table({"", ">" + text, ">optimum", ">limit"});
  const auto total = [&](std::size_t col, const Assignment& a) { return shown(plan::column_total(s.table, col, a)); };
  table.add({s.table.columns[s.question.objective], total(s.question.objective, theirs),
             total(s.question.objective, s.best), ""});
  for (const plan::Budget& b : s.question.budgets) {
    table.add({s.table.columns[b.column], total(b.column, theirs), total(b.column, s.best), shown(b.limit)});
  }
  fmt::print("{}\n", table.text());
  if (c.optimal) {
    fmt::print("{}: feasible{}\n", text,
               s.proved ? " and optimal" : "; nothing better was found, but the proof was cut short");
    return s.proved ? 0 : 1;
  }
  std::string exceeded;
  for (const std::size_t k : c.exceeded)
    exceeded += (exceeded.empty() ? "" : ", ") + s.table.columns[s.question.budgets[k].column];
  fmt::print("{}: {}\n", text, c.feasible ? "feasible, but not optimal" : "not feasible: exceeds " + exceeded);
  for (const std::size_t i : c.changes) {
    fmt::print("  {} from {} to {}\n", s.table.layers[i].name,
               plan::bits_text(s.table.layers[i].choices[theirs[i]].bits), plan::bits_text(bits_at(s, i)));
  }
  return 1;
}

void print_robust(const SolvedPlan& s, const std::string& part, std::uint64_t seed) {
  const plan::Problem plain = plan::make_problem(s.given, s.question);
  const plan::Answer a = plan::optimize(plain);
  constexpr std::int64_t draws = 20000;
  const auto held = [&](const Assignment& x) {
    return fmt::format("{:.2f} %", 100 * plan::survival(s.given, s.question.budgets, x, draws, seed));
  };
  Table text({"", ">" + s.given.columns[s.question.objective], ">budgets hold"});
  const auto total = [&](const Assignment& x) { return shown(plan::column_total(s.given, s.question.objective, x)); };
  if (a.best) {
    const Assignment nominal = plan::to_assignment(plain, *a.best, s.best.size());
    text.add({"best for the numbers as given", total(nominal), held(nominal)});
  }
  text.add({fmt::format("best with {} of the way to the upper ends", part), total(s.best), held(s.best)});
  fmt::print("{}\n{} draws, every number anywhere in its interval, seed {}\n\n", text.text(), grouped(draws), seed);
}

}  // namespace obz::cli
