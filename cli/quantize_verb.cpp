// obz quantize: a float network and calibration data to an integer-only one.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <memory>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/image_options.hpp"
#include "cli/numbers.hpp"
#include "cli/progress.hpp"
#include "cli/table.hpp"
#include "cli/verb.hpp"
#include "ref/arith/profile.hpp"
#include "ref/base/error.hpp"
#include "ref/base/file.hpp"
#include "ref/base/json_depth.hpp"
#include "ref/net/cost.hpp"
#include "ref/net/save_load.hpp"
#include "ref/quantize/hawq.hpp"
#include "ref/quantize/reconstruct.hpp"
#include "ref/quantize/samples.hpp"
#include "ref/quantize/simplify.hpp"
#include "ref/read/onnx/read_float.hpp"

namespace obz::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::string model, out, calibration, ranges, save_ranges, bits = "w8a8", profile = "hawq-v3/exact";
  std::string activations = "hawq", residual, concat, observer, improve, mean, deviation, scores = "common";
  std::string momentum = "0.99", percentile = "99.99";
  std::int64_t samples = 256, batch = 1;
  std::shared_ptr<Given> given = std::make_shared<Given>();
};

template <class T>
T choose(const std::string& option, const std::string& text,
         const std::vector<std::pair<std::string_view, T>>& choices) {
  std::string names;
  for (const auto& [name, value] : choices) {
    if (text == name) return value;
    names += fmt::format("{}{}", names.empty() ? "" : ", ", name);
  }
  throw Error(fmt::format("{} {}: expected one of {}", option, text, names));
}

std::map<std::string, FloatRange> read_ranges(const std::string& path) {
  const Bytes bytes = read_file(path);
  if (json_depth(as_text(bytes)) > kMaxJsonDepth) throw Error(fmt::format("{}: nests too deeply for ranges", path));
  const Json json = Json::parse(bytes.begin(), bytes.end(), nullptr, false);
  if (json.is_discarded() || !json.is_object()) throw Error(fmt::format("{}: expected a JSON object", path));
  std::map<std::string, FloatRange> ranges;
  for (const auto& [name, value] : json.items()) {
    const bool pair = value.is_array() && value.size() == 2 && value[0].is_number() && value[1].is_number();
    if (!pair) throw Error(fmt::format("{}: {}: expected [least, largest]", path, one_line(name)));
    ranges[name] = {value[0].get<float>(), value[1].get<float>()};
  }
  return ranges;
}

ObserveOptions observe_options(const Options& o, bool mse) {
  ObserveOptions w;
  const std::string by = !o.observer.empty() ? o.observer : mse ? "mse" : "minmax";
  w.by = choose<Observer>("--observer", by,
                          {{"minmax", Observer::min_max},
                           {"momentum", Observer::momentum},
                           {"percentile", Observer::percentile},
                           {"mse", Observer::mse}});
  w.momentum = parse_real(o.momentum, "--momentum", 0, 1);
  constexpr double least = 50, all = 100;
  w.percentile = parse_real(o.percentile, "--percentile", least, all);
  w.batch = o.batch;
  return w;
}

struct Improvements {
  bool mse = false, bias = false, rounding = false;
};

Improvements improvements(const std::string& text) {
  Improvements i;
  for (std::size_t from = 0; from <= text.size() && !text.empty();) {
    const std::size_t comma = std::min(text.find(',', from), text.size());
    bool Improvements::*which = choose<bool Improvements::*>("--improve", text.substr(from, comma - from),
                                                             {{"mse-clip", &Improvements::mse},
                                                              {"bias-correction", &Improvements::bias},
                                                              {"reconstruct", &Improvements::rounding}});
    i.*which = true;
    from = comma + 1;
  }
  return i;
}

