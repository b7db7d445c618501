// obz shrink: a failure of a device as the smallest layer or case that still fails, and as a file that shows it.
#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/engines.hpp"
#include "cli/progress.hpp"
#include "cli/requant_options.hpp"
#include "cli/table.hpp"
#include "cli/verb.hpp"
#include "golden/cases/synth.hpp"
#include "golden/engines/check.hpp"
#include "golden/engines/pipe_engine.hpp"
#include "golden/explain/observations.hpp"
#include "golden/shrink/reproducer.hpp"
#include "golden/shrink/shrink.hpp"
#include "ref/arith/apply.hpp"
#include "ref/base/file.hpp"
#include "ref/execute/naive.hpp"
#include "ref/net/save_load.hpp"

namespace obz::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::string source, layer, output, language, goal = "random";
  std::vector<std::string> engines, inputs;
  std::int64_t samples = 1, timeout = 60, runs = 2000;
  std::uint64_t seed = 1;
  bool json = false;
  RequantOptions requant;
  std::shared_ptr<Given> given = std::make_shared<Given>();
};

/// What was reduced, for text and JSON alike.
struct Report {
  std::string where, engine;
  std::vector<std::vector<std::string>> rows;  ///< what, before, after
  std::vector<std::string> steps, notes;
  std::int64_t outputs = 1, activations = 1;  ///< after
  std::int64_t want = 0, got = 0, runs = 0;
};

/// Where the failure goes: a reproducer, or the reduced vectors as a folder.
struct Destination {
  std::optional<ReproducerLanguage> language;
  std::filesystem::path path;

  bool is_folder() const { return !language && !path.empty(); }
};

Destination destination_of(const Options& o) {
  Destination d{std::nullopt, o.output};
  if (!o.language.empty()) {
    d.language = reproducer_language(o.language);
    if (!d.language) throw Error(fmt::format("--lang {}: expected cpp, sv or py", o.language));
  } else if (!o.output.empty() && d.path.has_extension()) {
    d.language = reproducer_language(d.path.extension().string());
    if (!d.language) {
      throw Error(fmt::format(
          "-o {}: expected a file .cpp, .sv or .py (or --lang), or a folder for the reduced vectors", o.output));
    }
  }
  return d;
}

std::unique_ptr<Engine> engine_of(const Options& o) {
  if (o.engines.size() == 1 && o.engines[0].starts_with("pipe:")) {
    return std::make_unique<PipeEngine>(o.engines[0].substr(5), static_cast<int>(o.timeout));
  }
  Engines engines = make_engines(o.engines, 60, outside_engine);
  if (engines.size() != 1) throw Error(fmt::format("shrink: expected one engine, got {}", engines.size()));
  if (const auto absent = engines[0]->absent())
    throw MissingTool(fmt::format("shrink: {} is absent: {}", engines[0]->name(), *absent));
  return std::move(engines[0]);
}

ShrinkOptions shrink_options(const Options& o, ProgressBar& bar) {
  return {.most_runs = o.runs,
          .progress = [&bar, most = o.runs](std::int64_t runs, std::int64_t, std::int64_t) { bar.update(runs, most); }};
}

