// obz bench: the measurements that docs/ quotes, each with what it compared.
#include <chrono>
#include <fstream>
#include <memory>

#include <fmt/format.h>
#include <tbb/global_control.h>

#include "cli/bar_chart.hpp"
#include "cli/bench_gpu.hpp"
#include "cli/numbers.hpp"
#include "cli/requant_options.hpp"
#include "cli/table.hpp"
#include "cli/verb.hpp"
#include "golden/cases/requant_stream.hpp"
#include "golden/cases/synth.hpp"
#include "golden/compare/disagreement.hpp"
#include "golden/compare/distinguish.hpp"
#include "golden/mutate/faults.hpp"
#include "ref/arith/apply.hpp"
#include "ref/base/file.hpp"
#include "ref/execute/fast.hpp"
#include "ref/execute/fast_net.hpp"
#include "ref/execute/naive.hpp"
#include "ref/net/cost.hpp"
#include "ref/net/save_load.hpp"

namespace obz::cli {
namespace {

struct Options {
  std::string topic, svg, net;
  std::int64_t count = 0, threads = 1;
  std::uint64_t seed = 1;
  bool json = false;
  std::string batch;
  std::shared_ptr<Given> given = std::make_shared<Given>();
};

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Best of several runs: on a shared machine the minimum is the least disturbed.
double best_of(int runs, const std::function<void()>& work) {
  double best = seconds_of(work);
  for (int i = 1; i < runs; ++i) best = std::min(best, seconds_of(work));
  return best;
}

// --- profiles: disagreement rates ---------------------------------------------------------------------------

struct Pair {
  const char* what;
  const char* a;
  const char* b;
};

constexpr Pair kPairs[] = {
    {"two stages, three spellings", "tflite/double", "tosa-1.0/double"},
    {"", "tflite/double", "qnnpack/q31"},
    {"two stages, one stage", "tflite/double", "tflite/single"},
    {"half-up, half-away (31 bit)", "tvm/upward", "tvm/tonearest"},
    {"half-up, half-even (31 bit)", "tvm/upward", "hawq-v3/exact"},
    {"half-up, half-away (24 bit)", "xnnpack/rndnu", "qnnpack/precise"},
    {"float32, exact half-up", "xnnpack/fp32", "tosa-1.0/single"},
    {"float32, exact half-even", "xnnpack/fp32", "hawq-v3/exact"},
    {"float64 product, exact", "hawq-v3/torch", "hawq-v3/exact"},
    {"15-bit, 31-bit multiplier", "nvdla/sdp", "tvm/tonearest"},
    {"floor, half-away", "hawq-v3/tvm-truncate", "hawq-v3/tvm"},
    {"6-bit, 31-bit floor", "nemo/floor", "hawq-v3/tvm-truncate"},
};

std::string rate(const Disagreement& d) {
  if (d.compared == 0) return "n/a";
  if (d.differ == 0) return "0";
  return fmt::format("{:.4f} %", d.percent());
}

int bench_profiles(const Options& o) {
  const std::int64_t samples = o.count > 0 ? o.count : 6'000'000;
  Table table({"what", "a", "b", ">2^-12..2^-5", ">exactly 2^-k", ">2^-4..2^0"});
  for (const Pair& p : kPairs) {
    const Profile &a = find_profile(p.a), &b = find_profile(p.b);
    std::vector<std::string> row{p.what, p.a, p.b};
    for (const ScaleRange r : {ScaleRange::layers, ScaleRange::powers_of_two, ScaleRange::large}) {
      row.push_back(rate(measure_disagreement(a, b, r, samples, o.seed)));
    }
    table.add(std::move(row));
  }
  fmt::print("outputs that differ, int8, {} cases a cell, seed {}\n\n{}\n", grouped(samples), o.seed, table.text());
  Table shifts({"TFLite right shift", ">double vs single", ">2^-(r+1)"});
  for (int r = 0; r <= 8; ++r) {
    const Disagreement d =
        measure_at_shift(find_profile("tflite/double"), find_profile("tflite/single"), r, samples, o.seed);
    shifts.add(
        {fmt::format("{}", r), rate(d), r == 0 ? "" : fmt::format("{:.4f} %", 100.0 / static_cast<double>(2 << r))});
  }
  fmt::print("{}", shifts.text());
  return 0;
}

// --- pairs: every profile against every other, exactly ---------------------------------------------------------

/// Markdown, as docs/pairs.md holds it.
int bench_pairs(const Options& o) {
  const auto profiles = profile_catalogue();
  const std::vector<double> scales = default_scales(64, o.seed);
  Table table({"| a", "| b", "| >equal on", "| >differ on", "| >refused on", "| first difference |"});
  for (std::size_t i = 0; i < profiles.size(); ++i) {
    for (std::size_t j = i + 1; j < profiles.size(); ++j) {
      const Profile &a = profiles[i], &b = profiles[j];
      std::int64_t equal = 0, differ = 0, refused = 0;
      std::string first;
      for (const double scale : scales) {
        const ChannelVerdict v = distinguish_scale(a, b, scale, 0, kInt8, {});
        ++(!v.refused.empty() ? refused : v.difference.count == 0 ? equal : differ);
        if (differ == 1 && first.empty() && v.difference.count > 0) {
          first = fmt::format("scale {:.6g}, acc {}: {}, {}", scale, v.difference.at, v.out_a, v.out_b);
        }
      }
      if (differ == 0 && equal > 0) first = same_function(a, b) ? "equal by construction" : "none";
      if (equal + differ == 0) first = "no scale in common";
      table.add({"| " + std::string(a.id), "| " + std::string(b.id), fmt::format("| {}", equal),
                 fmt::format("| {}", differ), fmt::format("| {}", refused), "| " + first + " |"});
    }
  }
  fmt::print("{}", table.text());
  return 0;
}

// --- vectors: what a complete set finds that random cases do not ---------------------------------------------

std::string share(std::int64_t found, std::int64_t of) {
  return fmt::format("{} ({:.1f} %)", found,
                     of == 0 ? 100.0 : 100.0 * static_cast<double>(found) / static_cast<double>(of));
}

int bench_vectors(const Options& o) {
  const std::int64_t channels = o.count > 0 ? o.count : 1000;
  const std::vector<FaultScore> scores = measure_faults(channels, o.seed);
  Table table({"wrong device", ">exhaustive", ">complete set", ">as many random", ">100 x random", ">tolerance of 1",
               ">cases a channel"});
  std::vector<BarGroup> bars;
  for (const FaultScore& s : scores) {
    table.add({s.name, fmt::format("{}", s.differ), share(s.by_complete, s.differ), share(s.by_random, s.differ),
               share(s.by_random_100, s.differ), share(s.by_tolerance, s.differ), fmt::format("{:.0f}", s.cases)});
    bars.push_back({s.name, {}});
    for (const std::int64_t found : {s.by_complete, s.by_random, s.by_random_100, s.by_tolerance}) {
      bars.back().percent.push_back(s.differ == 0 ? 100
                                                  : 100 * static_cast<double>(found) / static_cast<double>(s.differ));
    }
  }
  fmt::print(
      "channels on which a wrong device is noticed, of {} seeded ones, seed {}\n"
      "exhaustive: every accumulator tried; tolerance of 1: the same sweep, forgiving a difference of one\n\n{}",
      grouped(channels), o.seed, table.text());
  if (!o.svg.empty()) {
    const std::string svg = bar_chart_svg("Wrong requantizers noticed, of those that an exhaustive sweep notices",
                                          {"complete set", "as many random", "100 x random", "tolerance of 1"}, bars);
    write_file(o.svg, as_bytes(svg));
  }
  return 0;
}

// --- stream: gen and ver ------------------------------------------------------------------------------------

int bench_stream(const Options& o) {
  const std::int64_t count = o.count > 0 ? o.count : 4'000'000;
  Table table({"profile", "goal", ">gen M/s", ">ver M/s"});
  for (const char* id : {"tflite/double", "hawq-v3/exact", "onnx/mlas"}) {
    for (const Goal goal : {Goal::corners, Goal::random}) {
      const RequantSpace space{.profile = &find_profile(id), .goal = goal, .seed = o.seed};
      const RecordLayout layout = record_layout(*space.profile, space.out);
      Bytes records;
      records.reserve(static_cast<std::size_t>(count * layout.record_bytes()));
      const double gen = seconds_of([&] {
        for (std::int64_t i = 0; i < count; ++i)
          append_binary(records, layout, make_requant_case(space, static_cast<std::uint64_t>(i)), nullptr);
      });
      // What a right device would send back.
      Bytes answers;
      answers.reserve(static_cast<std::size_t>(count * layout.record_bytes()));
      for (std::int64_t i = 0; i < count; ++i) {
        const RequantCase c = make_requant_case(space, static_cast<std::uint64_t>(i));
        const std::int64_t out = apply_recipe(c.acc, space.profile->recipe, c.channel);
        append_binary(answers, layout, c, &out);
      }
      std::int64_t differ = 0;
      const double ver = seconds_of([&] {
        for (std::size_t at = 0; at < answers.size(); at += static_cast<std::size_t>(layout.record_bytes())) {
          std::int64_t got = 0;
          const RequantCase c = parse_binary(answers.data() + at, layout, got);
          if (!in_domain(*space.profile, c) || apply_recipe(c.acc, space.profile->recipe, c.channel) != got) ++differ;
        }
      });
      OBZ_CHECK(differ == 0);
      table.add({id, goal == Goal::corners ? "corners" : "random",
                 fmt::format("{:.1f}", static_cast<double>(count) / gen / 1e6),
                 fmt::format("{:.1f}", static_cast<double>(count) / ver / 1e6)});
    }
  }
  fmt::print("binary records, one thread, {} cases\n\n{}", grouped(count), table.text());
  return 0;
}

// --- layers: fast beside ref --------------------------------------------------------------------------------

struct LayerShape {
  const char* name;
  std::array<std::int64_t, 9> conv;  ///< N,H,W,C,K,R,S,stride,pad
};

constexpr LayerShape kResNet50[] = {
    {"conv1 7x7/2", {1, 224, 224, 3, 64, 7, 7, 2, 3}},    {"2 3x3 64", {1, 56, 56, 64, 64, 3, 3, 1, 1}},
    {"3 3x3 128", {1, 28, 28, 128, 128, 3, 3, 1, 1}},     {"4 3x3 256", {1, 14, 14, 256, 256, 3, 3, 1, 1}},
    {"5 3x3 512", {1, 7, 7, 512, 512, 3, 3, 1, 1}},       {"2 1x1 64-256", {1, 56, 56, 64, 256, 1, 1, 1, 0}},
    {"3 1x1 512-128", {1, 28, 28, 512, 128, 1, 1, 1, 0}}, {"4 1x1 1024-256", {1, 14, 14, 1024, 256, 1, 1, 1, 0}},
    {"5 1x1 2048-512", {1, 7, 7, 2048, 512, 1, 1, 1, 0}}};

int bench_layers(const Options& o) {
  if (o.threads < 1) throw Error(fmt::format("--threads {}: expected at least 1", o.threads));
  const tbb::global_control limit(tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(o.threads));
  const int runs = o.count > 0 ? static_cast<int>(std::min<std::int64_t>(o.count, 1000)) : 15;
  Table table({"ResNet-50 layer", "path", ">MMAC", ">fast GMAC/s", ">ref GMAC/s", "equal"});
  for (const LayerShape& l : kResNet50) {
    SynthSpec spec{.op = "conv2d", .seed = o.seed, .conv = l.conv};
    const IntNet net = synthesize(spec);
    const Node& node = net.nodes[0];
    const std::vector<Tensor> inputs = random_inputs(net, Goal::random, o.seed, 0);
    const std::vector<const Tensor*> in{&inputs[0]};
    const TensorInfo& info = net.tensors[static_cast<std::size_t>(node.outputs[0])];
    Tensor want(info.shape, info.type), got(info.shape, info.type);
    const std::unique_ptr<FastNode> prepared = prepare_fast(net, node);
    const double fast = best_of(runs, [&] { prepared->run(in, got); });
    const double ref = seconds_of([&] { run_naive(node, in, want); });
    const auto macs = static_cast<double>(cost_of(net, node).macs);
    table.add({l.name, prepared->path(), fmt::format("{:.1f}", macs / 1e6), fmt::format("{:.1f}", macs / fast / 1e9),
               fmt::format("{:.2f}", macs / ref / 1e9), want == got ? "yes" : "NO"});
    OBZ_CHECK(want == got);
  }
  fmt::print(
      "int8 convolutions, whole layer (packing, multiply-accumulate, requantization), {} thread(s), best of "
      "{}\n{}\n\n{}",
      o.threads, runs, fast_target(), table.text());
  return 0;
}

// --- net: a whole network, fast ------------------------------------------------------------------------------

/// Most memory that the process has had at once, in MiB, from the kernel's own account; 0 where there is none.
double peak_memory() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stod(line.substr(6)) / 1024;
  }
  return 0;
}