HawqOptions hawq_options(const Options& o, const Improvements& better) {
  HawqOptions h{.profile = o.profile, .bits = read_bits(o.bits)};
  const bool tvm = find_profile(o.profile).id.find("tvm") != std::string_view::npos;
  h.activations = choose<ActivationGrid>("--activations", o.activations,
                                         {{"hawq", ActivationGrid::hawq},
                                          {"unsigned", ActivationGrid::unsigned_},
                                          {"asymmetric", ActivationGrid::asymmetric}});
  h.residual = choose<ResidualStream>("--residual",
                                      !o.residual.empty() ? o.residual
                                      : tvm               ? "int32"
                                                          : "int16",
                                      {{"int16", ResidualStream::int16_unclamped},
                                       {"int16-clamped", ResidualStream::int16_clamped},
                                       {"int32", ResidualStream::int32}});
  h.concat = choose<ConcatSteps>("--concat",
                                 !o.concat.empty() ? o.concat
                                 : tvm             ? "one-step"
                                                   : "two-step",
                                 {{"two-step", ConcatSteps::two}, {"one-step", ConcatSteps::one}});
  h.scores = choose<Scores>("--scores", o.scores, {{"common", Scores::common}, {"per-class", Scores::per_class}});
  if (better.mse) h.weight_scale = WeightScale::mse;
  return h;
}

void save_ranges(const std::string& path, const std::map<std::string, FloatRange>& used) {
  Json json = Json::object();
  for (const auto& [name, r] : used) json[name] = {r.lo, r.hi};
  const std::string text = json.dump(1) + "\n";
  write_file(path, as_bytes(text));
}

int run(const Options& o) {
  const Improvements better = improvements(o.improve);
  HawqOptions options = hawq_options(o, better);
  const ObserveOptions how = observe_options(o, better.mse);
  constexpr std::int64_t most = 1 << 20;
  if (o.samples < 1 || o.samples > most) throw Error(fmt::format("--samples {}: expected 1..{}", o.samples, most));
  if (o.batch < 1 || o.batch > most) throw Error(fmt::format("--batch {}: expected 1..{}", o.batch, most));
  if (o.calibration.empty() && o.ranges.empty()) {
    throw Error("nothing to take ranges from: give --calib x.npy, or --ranges FILE.json");
  }
  if (o.calibration.empty() && (better.bias || better.rounding)) {
    throw Error(fmt::format("--improve {}: needs --calib", o.improve));
  }
  const FloatNet net = simplify(read_float_onnx(read_file(o.model), o.model));
  for (const std::string& note : net.notes) fmt::print(stderr, "note: {}\n", note);
  const InputBorder border = image_border(o.mean, o.deviation);
  std::optional<FloatSamples> samples;
  if (!o.calibration.empty()) {
    samples.emplace(net, parse_npy(read_file(o.calibration), o.calibration), border, o.calibration);
  }
  const std::int64_t count = samples ? std::min(o.samples, samples->count()) : 0;
  std::map<std::string, FloatRange> given, used;
  if (!o.ranges.empty()) given = read_ranges(o.ranges);
  Observations observed;
  if (samples && (o.ranges.empty() || better.bias)) {
    ProgressBar bar("calibrating");
    const std::int64_t passes = how.by == Observer::percentile || how.by == Observer::mse ? 2 : 1;
    observed = observe(net, count, *samples, how, [&](std::int64_t done) { bar.update(done, passes * count); });
  }
  const RangeOf range = [&](const std::string& value, const Grid& grid) {
    if (!o.ranges.empty()) {
      const auto it = given.find(value);
      if (it == given.end()) throw Error(fmt::format("{}: no range for value \"{}\"", o.ranges, value));
      return used[value] = it->second;
    }
    const auto it = observed.find(value);
    if (it == observed.end()) throw Error(fmt::format("{}: value \"{}\" was not observed", o.calibration, value));
    return used[value] = range_of(it->second, how, grid);
  };
  if (better.bias) options.overrides = correct_biases(net, observed, options);
  if (better.rounding) {
    ProgressBar bar("reconstructing");
    const auto layers =
        std::count_if(net.nodes.begin(), net.nodes.end(), [](const FloatNode& n) { return has_weights(n.op); });
    options.overrides =
        reconstruct(net, range, options, *samples, count, {}, [&](std::int64_t done) { bar.update(done, layers); });
  }
  IntNet result = quantize_hawq(net, range, options);
  result.origin = net.origin;
  result.input_borders[0].image_mean = border.image_mean;
  result.input_borders[0].image_deviation = border.image_deviation;
  if (!o.improve.empty()) result.notes.push_back("improved by " + o.improve);
  const Bytes bytes = format_net(result);
  if (!o.save_ranges.empty()) save_ranges(o.save_ranges, used);
  write_file(o.out, bytes);
  LayerCost cost;
  for (const Node& node : result.nodes) cost += cost_of(result, node);
  fmt::print(stderr, "{}: {} layers, {} MAC, {} BOPS, {} bytes of weights, profile {}, {}\n", o.out,
             result.nodes.size(), scaled(static_cast<double>(cost.macs)), scaled(static_cast<double>(cost.bops)),
             grouped(cost.weight_bytes), result.profile,
             samples ? fmt::format("{} calibration sample(s)", count) : "ranges from " + o.ranges);
  return 0;
}

}  // namespace