/// Prints the report and writes the file; 1, the exit code of a mismatch.
int finish(const Options& o, const Destination& d, const Report& r, const std::function<Program()>& program,
           const std::function<void()>& write_set) {
  std::string text;
  if (d.language) {
    const std::string stem = d.path.empty() ? "failure" : d.path.stem().string();
    text = reproducer(program(), *d.language, stem);
  }
  if (d.is_folder()) {
    write_set();
  } else if (!d.path.empty()) {
    write_file(d.path, as_bytes(text));
  }
  const bool to_stdout = d.language && d.path.empty();
  std::FILE* report = to_stdout ? stderr : stdout;
  if (o.json) {
    Json rows = Json::array();
    for (const auto& row : r.rows) rows.push_back({{"what", row[0]}, {"before", row[1]}, {"after", row[2]}});
    const Json json{{"where", r.where}, {"engine", r.engine},     {"reduced", rows},
                    {"steps", r.steps}, {"outputs", r.outputs},   {"activations", r.activations},
                    {"want", r.want},   {"got", r.got},           {"runs", r.runs},
                    {"notes", r.notes}, {"file", d.path.string()}};
    fmt::print(report, "{}\n", json.dump(1));
  } else {
    fmt::print(report, "{}\n\n", r.where);
    if (!r.rows.empty()) {
      Table table({"", ">before", ">after"});
      for (const auto& row : r.rows) table.add(row);
      fmt::print(report, "{}\n", table.text());
    }
    for (const std::string& note : r.notes) fmt::print(report, "{}\n", note);
    fmt::print(report, "expected {}, device answered {}{}\n", r.want, r.got,
               r.runs > 0 ? fmt::format(" (after {} runs of the device)", grouped(r.runs)) : "");
    if (!d.path.empty()) {
      fmt::print("written: {}\n", d.path.string());
    } else if (!to_stdout) {
      fmt::print("-o failure.cpp (.sv, .py) writes this as a file that runs alone\n");
    }
  }
  if (to_stdout) fmt::print("{}", text);
  return 1;
}

constexpr const char* kIncomplete =
    "--runs ended this before nothing more could go; a larger number may reduce it further";

// ---- requantizations

Report report_of(const ShrunkRequant& s, const std::string& where, const std::string& engine) {
  Report r{.where = where, .engine = engine, .steps = s.steps, .want = s.want, .got = s.got, .runs = s.runs};
  const Channel &a = s.original.channel, &b = s.reduced.channel;
  const auto row = [&](const char* what, auto before, auto after) {
    r.rows.push_back({what, fmt::format("{}", before), fmt::format("{}", after)});
  };
  row("acc", s.original.acc, s.reduced.acc);
  if (s.profile->uses_multiplier()) {
    row("multiplier", a.multiplier, b.multiplier);
    row("shift", a.shift, b.shift);
    if (s.profile->has_addend) row("addend", a.addend, b.addend);
  } else {
    row("scale", a.scale, b.scale);
  }
  row("zero point", a.zero_point, b.zero_point);
  row("lo", a.lo, b.lo);
  row("hi", a.hi, b.hi);
  if (!s.complete) r.notes.emplace_back(kIncomplete);
  return r;
}

int finish_requant(const Options& o, const Destination& d, const ShrunkRequant& s, Report r) {
  return finish(
      o, d, r, [&] { return program_of(s); },
      [&] {
        write_requant_set(d.path, {.profile = s.profile, .out = s.out}, {s.reduced}, std::nullopt, SetOptions{});
      });
}

int shrink_requant_set(const Options& o, const Destination& d, Manifest manifest) {
  const RequantSet set = load_requant_set(o.source, std::move(manifest));
  const Profile& profile = find_profile(set.manifest.profile);
  const std::unique_ptr<Engine> engine = engine_of(o);
  const Support support = engine->supports(RequantJob{&profile, profile.recipe, set.manifest.out, set.cases});
  if (!support.yes) throw MissingTool(fmt::format("shrink: {}: unsupported, {}", engine->name(), support.why));
  std::optional<ShrunkRequant> s;
  {
    ProgressBar bar("shrink");
    s = shrink(profile, set.manifest.out, set.cases, *engine, shrink_options(o, bar));
  }
  if (!s) {
    fmt::print("{}: all {} cases are equal; nothing to reduce, nothing written\n", o.source,
               grouped(set.manifest.count));
    return 0;
  }
  const auto at = std::find(set.cases.begin(), set.cases.end(), s->original) - set.cases.begin();
  Report r = report_of(
      *s, fmt::format("case {} of {} by {}: {} differs from the reference", at, o.source, profile.id, engine->name()),
      engine->name());
  if (!s->alone)
    r.notes.emplace_back("no case fails when it is asked alone, so the device remembers; nothing could be reduced");
  return finish_requant(o, d, *s, std::move(r));
}