int bench_net(const Options& o) {
  if (o.net.empty()) throw Error("bench net: expected --net NET");
  const tbb::global_control limit(tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(o.threads));
  const int runs = o.count > 0 ? static_cast<int>(std::min<std::int64_t>(o.count, 1000)) : 15;
  IntNet loaded = load_net(o.net);
  const std::vector<Tensor> inputs = random_inputs(loaded, Goal::random, o.seed, 0);
  LayerCost cost;
  for (const Node& node : loaded.nodes) cost += cost_of(loaded, node);
  std::unique_ptr<FastNet> net;
  const double prepare = seconds_of([&] { net = std::make_unique<FastNet>(std::move(loaded)); });
  const double best = best_of(runs, [&] { net->run(inputs); });
  const double peak = peak_memory();
  const std::vector<double> seconds = net->profile(inputs, runs);
  Table table({"node", "path", ">ms", ">GMAC/s"});
  const std::vector<std::string> paths = net->paths();
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const Node& node = net->net().nodes[i];
    const auto macs = static_cast<double>(cost_of(net->net(), node).macs);
    table.add({node.name, paths[i], fmt::format("{:.3f}", seconds[i] * 1e3),
               macs > 0 ? fmt::format("{:.1f}", macs / seconds[i] / 1e9) : ""});
  }
  fmt::print(
      "{}\n{}: {} thread(s), best of {}: {:.2f} ms a sample, {:.1f} GMAC/s; prepared in {:.2f} s, values {:.1f} MiB, "
      "peak memory {:.0f} MiB\n",
      table.text(), net->net().name, o.threads, runs, best * 1e3, static_cast<double>(cost.macs) / best / 1e9, prepare,
      static_cast<double>(net->value_bytes()) / 1048576, peak);
  return 0;
}

