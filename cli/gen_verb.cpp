// obz gen: golden vectors as a stream or a folder.
#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "cli/layer_options.hpp"
#include "cli/numbers.hpp"
#include "cli/verb.hpp"
#include "golden/cases/layer_requant.hpp"
#include "golden/cases/requant_stream.hpp"
#include "golden/complete/complete.hpp"
#include "golden/sets/vector_set.hpp"
#include "ref/net/save_load.hpp"

namespace obz::cli {
namespace {

struct Options {
  std::string what, goal = "corners", formats, out, layer, conv, widths, scales, acc;
  std::vector<std::string> inputs;
  std::uint64_t seed = 1;
  std::int64_t count = 0, lanes = 1, channels = 1, zero_point = 0;
  bool whole = false;
  RequantOptions requant;
  std::shared_ptr<Given> given = std::make_shared<Given>();
};

constexpr std::int64_t kDefaultCases = 1000, kDefaultSamples = 1;

void write_chunk(const void* data, std::size_t bytes) {
  if (bytes > 0 && std::fwrite(data, 1, bytes, stdout) != bytes) throw Error("cannot write to stdout");
}

/// Streams `count` cases; a million at a time would cost memory for nothing, so chunks.
template <class CaseAt>
int stream_cases(const RequantSpace& space, std::int64_t count, bool binary, CaseAt&& case_at) {
  const RecordLayout layout = record_layout(*space.profile, space.out);
  constexpr std::size_t chunk = 1 << 20;
  Bytes bytes;
  std::string text;
  if (!binary) text = stream_header(space, count) + "\n";
  const auto flush = [&](std::size_t limit) {
    if (bytes.size() + text.size() < limit) return;
    write_chunk(bytes.data(), bytes.size());
    write_chunk(text.data(), text.size());
    bytes.clear();
    text.clear();
  };
  for (std::int64_t i = 0; i < count; ++i) {
    const RequantCase c = case_at(i);
    binary ? append_binary(bytes, layout, c, nullptr) : append_text(text, layout, c, nullptr);
    flush(chunk);
  }
  flush(0);
  return 0;
}

void report_set(const Manifest& m, const std::string& folder) {
  fmt::print(stderr, "{}: {} {} of {}, {} files, seed {}\n", folder, m.count,
             m.kind == SetKind::requant ? "cases" : "sample(s)", m.op, m.files.size() + 1, m.seed);
  for (const auto& [event, times] : m.coverage) fmt::print(stderr, "  {:<32} {}\n", event, times);
}

std::int32_t zero_point_of(const Options& o, IntType out) {
  if (!out.holds(o.zero_point)) {
    throw Error(fmt::format("--zero-point {}: expected a value of the output type, {}..{}", o.zero_point, out.min(),
                            out.max()));
  }
  return static_cast<std::int32_t>(o.zero_point);
}

/// Cases that exist already: the complete sets.
int deliver(const Options& o, const RequantSpace& space, const std::vector<RequantCase>& cases,
            const Certificate& certificate, const SetOptions& set) {
  if (o.out.empty()) {
    return stream_cases(space, static_cast<std::int64_t>(cases.size()), !o.formats.empty(),
                        [&](std::int64_t i) { return cases[static_cast<std::size_t>(i)]; });
  }
  report_set(write_requant_set(o.out, space, cases, certificate, set), o.out);
  fmt::print(stderr, "complete for {} channel(s): {} steps, {} determining cases, {} directed ones beyond them\n",
             certificate.channels, certificate.steps, certificate.determining, certificate.directed);
  return 0;
}

/// Channels of the given real scales, or seeded ones.
int run_complete(const Options& o, RequantSpace space, const SetOptions& set) {
  constexpr std::int64_t most = 1 << 16;
  if (o.channels < 1 || o.channels > most) {
    throw Error(fmt::format("--channels {}: expected 1..{}", o.channels, most));
  }
  if (o.count > 0)
    throw Error("-n and --goal complete: the channels decide how many cases there are; use --channels N");
  std::vector<Channel> channels;
  if (o.scales.empty()) {
    for (std::int64_t i = 0; i < o.channels; ++i)
      channels.push_back(draw_channel(space, static_cast<std::uint64_t>(i)));
  } else {
    for (const double scale : parse_scales(o.scales, "--scale")) {
      channels.push_back(channel_of_scale(*space.profile, scale, zero_point_of(o, space.out), space.out));
    }
  }
  Certificate certificate;
  const auto cases = complete_cases(*space.profile, channels, parse_range(o.acc, "--acc", {}), certificate);
  return deliver(o, space, cases, certificate, set);
}

/// The requantizer of a layer over the accumulators that its weights can produce.
int run_complete_layer(const Options& o, const IntNet& net, const SetOptions& set) {
  if (o.layer.empty()) throw Error(fmt::format("gen {} --goal complete: name a layer with --layer", o.what));
  const Node& node = net.nodes[static_cast<std::size_t>(find_node(net, o.layer))];
  const auto layer = layer_requant(net, node);
  if (!layer) throw Error(fmt::format("{}: layer {} ends in no requantizer", o.what, o.layer));
  const Profile& profile = find_profile(net.profile);
  if (!(layer->recipe == profile.recipe)) {
    throw Error(fmt::format("{}: layer {} rounds differently from profile {}; a stream has one recipe", o.what, o.layer,
                            profile.id));
  }
  Certificate certificate;
  std::vector<RequantCase> cases;
  for (std::size_t i = 0; i < layer->channels.size(); ++i) {
    append_complete(profile, layer->channels[i], layer->ranges[i], cases, certificate);
    const AccRange r = layer->ranges[i];
    certificate.range =
        i == 0 ? r : AccRange{std::min(certificate.range.lo, r.lo), std::max(certificate.range.hi, r.hi)};
  }
  return deliver(o, {.profile = &profile, .out = layer->out, .goal = Goal::complete, .seed = o.seed}, cases,
                 certificate, set);
}

int run_requant(const Options& o, const SetOptions& set) {
  RequantSpace space = o.requant.space();
  space.goal = goal_from(o.goal);
  space.seed = o.seed;
  if (space.goal == Goal::complete) return run_complete(o, space, set);
  const std::int64_t count = o.count > 0 ? o.count : kDefaultCases;
  if (!o.out.empty()) {
    report_set(write_requant_set(o.out, space, count, set), o.out);
    return 0;
  }
  return stream_cases(space, count, !o.formats.empty(),
                      [&](std::int64_t i) { return make_requant_case(space, static_cast<std::uint64_t>(i)); });
}

IntNet one_layer(const Options& o) {
  return LayerOptions{o.layer, o.conv, o.widths, o.requant}.one_layer(o.what, o.seed);
}

/// Inputs of the whole layer rather than cases of its requantizer.
int write_complete(const Options& o, const IntNet& layer, const SetOptions& set) {
  const Manifest m = write_complete_layer_set(o.out, layer, o.seed, set);
  report_set(m, o.out);
  fmt::print(stderr, "{} of {} points visited: {}\nassumed of the device: {}\n", m.layer_certificate->visited,
             m.layer_certificate->wanted, m.layer_certificate->claim, m.layer_certificate->assumption);
  return 0;
}

/// Options that would be ignored are refused: somebody expected them to do something.
void check_given(const Options& o) {
  const bool requant = o.what == "requant", net = o.what.ends_with(".obz"), complete = o.goal == "complete";
  Given known{"what", "--goal", "--seed", "--out", "--format"};
  if (!complete) known.insert("--count");
  if (!o.out.empty()) known.insert("--lanes");
  if (net) known.insert("--layer");
  if (net && !complete) known.insert("--input");
  if (net && complete) known.insert("--whole");
  if (!net) known.insert({"--profile", "--type"});
  if (!net && !requant) known.insert({"--conv", "--types"});
  if (requant && complete) known.insert({"--channels", "--scale", "--zero-point", "--acc"});
  require_only(*o.given, known, fmt::format("gen {}{}", o.what, complete ? " --goal complete" : ""));
  if (o.given->count("--count") != 0 && o.count < 1) throw Error(fmt::format("-n {}: expected at least 1", o.count));
  if (o.given->count("--lanes") != 0 && o.formats.find("mem") == std::string::npos) {
    throw Error(fmt::format("--lanes {}: only the mem format has words; add --format mem", o.lanes));
  }
}

int run(const Options& o) {
  check_given(o);
  SetOptions set;
  if (!o.formats.empty()) set.formats = parse_formats(o.formats);
  set.mem_lanes = static_cast<int>(std::clamp<std::int64_t>(o.lanes, 0, 1 << 20));
  if (o.what == "requant") {
    if (o.out.empty() && !o.formats.empty() && set.formats != std::vector<Format>{Format::bin}) {
      throw Error(fmt::format("--format {}: a stream is text or bin; a folder (-o DIR) takes any format", o.formats));
    }
    return run_requant(o, set);
  }
  const Goal goal = goal_from(o.goal);
  const bool net_given = o.what.ends_with(".obz");
  if (goal == Goal::complete && net_given && !o.whole) return run_complete_layer(o, load_net(o.what), set);
  if (o.out.empty())
    throw Error(fmt::format("gen {}: give a folder with -o DIR (only requant streams to stdout)", o.what));
  if (goal == Goal::complete && net_given) return write_complete(o, one_layer(o), set);
  const std::int64_t samples = o.count > 0 ? o.count : kDefaultSamples;
  if (net_given) {
    const IntNet net = load_net(o.what);
    std::optional<InputSet> inputs;
    if (!o.inputs.empty()) inputs.emplace(net, o.inputs);
    const InputSet* given = inputs ? &*inputs : nullptr;
    report_set(o.layer.empty()
                   ? write_network_set(o.out, net, given, goal, o.seed, samples, set)
                   : write_layer_set(o.out, net, find_node(net, o.layer), given, goal, o.seed, samples, set),
               o.out);
    return 0;
  }
  const IntNet net = one_layer(o);
  if (goal == Goal::complete) return write_complete(o, net, set);
  report_set(write_layer_set(o.out, net, 0, nullptr, goal, o.seed, samples, set), o.out);
  return 0;
}

}  // namespace

Verb gen_verb() {
  auto o = std::make_shared<Options>();
  std::vector<Option> options{
      {"what", "WHAT", "requant, conv2d, depthwise, dense, mma, add, mul, avgpool, concat, or an .obz network",
       &o->what, true},
      {"--goal,-g", "GOAL",
       "corners (ties, saturation, rails, shift extremes, 2^31), random, or complete (leaves a device no freedom; what "
       "is "
       "proved and assumed stands in the manifest) (default corners)",
       &o->goal},
      {"--count,-n", "N", "cases of requant (default 1000), samples of everything else (default 1)", &o->count},
      {"--seed,-s", "N", "case i depends on seed and i alone (default 1)", &o->seed},
      {"--out,-o", "DIR", "write a vector set; without it requant streams to stdout", &o->out},
      {"--format,-f", "LIST", "npy,mem,bin,csv,h (folder; default npy); bin (stream; default text)", &o->formats},
      {"--lanes", "N", "mem files: elements per word, first one least significant (default 1)", &o->lanes},
      {"--layer,-l", "NAME", "of an .obz network: only this layer (name or index)", &o->layer},
      {"--whole", "", "complete: inputs of the whole layer of an .obz network, not cases of its requantizer",
       &o->whole},
      {"--input,-i", "FILE", "of an .obz network: real inputs instead of seeded ones", &o->inputs},
      {"--channels", "N", "complete: seeded channels (default 1)", &o->channels},
      {"--scale", "LIST", "complete: channels of these real scales instead, such as 0.0123,2^-7", &o->scales},
      {"--zero-point", "N", "complete: with --scale (default 0)", &o->zero_point},
      {"--acc", "LO,HI", "complete: the accumulators that can occur (default all of 32 bits)", &o->acc},
      {"--conv", "LIST", "N,H,W,C,K,R,S,stride,pad (default 1,8,8,16,16,3,3,1,1)", &o->conv},
      {"--types", "WxA", "weight and activation types (default int8xint8)", &o->widths}};
  o->requant.add_to(options);
  return {"gen",
          "Generate golden vectors: requantizer, single layers, whole networks",
          "  obz gen requant -p hawq-v3/exact -n 100000 | ./dut | obz ver requant -p hawq-v3/exact\n"
          "  obz gen requant --goal corners -n 4096 --format npy,mem,h -o vectors/requant\n"
          "  obz gen requant --goal complete --channels 256 -p hawq-v3/exact -o vectors/complete\n"
          "  obz gen conv2d --goal complete --conv 1,7,7,5,6,3,3,2,1 -o vectors/conv_complete\n"
          "  obz gen kws.obz --layer 3 --goal complete | ./dut | obz ver requant -p tflite/double\n"
          "  obz gen conv2d --conv 1,14,14,64,64,3,3,1,1 --types int4xuint4 -p hawq-v3/exact -o vectors/conv\n"
          "  obz gen kws.obz --layer 3 --input x.npy --format npy,mem --lanes 4 -o vectors/layer3\n",
          std::move(options),
          [o] { return run(*o); },
          o->given};
}

}  // namespace obz::cli