/// Recorded answers: there is no device to ask, so the failing case nearest to zero is shown as it stands.
int show_answer(const Options& o, const Destination& d) {
  const bool from_stdin = o.source == "-";
  const std::string text = from_stdin ? as_text(read_stdin()) : as_text(read_file(o.source));
  const Answers answers = parse_answers(text, from_stdin ? "stdin" : o.source, o.requant.space());
  const Recipe& recipe = answers.profile->recipe;
  const Observation* first = nullptr;
  const auto magnitude = [](std::int64_t v) { return v < 0 ? -static_cast<double>(v) : static_cast<double>(v); };
  std::int64_t differing = 0;
  for (const Observation& a : answers.observations) {
    if (apply_recipe(a.asked.acc, recipe, a.asked.channel) == a.got) continue;
    ++differing;
    if (first == nullptr || magnitude(a.asked.acc) < magnitude(first->asked.acc)) first = &a;
  }
  const auto count = static_cast<std::int64_t>(answers.observations.size());
  if (first == nullptr) {
    fmt::print("{}: all {} answers are equal; nothing written\n", o.source, grouped(count));
    return 0;
  }
  ShrunkRequant s{.profile = answers.profile, .out = answers.out, .original = first->asked, .reduced = first->asked};
  s.want = apply_recipe(first->asked.acc, recipe, first->asked.channel);
  s.got = first->got;
  Report r = report_of(s,
                       fmt::format("{}: {} of {} answers differ from {}; the one with the accumulator nearest to zero:",
                                   o.source, grouped(differing), grouped(count), answers.profile->id),
                       "recorded answers");
  r.notes.emplace_back(
      "recorded answers cannot be asked again, so the case is shown as it stands; `--engines pipe:COMMAND` reduces it");
  return finish_requant(o, d, s, std::move(r));
}

// ---- layers

struct Failure {
  int node = -1;
  std::int64_t sample = 0, differing = 0, outputs = 0;
  std::vector<Tensor> inputs;
};

/// Layer by layer on the reference's own inputs, until the engine's output differs.
std::optional<Failure> first_failure(const IntNet& net, const InputSet& inputs, std::int64_t samples, int only,
                                     Engine& engine, std::string& unsupported) {
  std::optional<Failure> found;
  bool compared = false;
  for (std::int64_t s = 0; s < samples && !found; ++s) {
    int n = -1;
    run_net(net, inputs.sample(s), [&](const Node& node, std::span<const Tensor* const> in, Tensor& y) {
      run_naive(node, in, y);
      ++n;
      if (found || (only >= 0 && n != only)) return;
      const LayerJob job{&net, &node, {in.begin(), in.end()}, &net.tensors[static_cast<std::size_t>(node.outputs[0])]};
      const Support support = engine.supports(job);
      if (!support.yes) {
        unsupported = support.why;
        return;
      }
      compared = true;
      const LayerResult result = engine.run(job);
      std::int64_t differing = 0;
      for (std::size_t i = 0; i < y.data.size(); ++i) differing += y.data[i] != result.output.data[i] ? 1 : 0;
      if (differing == 0) return;
      found = Failure{n, s, differing, y.elems(), {}};
      for (const Tensor* t : in) found->inputs.push_back(*t);
    });
  }
  if (compared) unsupported.clear();
  return found;
}

std::vector<NpyArray> one_sample(const std::vector<Tensor>& inputs) {
  std::vector<NpyArray> arrays;
  for (const Tensor& t : inputs) {
    NpyArray a = npy_from(t);
    std::vector<std::int64_t> dims(a.shape.begin(), a.shape.end());
    dims.insert(dims.begin(), 1);
    a.shape = Shape(dims);
    arrays.push_back(std::move(a));
  }
  return arrays;
}

void write_reduced(const std::filesystem::path& folder, const LayerCase& c) {
  std::vector<Tensor> free;
  for (const int i : c.net.inputs) {
    const auto& mine = c.node().inputs;
    free.push_back(c.inputs[static_cast<std::size_t>(std::find(mine.begin(), mine.end(), i) - mine.begin())]);
  }
  const InputSet inputs(c.net, one_sample(free), std::vector<std::string>(free.size(), "reduced input"));
  write_layer_set(folder, c.net, 0, &inputs, Goal::random, 1, 1, SetOptions{});
}

