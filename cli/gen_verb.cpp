// obz gen: golden vectors as a stream or a folder.
#include <cstdio>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "cli/requant_options.hpp"
#include "cli/verb.hpp"
#include "golden/requant_stream.hpp"
#include "golden/synth.hpp"
#include "golden/vector_set.hpp"
#include "ref/net/save_load.hpp"

namespace obz::cli {
namespace {

struct Options {
  std::string what, goal = "corners", formats, out, layer, conv, widths;
  std::vector<std::string> inputs;
  std::uint64_t seed = 1;
  std::int64_t count = 0, lanes = 1;
  RequantOptions requant;
};

constexpr std::int64_t kDefaultCases = 1000, kDefaultSamples = 1;

/// "1,2,3" -> numbers.
template <std::size_t N>
void parse_numbers(const std::string& text, const char* option, const char* meaning,
                   std::array<std::int64_t, N>& numbers) {
  std::string_view rest = text;
  std::size_t n = 0;
  while (!rest.empty() && n < N) {
    const std::size_t end = std::min(rest.find(','), rest.size());
    try {
      numbers[n++] = std::stoll(std::string(rest.substr(0, end)));
    } catch (const std::exception&) {
      n = 0;
      break;
    }
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  if (n != N || !rest.empty()) throw Error(fmt::format("{} {}: expected {} numbers {}", option, text, N, meaning));
}

void write_chunk(const void* data, std::size_t bytes) {
  if (bytes > 0 && std::fwrite(data, 1, bytes, stdout) != bytes) throw Error("cannot write to stdout");
}

/// Streams cases 0 .. count-1; a million at a time would cost memory for nothing, so chunks.
int stream_requant(const RequantSpace& space, std::int64_t count, bool binary) {
  const RecordLayout layout = record_layout(*space.profile, space.out);
  constexpr std::size_t chunk = 1 << 20;
  if (binary) {
    Bytes bytes;
    bytes.reserve(chunk + 64);
    for (std::int64_t i = 0; i < count; ++i) {
      append_binary(bytes, layout, make_requant_case(space, static_cast<std::uint64_t>(i)), nullptr);
      if (bytes.size() >= chunk) {
        write_chunk(bytes.data(), bytes.size());
        bytes.clear();
      }
    }
    write_chunk(bytes.data(), bytes.size());
    return 0;
  }
  std::string text = stream_header(space) + "\n";
  for (std::int64_t i = 0; i < count; ++i) {
    append_text(text, layout, make_requant_case(space, static_cast<std::uint64_t>(i)), nullptr);
    if (text.size() >= chunk) {
      write_chunk(text.data(), text.size());
      text.clear();
    }
  }
  write_chunk(text.data(), text.size());
  return 0;
}

void report_set(const Manifest& m, const std::string& folder) {
  fmt::print(stderr, "{}: {} {} of {}, {} files, seed {}\n", folder, m.count,
             m.kind == SetKind::requant ? "cases" : "sample(s)", m.op, m.files.size() + 1, m.seed);
  for (const auto& [event, times] : m.coverage) fmt::print(stderr, "  {:<32} {}\n", event, times);
}

int run_requant(const Options& o, const SetOptions& set, bool binary) {
  RequantSpace space = o.requant.space();
  space.goal = goal_from(o.goal);
  space.seed = o.seed;
  const std::int64_t count = o.count > 0 ? o.count : kDefaultCases;
  if (!o.out.empty()) {
    report_set(write_requant_set(o.out, space, count, set), o.out);
    return 0;
  }
  return stream_requant(space, count, binary);
}

int run(const Options& o) {
  if (o.count < 0) throw Error(fmt::format("-n {}: expected at least 1", o.count));
  SetOptions set;
  if (!o.formats.empty()) set.formats = parse_formats(o.formats);
  set.mem_lanes = static_cast<int>(std::clamp<std::int64_t>(o.lanes, 0, 1 << 20));
  if (o.what == "requant") {
    if (o.out.empty() && !o.formats.empty() && set.formats != std::vector<Format>{Format::bin}) {
      throw Error(fmt::format("--format {}: a stream is text or bin; a folder (-o DIR) takes any format", o.formats));
    }
    return run_requant(o, set, !o.formats.empty());
  }
  if (o.out.empty())
    throw Error(fmt::format("gen {}: give a folder with -o DIR (only requant streams to stdout)", o.what));
  const Goal goal = goal_from(o.goal);
  const std::int64_t samples = o.count > 0 ? o.count : kDefaultSamples;
  if (o.what.ends_with(".obz")) {
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
  SynthSpec spec{.op = o.what, .profile = o.requant.profile, .seed = o.seed};
  if (!o.conv.empty()) parse_numbers(o.conv, "--conv", "N,H,W,C,K,R,S,stride,pad", spec.conv);
  spec.out = o.requant.space().out;
  if (!o.widths.empty()) {
    const std::size_t x = o.widths.find('x');
    const auto weight = type_from_text(o.widths.substr(0, x));
    const auto activation = x == std::string::npos ? std::nullopt : type_from_text(o.widths.substr(x + 1));
    if (!weight || !activation || weight->bits > 16 || activation->bits > 16) {
      throw Error(fmt::format("--types {}: expected WEIGHTxACTIVATION such as int8xint8 or int4xuint4", o.widths));
    }
    spec.weight = *weight;
    spec.activation = *activation;
  }
  const IntNet net = synthesize(spec);
  report_set(write_layer_set(o.out, net, 0, nullptr, goal, o.seed, samples, set), o.out);
  return 0;
}

}  // namespace

Verb gen_verb() {
  auto o = std::make_shared<Options>();
  std::vector<Option> options{
      {"what", "WHAT", "requant, conv2d, depthwise, dense, mma, add, mul, avgpool, or an .obz network", &o->what, true},
      {"--goal,-g", "GOAL", "corners (ties, saturation, rails, shift extremes, 2^31) or random (default corners)",
       &o->goal},
      {"--count,-n", "N", "cases of requant (default 1000), samples of everything else (default 1)", &o->count},
      {"--seed,-s", "N", "case i depends on seed and i alone (default 1)", &o->seed},
      {"--out,-o", "DIR", "write a vector set; without it requant streams to stdout", &o->out},
      {"--format,-f", "LIST", "npy,mem,bin,csv,h (folder; default npy); bin (stream; default text)", &o->formats},
      {"--lanes", "N", "mem files: elements per word, first one least significant (default 1)", &o->lanes},
      {"--layer,-l", "NAME", "of an .obz network: only this layer (name or index)", &o->layer},
      {"--input,-i", "FILE", "of an .obz network: real inputs instead of seeded ones", &o->inputs},
      {"--conv", "LIST", "N,H,W,C,K,R,S,stride,pad (default 1,8,8,16,16,3,3,1,1)", &o->conv},
      {"--types", "WxA", "weight and activation types (default int8xint8)", &o->widths}};
  o->requant.add_to(options);
  return {"gen", "Generate golden vectors: requantizer, single layers, whole networks",
          "  obz gen requant -p hawq-v3/exact -n 100000 | ./dut | obz ver requant -p hawq-v3/exact\n"
          "  obz gen requant --goal corners -n 4096 --format npy,mem,h -o vectors/requant\n"
          "  obz gen conv2d --conv 1,14,14,64,64,3,3,1,1 --types int4xuint4 -p hawq-v3/exact -o vectors/conv\n"
          "  obz gen kws.obz --layer 3 --input x.npy --format npy,mem --lanes 4 -o vectors/layer3\n",
          std::move(options), [o] { return run(*o); }};
}

}  // namespace obz::cli
