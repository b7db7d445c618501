// obz plan: which bits each layer gets, by integer linear programming.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/plan_figure.hpp"
#include "cli/plan_options.hpp"
#include "cli/progress.hpp"
#include "cli/table.hpp"
#include "plan/csv.hpp"
#include "plan/frontier.hpp"
#include "plan/lp_format.hpp"
#include "plan/reasons.hpp"
#include "plan/robust.hpp"
#include "ref/base/error.hpp"
#include "ref/base/file.hpp"
#include "ref/base/suggest.hpp"

namespace obz::cli {
namespace {

using Json = nlohmann::ordered_json;
using plan::Assignment;

struct Options {
  PlanOptions plan;
  std::string out, csv, lp, svg, compare, why, pareto, robust;
  std::int64_t points = 50, runner_up = 0;
  bool json = false;
};

void write_text(const std::string& path, const std::string& text) { write_file(path, as_bytes(text)); }

/// Six digits, whole numbers in groups.
std::string shown(double v) {
  constexpr double most = 1e15;
  if (v == std::round(v) && std::abs(v) < most) return grouped(static_cast<std::int64_t>(v));
  return fmt::format("{:.6g}", v);
}

/// The question and everything that is known of its answer.
struct Solved {
  plan::Table table;  ///< that was planned with: pessimistic with --robust
  plan::Table given;
  plan::Question question;
  Assignment best;
  bool proved = true;
};

const LayerBits& bits_at(const Solved& s, std::size_t layer) {
  return s.given.layers[layer].choices[s.best[layer]].bits;
}

// --- the answer -----------------------------------------------------------------------------------------------

Json plan_json(const Solved& s, const std::string& source) {
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

std::string plan_csv(const Solved& s) {
  std::string text = "layer,weights,activations\n";
  for (std::size_t i = 0; i < s.best.size(); ++i) {
    text += fmt::format("{},{},{}\n", plan::csv_cell(s.given.layers[i].name), bits_at(s, i).weights,
                        bits_at(s, i).activations);
  }
  return text;
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

void print_layers(const Solved& s) {
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

/// With all its digits: 300.0000001 is not 300.
std::string limit_text(double v) { return v == std::round(v) ? shown(v) : fmt::format("{:.10g}", v); }

void print_budgets(const Solved& s) {
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

void print_proof(const Solved& s) {
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

std::string changed_layers(const Solved& s, const Assignment& other, std::size_t except) {
  std::string text;
  for (std::size_t i = 0; i < other.size(); ++i) {
    const plan::Layer& layer = s.given.layers[i];
    if (other[i] == s.best[i] || i == except || layer.same_as == s.given.layers[except].name) continue;
    text +=
        fmt::format("{}{} to {}", text.empty() ? "" : ", ", layer.name, plan::bits_text(layer.choices[other[i]].bits));
  }
  return text.empty() ? "nothing else" : text;
}

void print_why(const Solved& s, const std::string& name) {
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

void print_runners_up(const Solved& s, std::int64_t count) {
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

/// 0: optimal; 1: not, or not known.
int print_comparison(const Solved& s, const std::string& text, bool json) {
  const Assignment theirs = read_assignment(s.table, text);
  const plan::Comparison c = plan::compare(s.table, s.question, theirs);
  if (json) {
    Json exceeded = Json::array(), changes = Json::object();
    for (const std::size_t k : c.exceeded) exceeded.push_back(s.table.columns[s.question.budgets[k].column]);
    for (const std::size_t i : c.changes) changes[s.table.layers[i].name] = plan::bits_text(bits_at(s, i));
    const Json out{{"feasible", c.feasible},
                   {"optimal", c.optimal && c.proved},
                   {"proved", c.proved},
                   {"exceeded", exceeded},
                   {"change", changes}};
    fmt::print("{}\n", out.dump(2, ' ', false, Json::error_handler_t::replace));
    return c.optimal && c.proved ? 0 : 1;
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
               c.proved ? " and optimal" : "; nothing better was found, but the proof was cut short");
    return c.proved ? 0 : 1;
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

double robust_part(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !(value >= 0 && value <= 1)) {
    throw Error(fmt::format("--robust {}: expected a number in 0..1", text));
  }
  return value;
}

void print_robust(const Solved& s, const Options& o) {
  const plan::Problem plain = plan::make_problem(s.given, s.question);
  const plan::Answer a = plan::optimize(plain);
  constexpr std::int64_t draws = 20000;
  const auto held = [&](const Assignment& x) {
    return fmt::format("{:.2f} %", 100 * plan::survival(s.given, s.question.budgets, x, draws, o.plan.seed));
  };
  Table text({"", ">" + s.given.columns[s.question.objective], ">budgets hold"});
  const auto total = [&](const Assignment& x) { return shown(plan::column_total(s.given, s.question.objective, x)); };
  if (a.best) {
    const Assignment nominal = plan::to_assignment(plain, *a.best, s.best.size());
    text.add({"best for the numbers as given", total(nominal), held(nominal)});
  }
  text.add({fmt::format("best with {} of the way to the upper ends", o.robust), total(s.best), held(s.best)});
  fmt::print("{}\n{} draws, every number anywhere in its interval, seed {}\n\n", text.text(), grouped(draws),
             o.plan.seed);
}

// --- the verb -------------------------------------------------------------------------------------------------

Solved solve(const Options& o) {
  Solved s;
  s.given = plan_table(o.plan);
  s.question = plan_question(o.plan, s.given);
  s.table = s.given;
  if (!o.robust.empty()) {
    const double part = robust_part(o.robust);
    if (plan::interval_columns(s.given).empty()) {
      throw Error("--robust: expected columns with intervals, such as latency_us, latency_us_lo and latency_us_hi");
    }
    s.table = plan::pessimistic(s.given, part);
  }
  const plan::Problem problem = plan::make_problem(s.table, s.question);
  const plan::Answer a = plan::optimize(problem);
  if (!a.best) throw Error("no assignment keeps the budgets: " + plan::why_infeasible(s.table, s.question));
  s.best = plan::to_assignment(problem, *a.best, s.table.layers.size());
  s.proved = a.proved;
  return s;
}

/// No output may take the place of an input or of another output.
void check_files(const Options& o) {
  namespace fs = std::filesystem;
  const auto place = [](const std::string& path) {
    std::error_code error;
    const fs::path p = fs::weakly_canonical(path, error);
    return error ? fs::path(path) : p;
  };
  std::map<fs::path, std::string> taken;
  const PlanOptions& p = o.plan;
  for (const auto& [option, path] : {std::pair<const char*, const std::string*>{"SOURCE", &p.source},
                                     {"--calib", &p.calibration},
                                     {"--labels", &p.labels},
                                     {"--traces", &p.traces},
                                     {"--latencies", &p.latencies},
                                     {"--compare", &o.compare}}) {
    if (!path->empty()) taken[place(*path)] = option;
  }
  for (const auto& [option, path] : {std::pair<const char*, const std::string*>{"--save-table", &p.save_table},
                                     {"--out", &o.out},
                                     {"--csv", &o.csv},
                                     {"--lp", &o.lp},
                                     {"--svg", &o.svg}}) {
    if (path->empty() || *path == "/dev/stdout" || *path == "/dev/null") continue;
    const auto [at, free] = taken.emplace(place(*path), option);
    if (!free) throw Error(fmt::format("{} {}: the same file is {}", option, *path, at->second));
  }
}

int run(const Options& o) {
  constexpr std::int64_t most_points = 100000, most_runners = 1000;
  if (o.points < 0 || o.points > most_points)
    throw Error(fmt::format("--points {}: expected 0..{}", o.points, most_points));
  if (o.runner_up < 0 || o.runner_up > most_runners) {
    throw Error(fmt::format("--runner-up {}: expected 0..{}", o.runner_up, most_runners));
  }
  check_files(o);
  if (o.json && (!o.why.empty() || o.runner_up > 0))
    throw Error("--json: expected without --why and --runner-up, which are text");
  if (o.pareto.empty() && o.plan.given->contains("--points")) throw Error("--points: expected with --pareto");
  if (!o.compare.empty() && (!o.why.empty() || o.runner_up > 0 || !o.pareto.empty())) {
    throw Error("--compare: expected without --why, --runner-up and --pareto");
  }
  Solved s = solve(o);
  if (!o.why.empty()) layer_named(s.table, o.why);  // refuses before anything is printed
  std::vector<plan::FrontierPoint> points;
  std::optional<std::size_t> swept;
  if (!o.pareto.empty()) {
    static const std::map<std::string, std::string> kShort{{"size", "bytes"}, {"latency", "latency_us"}};
    const auto it = kShort.find(o.pareto);
    const std::string& name = it != kShort.end() && !s.table.column(o.pareto) ? it->second : o.pareto;
    swept = s.table.column(name);
    if (!swept) throw Error(fmt::format("--pareto {}: the table has no column \"{}\"", o.pareto, name));
    plan::Question others = s.question;
    std::erase_if(others.budgets, [&](const plan::Budget& b) { return b.column == *swept; });
    ProgressBar bar("frontier");
    points = plan::frontier(s.table, others, *swept, static_cast<std::size_t>(o.points), [&](std::size_t done) {
      bar.update(static_cast<std::int64_t>(done), std::max<std::int64_t>(o.points, 1));
    });
  }
  // Everything is computed; from here on files are written.
  if (!o.out.empty())
    write_text(o.out, plan_json(s, o.plan.source).dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  if (!o.csv.empty()) write_text(o.csv, plan_csv(s));
  if (!o.lp.empty()) write_text(o.lp, plan::lp_text(s.table, s.question));
  if (!o.svg.empty()) {
    PlanFigure figure{.title = o.plan.source,
                      .chosen = s.best,
                      .objective = s.table.columns[s.question.objective],
                      .swept = {},
                      .points = {}};
    if (swept) figure.swept = s.table.columns[*swept];
    for (const plan::FrontierPoint& p : points) {
      figure.points.emplace_back(plan::column_total(s.table, *swept, p.assignment),
                                 plan::column_total(s.table, s.question.objective, p.assignment));
    }
    write_text(o.svg, plan_svg(s.table, figure));
  }
  if (!o.compare.empty()) return print_comparison(s, o.compare, o.json);
  if (o.json) {
    Json json = plan_json(s, o.plan.source);
    if (swept) json["frontier"] = frontier_json(s.table, s.question, *swept, points);
    fmt::print("{}\n", json.dump(2, ' ', false, Json::error_handler_t::replace));
    return 0;
  }
  print_layers(s);
  print_budgets(s);
  if (!o.robust.empty()) print_robust(s, o);
  if (swept) print_frontier(s.table, s.question, *swept, points);
  if (!o.why.empty()) print_why(s, o.why);
  if (o.runner_up > 0) print_runners_up(s, o.runner_up);
  print_proof(s);
  return 0;
}

}  // namespace

Verb plan_verb() {
  auto o = std::make_shared<Options>();
  PlanOptions& p = o->plan;
  return {
      "plan",
      "Choose the bits of every layer under budgets, proved optimal",
      "  obz plan zoo:resnet50 --latency 50% -o plan.json     the shipped T4 estimate, half way from all-4 to all-8\n"
      "  obz quantize m.onnx --calib x.npy --bits plan.json -o m.obz\n"
      "  obz plan m.onnx --sensitivity hessian --calib x.npy --labels y.npy --size 60% --save-table m.csv\n"
      "  obz plan m.csv --size 400kB --latency 1.2ms --why conv3 --runner-up 3\n"
      "  obz plan m.csv --pareto latency --svg frontier.svg\n"
      "  obz plan m.csv --bops 50% --compare theirs.csv       exit 1 unless feasible and optimal\n",
      {{"source", "SOURCE", "a table (.csv), a float network (.onnx, zoo:NAME) or an integer one (.obz)", &p.source,
        true},
       {"--size", "LIMIT", "bytes of weights: 400kB, 12MiB, or 50% of the way from fewest to most bits", &p.size},
       {"--bops", "LIMIT", "bit operations: 60G, or a percentage", &p.bops},
       {"--latency", "LIMIT", "4.2ms, or a percentage", &p.latency},
       {"--budget", "COLUMN=LIMIT", "of any column; may be repeated", &p.budgets},
       {"--minimize", "COLUMN", "default omega, the perturbation", &p.minimize},
       {"--choices", "BITS,..", "network: for every layer, as weights x activations (default 8x8,4x4)", &p.choices},
       {"--pin", "LAYER=BITS", "network: one choice for a layer; may be repeated", &p.pins},
       {"--free-ends", "", "network: first and last layer are not pinned to 8x8", &p.free_ends},
       {"--sensitivity", "KIND",
        "network: mse of the weights (default), hessian (trace x mse, HAWQ-V2) or kl of the outputs", &p.sensitivity},
       {"--calib", "FILE", "network: samples to measure on (.npy)", &p.calibration},
       {"--labels", "FILE", "network: classes for the loss (.npy); default: the network's own", &p.labels},
       {"--mean", "LIST", "network: of bytes / 255, per channel", &p.mean},
       {"--std", "LIST", "network: likewise", &p.deviation},
       {"--samples", "N", "network: at most (default 64)", &p.samples},
       {"--probes", "N", "network: random directions per layer (default 8)", &p.probes},
       {"--traces", "FILE", "network: mean Hessian traces instead (.csv: layer, trace)", &p.traces},
       {"--machine", "NAME", "network: latency estimate, t4 (default) or none", &p.machine},
       {"--batch", "N", "network: of that latency (default 8)", &p.batch},
       {"--latencies", "FILE", "network: measured ones instead (.csv: layer, weights, activations, latency_us)",
        &p.latencies},
       {"--save-table", "FILE", "network: its table (.csv)", &p.save_table},
       {"--pareto", "COLUMN", "the frontier of the objective against size, bops, latency or any column", &o->pareto},
       {"--points", "N", "of the frontier (default 50); 0: all there are", &o->points},
       {"--why", "LAYER", "what ties it, what other bits would cost, what would change them", &o->why},
       {"--robust", "P", "0..1: keep the budgets when every number moves so far to its upper end", &o->robust},
       {"--runner-up", "N", "also the N next best", &o->runner_up},
       {"--compare", "FILE", "judge an assignment (.csv: layer, bits); FILE:COLUMN takes its bits from there",
        &o->compare},
       {"--out,-o", "FILE", "the plan for `obz quantize --bits` (.json)", &o->out},
       {"--csv", "FILE", "the plan as layer, weights, activations", &o->csv},
       {"--lp", "FILE", "the integer program (CPLEX LP)", &o->lp},
       {"--svg", "FILE", "bits of every layer, and the frontier", &o->svg},
       {"--seed", "N", "of zoo weights, probes and draws (default 1)", &p.seed},
       {"--json", "", "JSON on stdout", &o->json}},
      [o] { return run(*o); },
      p.given};
}

}  // namespace obz::cli