Report report_of(const Shrunk& s, const LayerCase& before, std::string where, const std::string& engine) {
  const std::size_t at = s.first_difference();
  Report r{.where = std::move(where),
           .engine = engine,
           .steps = s.steps,
           .outputs = s.want.elems(),
           .activations = s.layer.activations(),
           .want = s.want.data[at],
           .got = s.got.data[at],
           .runs = s.runs};
  const auto row = [&](std::string what, const Shape& a, const Shape& b) {
    r.rows.push_back({std::move(what), a.text(), b.text()});
  };
  row("output", before.output().shape, s.layer.output().shape);
  const bool same_inputs = before.inputs.size() == s.layer.inputs.size();
  for (std::size_t i = 0; i < s.layer.inputs.size(); ++i) {
    const Shape& was = same_inputs ? before.inputs[i].shape : before.inputs[0].shape;
    row(s.layer.inputs.size() == 1 ? "input" : fmt::format("input {}", i), was, s.layer.inputs[i].shape);
  }
  LayerCase a = before, b = s.layer;
  if (numbers_of(a).filter != nullptr)
    row("weights", numbers_of(a).filter->weights.shape, numbers_of(b).filter->weights.shape);
  r.rows.push_back({"numbers read", grouped(before.activations()), grouped(s.layer.activations())});
  if (!s.has_cuts)
    r.notes.push_back(
        fmt::format("{} has no cuts: only its numbers were moved towards rest", operator_name(s.layer.node().op)));
  if (!s.complete) r.notes.emplace_back(kIncomplete);
  if (s.want.elems() > 1)
    r.notes.push_back(fmt::format("it takes {} outputs to fail; the first that differs:", s.want.elems()));
  return r;
}

int shrink_net(const Options& o, const Destination& d, const IntNet& net, const InputSet& inputs,
               std::int64_t samples) {
  const std::unique_ptr<Engine> engine = engine_of(o);
  const int only = o.layer.empty() ? -1 : find_node(net, o.layer);
  std::string unsupported;
  const auto failure = first_failure(net, inputs, samples, only, *engine, unsupported);
  if (!failure && !unsupported.empty())
    throw MissingTool(fmt::format("shrink: nothing was compared: {}: unsupported, {}", engine->name(), unsupported));
  if (!failure) {
    fmt::print("{}: every output is equal; nothing to reduce, nothing written\n", o.source);
    return 0;
  }
  const IntNet layer = extract_layer(net, failure->node);
  // A tensor that enters twice is one input of the layer but two of the node.
  const LayerCase before = make_case(layer, failure->inputs);
  std::optional<Shrunk> s;
  {
    ProgressBar bar("shrink");
    s = shrink(layer, failure->inputs, *engine, shrink_options(o, bar));
  }
  const Node& node = net.nodes[static_cast<std::size_t>(failure->node)];
  const std::string where = fmt::format("layer {} ({}), sample {}: {} differs from the reference on {} of {} outputs",
                                        node.name, describe(node.op), failure->sample, engine->name(),
                                        grouped(failure->differing), grouped(failure->outputs));
  if (!s) {
    throw Error(fmt::format(
        "{}; asked again, it does not: a device that answers differently each time cannot be reduced", where));
  }
  return finish(
      o, d, report_of(*s, before, where, engine->name()), [&] { return program_of(*s); },
      [&] { write_reduced(d.path, s->layer); });
}

/// Seeded inputs, `samples` of them, or the files given.
int shrink_network(const Options& o, const Destination& d) {
  const IntNet net = load_net(o.source);
  if (!o.inputs.empty()) {
    const InputSet inputs(net, o.inputs);
    return shrink_net(o, d, net, inputs,
                      std::min(inputs.count(), o.given->contains("--samples") ? o.samples : inputs.count()));
  }
  for (std::int64_t s = 0; s < o.samples; ++s) {
    const InputSet inputs(net, one_sample(random_inputs(net, goal_from(o.goal), o.seed, s)),
                          std::vector<std::string>(net.inputs.size(), "seeded input"));
    const bool last = s + 1 == o.samples;
    if (!last) {
      const std::unique_ptr<Engine> probe = engine_of(o);
      std::string unsupported;
      const int only = o.layer.empty() ? -1 : find_node(net, o.layer);
      if (!first_failure(net, inputs, 1, only, *probe, unsupported)) continue;
    }
    return shrink_net(o, d, net, inputs, 1);
  }
  return 0;
}

