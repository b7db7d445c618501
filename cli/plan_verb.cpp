// obz plan: which bits each layer gets, by integer linear programming.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/numbers.hpp"
#include "cli/plan_figure.hpp"
#include "cli/plan_options.hpp"
#include "cli/plan_report.hpp"
#include "cli/progress.hpp"
#include "plan/frontier.hpp"
#include "plan/lp_format.hpp"
#include "plan/reasons.hpp"
#include "plan/robust.hpp"
#include "ref/base/error.hpp"
#include "ref/base/file.hpp"

namespace obz::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  PlanOptions plan;
  std::string out, csv, lp, svg, compare, why, pareto, robust;
  std::int64_t points = 50, runner_up = 0;
  bool json = false;
};

void write_text(const std::string& path, const std::string& text) { write_file(path, as_bytes(text)); }

SolvedPlan solve(const Options& o) {
  SolvedPlan s;
  s.given = plan_table(o.plan);
  s.question = plan_question(o.plan, s.given);
  s.table = s.given;
  if (!o.robust.empty()) {
    const double part = parse_real(o.robust, "--robust", 0, 1);
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

/// Without its folder: results do not tell where they were made.
std::string source_name(const std::string& source) {
  return source.starts_with("zoo:") ? source : std::filesystem::path(source).filename().string();
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
  SolvedPlan s = solve(o);
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
    write_text(o.out,
               plan_json(s, source_name(o.plan.source)).dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  if (!o.csv.empty()) write_text(o.csv, plan_csv(s));
  if (!o.lp.empty()) write_text(o.lp, plan::lp_text(s.table, s.question));
  if (!o.svg.empty()) {
    PlanFigure figure{.title = source_name(o.plan.source),
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
    Json json = plan_json(s, source_name(o.plan.source));
    if (swept) json["frontier"] = frontier_json(s.table, s.question, *swept, points);
    fmt::print("{}\n", json.dump(2, ' ', false, Json::error_handler_t::replace));
    return 0;
  }
  print_layers(s);
  print_budgets(s);
  if (!o.robust.empty()) print_robust(s, o.robust, o.plan.seed);
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