BenchGpu gpu_options(const Options& o) {
  BenchGpu gpu{.json = o.json};
  constexpr int most_launches = 10'000, most_images = 64;
  if (o.count > most_launches) throw Error(fmt::format("bench gpu: -n {}: expected 1..{}", o.count, most_launches));
  if (o.count > 0) gpu.launches = static_cast<int>(o.count);
  if (!o.batch.empty()) gpu.batches = parse_integers(o.batch, "--batch");
  for (const std::int64_t b : gpu.batches) {
    if (b < 1 || b > most_images) throw Error(fmt::format("--batch {}: expected 1..{}", b, most_images));
  }
  return gpu;
}

int run(const Options& o) {
  constexpr std::int64_t most = 100'000'000;
  if (o.given->count("--count") != 0 && (o.count < 1 || o.count > most)) {
    throw Error(fmt::format("-n {}: expected 1..{}", o.count, most));
  }
  Given known{"topic", "--seed"};
  if (o.topic != "pairs") known.insert("--count");
  if (o.topic == "layers" || o.topic == "net") known.insert("--threads");
  if (o.topic == "net") known.insert("--net");
  if (o.topic == "vectors") known.insert("--svg");
  if (o.topic == "gpu") known.insert({"--json", "--batch"});
  require_only(*o.given, known, fmt::format("bench {}", o.topic));
  constexpr std::int64_t most_threads = 1024;
  if (o.threads < 1 || o.threads > most_threads)
    throw Error(fmt::format("--threads {}: expected 1..{}", o.threads, most_threads));
  if (o.topic == "profiles") return bench_profiles(o);
  if (o.topic == "pairs") return bench_pairs(o);
  if (o.topic == "vectors") return bench_vectors(o);
  if (o.topic == "stream") return bench_stream(o);
  if (o.topic == "layers") return bench_layers(o);
  if (o.topic == "net") return bench_net(o);
  if (o.topic == "gpu") return bench_gpu(gpu_options(o));
  throw Error(fmt::format("bench {}: expected profiles, pairs, vectors, stream, layers, net or gpu", o.topic));
}

}  // namespace