int run(const Options& o) {
  constexpr std::int64_t most = 1 << 20;
  if (o.samples < 1 || o.samples > most) throw Error(fmt::format("--samples {}: expected 1..{}", o.samples, most));
  if (o.timeout < 1 || o.timeout > 3600) throw Error(fmt::format("--timeout {}: expected 1..3600 seconds", o.timeout));
  if (o.runs < 1 || o.runs > most) throw Error(fmt::format("--runs {}: expected 1..{}", o.runs, most));
  const Destination d = destination_of(o);
  const bool folder = o.source != "-" && std::filesystem::is_directory(o.source);
  if (folder && std::filesystem::exists(o.output) && std::filesystem::equivalent(o.output, o.source)) {
    throw Error(fmt::format("-o {}: that is the set that is read; choose another folder", o.output));
  }
  const bool net = !folder && o.source.ends_with(".obz");
  Given known{"source", "--out", "--lang", "--json"};
  if (folder || net) known.insert({"--engines", "--timeout", "--runs", "--layer"});
  if (net) known.insert({"--input", "--samples"});
  if (net && o.inputs.empty()) known.insert({"--seed", "--goal"});
  if (!folder && !net) known.insert({"--profile", "--type"});
  require_only(*o.given, known,
               folder ? "shrink of a vector set"
               : net  ? "shrink of a network"
                      : "shrink of recorded answers");
  if ((folder || net) && o.engines.empty()) throw Error("shrink: no engine given: --engines pipe:COMMAND");
  if (net) return shrink_network(o, d);
  if (!folder) return show_answer(o, d);
  Manifest manifest = load_manifest(o.source);
  if (manifest.kind == SetKind::requant) {
    if (!o.layer.empty())
      throw Error(fmt::format("--layer {}: {} holds cases of a requantizer, no layers", o.layer, o.source));
    return shrink_requant_set(o, d, std::move(manifest));
  }
  NetSet set = load_net_set(o.source, std::move(manifest));
  const InputSet inputs(set.net, set.inputs, std::vector<std::string>(set.net.inputs.size(), o.source));
  return shrink_net(o, d, set.net, inputs, inputs.count());
}

}  // namespace

Verb shrink_verb() {
  auto o = std::make_shared<Options>();
  std::vector<Option> options{
      {"source", "SOURCE", "a folder written by `obz gen`, an .obz network, or answered cases (a file, or - for stdin)",
       &o->source, true},
      {"--engines,-e", "ENGINE", "the one that fails: pipe:COMMAND (your program), fast", &o->engines},
      {"--layer,-l", "NAME", "only this layer (default: the first that fails)", &o->layer},
      {"--out,-o", "FILE|DIR", "reproducer .cpp, .sv or .py; or a folder for the reduced vectors", &o->output},
      {"--lang", "LANG", "cpp, sv or py, whatever -o is called; without -o the text goes to stdout", &o->language},
      {"--input,-i", "FILE", "network: npy with one sample per leading index (default: seeded)", &o->inputs},
      {"--samples,-n", "N", "network: how many samples to look at (default: all given, 1 seeded)", &o->samples},
      {"--seed,-s", "N", "network: of generated inputs (default 1)", &o->seed},
      {"--goal,-g", "GOAL", "network: generated inputs, corners or random (default random)", &o->goal},
      {"--runs", "N", "of the device, at most (default 2000)", &o->runs},
      {"--timeout", "S", "pipe: seconds without an answer (default 60)", &o->timeout},
      {"--json", "", "report as JSON", &o->json}};
  o->requant.add_to(options);
  return {"shrink",
          "A device's failure as the smallest one, in a file that runs alone",
          "  obz shrink vectors/requant --engines 'pipe:./dut' -o failure.cpp\n"
          "  obz shrink kws.obz -i x.npy --engines 'pipe:./dut' -o failure.sv\n"
          "  obz gen requant -n 10000 | ./dut | obz shrink - -o failure.py\n",
          std::move(options),
          [o] { return run(*o); },
          o->given};
}

}  // namespace obz::cli
