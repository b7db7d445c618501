// obz check: every engine on a network or a vector set, compared with tolerance zero.
#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "cli/engines.hpp"
#include "cli/layer_traces.hpp"
#include "cli/machine_options.hpp"
#include "cli/observed.hpp"
#include "cli/progress.hpp"
#include "cli/report.hpp"
#include "cli/requant_options.hpp"
#include "cli/verb.hpp"
#include "golden/cases/synth.hpp"
#include "golden/engines/check.hpp"
#include "ref/base/file.hpp"
#include "ref/net/save_load.hpp"

namespace obz::cli {
namespace {

struct Options {
  std::string subject, junit, html, observed, goal = "random";
  rtl::DutOptions dut;
  LayerTraces traces;
  MachineOptions machine;
  std::vector<std::string> engines, inputs;
  std::int64_t samples = 1, timeout = 60;
  std::uint64_t seed = 1;
  bool json = false;
  std::shared_ptr<Given> given = std::make_shared<Given>();
};

/// Seeded inputs as arrays, `samples` of them.
std::vector<NpyArray> generated(const IntNet& net, const Options& o) {
  std::vector<NpyArray> arrays;
  for (std::int64_t s = 0; s < o.samples; ++s) {
    const std::vector<Tensor> inputs = random_inputs(net, goal_from(o.goal), o.seed, s);
    for (std::size_t k = 0; k < inputs.size(); ++k) {
      const NpyArray one = npy_from(inputs[k]);
      if (s == 0) {
        arrays.push_back(one);
        std::vector<std::int64_t> dims(one.shape.begin(), one.shape.end());
        dims.insert(dims.begin(), o.samples);
        arrays[k].shape = Shape(dims);
      } else {
        arrays[k].bytes.insert(arrays[k].bytes.end(), one.bytes.begin(), one.bytes.end());
      }
    }
  }
  return arrays;
}

CheckReport check_network(const Options& o, Engines& engines, const Progress& progress) {
  const bool only_ref = std::all_of(engines.begin(), engines.end(), [](const auto& e) { return e->name() == "ref"; });
  if (only_ref)
    throw Error("check: ref is the golden of a network; name an engine to compare it with, e.g. --engines ref,fast");
  const IntNet net = load_net(o.subject);
  const auto write_traces = [&](const InputSet& inputs) {
    std::vector<std::string> names;
    for (const auto& engine : engines) names.push_back(engine->name());
    if (o.traces.any()) o.traces.write(net, inputs.sample(0), names);
  };
  if (!o.inputs.empty()) {
    const InputSet inputs(net, o.inputs);
    write_traces(inputs);
    return check_net(net, inputs, o.samples, engines, progress);
  }
  const std::vector<std::string> names(net.inputs.size(), "seeded input");
  const InputSet inputs(net, generated(net, o), names);
  write_traces(inputs);
  CheckReport report = check_net(net, inputs, o.samples, engines, progress);
  report.seed = o.seed;
  return report;
}

int run(Options& o) {
  const bool set = std::filesystem::is_directory(o.subject);
  Given known{"subject", "--engines", "--timeout", "--junit",    "--html",
              "--json",  "--top",     "--map",     "--observed", "--machine"};
  if (!set) known.insert({"--input", "--samples", "--pipeline", "--pipeline-format", "--trace-fst", "--trace-dir"});
  if (!set && o.inputs.empty()) known.insert({"--seed", "--goal"});
  require_only(*o.given, known, set ? "check of a vector set" : "check of a network on given inputs");
  o.traces.require_use(*o.given);
  constexpr std::int64_t most = 1 << 20;
  if (o.samples < 1 || o.samples > most) throw Error(fmt::format("--samples {}: expected 1..{}", o.samples, most));
  if (o.timeout < 1 || o.timeout > 3600) throw Error(fmt::format("--timeout {}: expected 1..3600 seconds", o.timeout));
  rtl::DutOptions dut = o.dut;
  dut.timeout_s = static_cast<int>(o.timeout);
  Engines engines = make_engines(o.engines, dut.timeout_s, outside_engines(dut, o.machine.load(o.engines)));
  const std::function<void()> write_answers =
      o.observed.empty() ? std::function<void()>([] {}) : record_answers(engines, o.observed);
  ProgressBar bar("check");
  const Progress progress = [&](std::int64_t done, std::int64_t total) { bar.update(done, total); };
  const CheckReport report = set ? check_set(o.subject, engines, progress) : check_network(o, engines, progress);
  write_answers();
  if (!o.junit.empty()) {
    const std::string junit = report_junit(report);
    write_file(o.junit, as_bytes(junit));
  }
  if (!o.html.empty()) {
    const std::string html = report_html(report);
    write_file(std::filesystem::path(o.html) / "index.html", as_bytes(html));
  }
  if (report.seed != 0) fmt::print(stderr, "inputs generated with seed {}\n", report.seed);
  o.machine.print_times(report);
  fmt::print("{}", o.json ? report_json(report) : report_text(report));
  if (!report.anything_compared()) {
    throw MissingTool("check: nothing was compared: every engine is absent or supports none of the layers");
  }
  return report.differ() == 0 ? 0 : 1;
}

}  // namespace

Verb check_verb() {
  auto o = std::make_shared<Options>();
  std::vector<Option> options{
      {"subject", "NET|DIR", "an .obz network, or a folder written by `obz gen`", &o->subject, true},
      {"--engines,-e", "LIST",
       "ref, fast, rtl (Verilated), sysc (SystemC), pipe:COMMAND (your program), dut:FILE.sv (your RTL), faulty:NAME "
       "(`obz mutate --list`); "
       "comma-separated, repeatable",
       &o->engines, true},
      {"--input,-i", "FILE", "network: npy with one sample per leading index (default: seeded)", &o->inputs},
      {"--top", "NAME", "dut: the module (default: the map's, or the file's stem)", &o->dut.top},
      {"--map", "FILE", "dut: which port carries what, docs/own-rtl.md (default: FILE.json beside FILE.sv)",
       &o->dut.map},
      {"--observed", "DIR", "also write what every engine answered, for `obz explain`", &o->observed},
      {"--timeout", "S", "pipe, dut: seconds without an answer after which the program is ended (default 60)",
       &o->timeout},
      {"--samples,-n", "N", "network: how many samples (default 1)", &o->samples},
      {"--seed,-s", "N", "network: of generated inputs (default 1)", &o->seed},
      {"--goal,-g", "GOAL", "network: generated inputs, corners or random (default random)", &o->goal},
      {"--junit", "FILE", "also write JUnit XML", &o->junit},
      {"--html", "DIR", "also write DIR/index.html", &o->html},
      {"--json", "", "report as JSON", &o->json}};
  o->traces.add_to(options);
  o->machine.add_to(options);
  return {"check",
          "Compare engines on a network or a vector set; tolerance is zero",
          "  obz check kws.obz --engines ref,fast --input x.npy --samples 4\n"
          "  obz check vectors/requant --engines ref,fast --engines 'pipe:./dut --fast'\n"
          "  obz check vectors/requant --engines dut:my_requant.sv --map my_requant.json --observed answers\n"
          "  obz check kws.obz --engines fast --samples 100 --junit report.xml --json\n"
          "  obz check kws.obz --engines rtl,sysc --pipeline conv1 --pipeline-format both --trace-dir traces\n"
          "  obz check kws.obz --engines rtl --trace-fst conv1\n"
          "  obz check kws.obz --engines sysc --machine machine.json\n",
          std::move(options),
          [o] { return run(*o); },
          o->given};
}
}  // namespace obz::cli