Verb bench_verb() {
  auto o = std::make_shared<Options>();
  return {"bench",
          "The measurements the documentation quotes",
          "  obz bench profiles          how often profiles disagree\n"
          "  obz bench vectors           wrong devices found by complete, random and tolerant comparison\n"
          "  obz bench stream            cases a second of gen and ver\n"
          "  obz bench layers            fast beside ref on ResNet-50 layers\n"
          "  obz bench net --net m.obz   a whole network on fast, layer by layer\n"
          "  obz bench gpu               convolutions on a CUDA device, compared and timed\n",
          {{"topic", "TOPIC", "profiles, pairs, vectors, stream, layers, net or gpu", &o->topic, true},
           {"--json", "", "gpu: as JSON", &o->json},
           {"--batch", "N,...", "gpu: images at once (default 1,8)", &o->batch},
           {"--net", "NET", "net: an .obz network", &o->net},
           {"--count,-n", "N",
            "cases (profiles 6,000,000, stream 4,000,000); channels (vectors 1,000); runs to take the best of (layers, "
            "net 15); launches to take the median of (gpu 50)",
            &o->count},
           {"--threads", "N", "layers, net: worker threads (default 1)", &o->threads},
           {"--svg", "FILE", "vectors: also a bar chart", &o->svg},
           {"--seed,-s", "N", "default 1", &o->seed}},
          [o] { return run(*o); },
          o->given};
}

}  // namespace obz::cli