Verb quantize_verb() {
  auto o = std::make_shared<Options>();
  return {
      "quantize",
      "Turn a float ONNX network into an integer-only one (HAWQ-V3)",
      "  obz quantize resnet18.onnx --calib x.npy -o net.obz\n"
      "  obz quantize resnet20.onnx --calib images_u8.npy --mean .485,.456,.406 --std .229,.224,.225 --bits w4a4 \\\n"
      "      --improve mse-clip,reconstruct -o net.obz\n"
      "  obz quantize resnet18.onnx --ranges ranges.json --bits plan.json -p hawq-v3/tvm -o net.obz\n",
      {{"model", "MODEL", "float ONNX: convolutions, dense layers, normalization, pools, additions, concatenations",
        &o->model, true},
       {"--out,-o", "FILE", "the network to write", &o->out, true},
       {"--calib", "FILE", "float32 NxCxHxW, or uint8 NxHxWxC with --mean and --std (.npy)", &o->calibration},
       {"--samples", "N", "of the calibration data, from its start (default 256)", &o->samples},
       {"--bits", "BITS",
        "bits of weights and activations, w4a8 (default w8a8; first and last layer stay at 8), or a plan file .json",
        &o->bits},
       {"--profile,-p", "ID", "arithmetic to aim at (default hawq-v3/exact)", &o->profile},
       {"--activations", "GRID", "hawq (4 bits unsigned, else signed), unsigned, or asymmetric (needs zero points)",
        &o->activations},
       {"--residual", "WIDTH", "int16 (sums unclamped, the default), int16-clamped, int32 (default of tvm profiles)",
        &o->residual},
       {"--concat", "STEPS", "two-step (default), or one-step (default of tvm profiles)", &o->concat},
       {"--scores", "SCALE", "common (default): classes compare as integers; per-class: the plain sums", &o->scores},
       {"--observer", "HOW", "minmax (default), momentum, percentile or mse", &o->observer},
       {"--momentum", "M", "of running extremes (default 0.99)", &o->momentum},
       {"--batch", "N", "samples a running extreme covers (default 1)", &o->batch},
       {"--percentile", "P", "of absolute values (default 99.99)", &o->percentile},
       {"--improve", "LIST", "mse-clip, bias-correction, reconstruct: better integers without training", &o->improve},
       {"--mean", "LIST", "per channel, of images in 0..1; the network then takes bytes, too", &o->mean},
       {"--std", "LIST", "per channel", &o->deviation},
       {"--ranges", "FILE", "value ranges {\"name\": [least, largest]} instead of observed ones", &o->ranges},
       {"--save-ranges", "FILE", "write the ranges that were used", &o->save_ranges}},
      [o] { return run(*o); },
      o->given};
}

}  // namespace obz::cli
