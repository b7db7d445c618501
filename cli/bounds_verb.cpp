// obz bounds: what each accumulator can hold, proved by inputs that make it.
#include <algorithm>
#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/progress.hpp"
#include "cli/table.hpp"
#include "cli/verb.hpp"
#include "golden/bounds/certify.hpp"
#include "golden/sets/vector_set.hpp"
#include "ref/base/error.hpp"
#include "ref/base/file.hpp"
#include "ref/net/cost.hpp"
#include "ref/net/save_load.hpp"
#include "ref/read/import.hpp"

namespace obz::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct Options {
  std::string net, layer, profile, witness;
  bool json = false, no_replay = false, all = false;
};

/// One layer with everything that is known about its sums.
struct Line {
  const Node* node = nullptr;
  AccCertificate certificate;
  std::optional<PairHazard> hazard;
  std::int64_t replayed = 0, attained = 0, fast_equal = 0;
};

/// Channels whose witnesses are replayed: all when that is cheap, else those with the widest bounds.
std::vector<std::size_t> to_replay(const IntNet& net, const Line& line) {
  constexpr std::int64_t budget = std::int64_t{1} << 31;  // multiply-accumulates per layer
  const std::int64_t each = 2 * std::max<std::int64_t>(1, cost_of(net, *line.node).macs);
  std::vector<std::size_t> channels(line.certificate.channels.size());
  for (std::size_t i = 0; i < channels.size(); ++i) channels[i] = i;
  const auto width = [&](std::size_t c) {
    const Range r = line.certificate.channels[c].range;
    return r.hi - r.lo;
  };
  std::stable_sort(channels.begin(), channels.end(), [&](std::size_t a, std::size_t b) { return width(a) > width(b); });
  const auto most = static_cast<std::size_t>(std::max<std::int64_t>(2, budget / each));
  if (channels.size() > most) channels.resize(most);
  return channels;
}

void replay_all(const IntNet& net, const std::vector<Range>& ranges, Line& line) {
  for (const std::size_t c : to_replay(net, line)) {
    for (const bool largest : {false, true}) {
      const auto inputs = witness(net, *line.node, ranges, line.certificate, c, largest);
      const Replay r = replay(net, *line.node, line.certificate, c, largest, inputs);
      ++line.replayed;
      line.attained += r.attained ? 1 : 0;
      line.fast_equal += r.fast_equals ? 1 : 0;
    }
  }
}

std::string interval(Range r) { return fmt::format("[{}, {}]", r.lo, r.hi); }

std::string replay_text(const Line& l, bool replayed) {
  if (!l.certificate.exact) return "bound only";
  if (!replayed) return "not replayed";
  const std::string text = fmt::format("{} of {} attained", l.attained, l.replayed);
  return l.fast_equal == l.replayed ? text + ", fast =" : fmt::format("{}, fast = on {}", text, l.fast_equal);
}

std::string hazard_text(const std::optional<PairHazard>& h) {
  if (!h) return "-";
  if (h->at_risk == 0) return "safe";
  return fmt::format("{:.1f} %", 100.0 * static_cast<double>(h->at_risk) / static_cast<double>(h->pairs));
}

void print_layers(const std::vector<Line>& lines, bool replayed) {
  Table table({"layer", "op", ">accumulators", ">bits", ">register", ">spare", "witnesses", ">16-bit pairs at risk"});
  for (const Line& l : lines) {
    const Range r = l.certificate.whole();
    const int bits = signed_bits(r);
    table.add({l.node->name, std::string(operator_name(l.node->op)), interval(r), fmt::format("{}", bits),
               fmt::format("{}", l.certificate.register_bits), fmt::format("{}", l.certificate.register_bits - bits),
               replay_text(l, replayed), hazard_text(l.hazard)});
  }
  fmt::print("{}", table.text());
  for (const Line& l : lines) {
    if (!l.certificate.exact) fmt::print("{}: a bound, not attained: {}\n", l.node->name, l.certificate.why_not);
    if (!l.certificate.fits()) {
      fmt::print("{}: its sums need {} bits, the register has {}: it {}\n", l.node->name,
                 signed_bits(l.certificate.whole()), l.certificate.register_bits,
                 l.certificate.overflow == Overflow::wrap ? "wraps" : "saturates");
    }
  }
  const auto worst = std::max_element(lines.begin(), lines.end(), [](const Line& a, const Line& b) {
    const auto of = [](const Line& l) { return l.hazard ? std::abs(l.hazard->worst) : 0; };
    return of(a) < of(b);
  });
  if (worst != lines.end() && worst->hazard && worst->hazard->inputs) {
    const PairHazard& h = *worst->hazard;
    fmt::print(
        "\n16-bit pair sums (vpmaddubsw) would be wrong: {} channel {} has a pair that sums to {}; on its witness the "
        "accumulator is {}, "
        "with saturating pairs {}\n",
        worst->node->name, h.channel, h.worst, h.exact, h.saturating);
  }
}

void print_channels(const Line& l, bool all) {
  Table table({">channel", ">least", ">largest", ">bits"});
  constexpr std::size_t shown = 32;
  const std::size_t count = l.certificate.channels.size();
  for (std::size_t c = 0; c < count && (all || c < shown); ++c) {
    const Range r = l.certificate.channels[c].range;
    table.add(
        {fmt::format("{}", c), fmt::format("{}", r.lo), fmt::format("{}", r.hi), fmt::format("{}", signed_bits(r))});
  }
  fmt::print("\n{}", table.text());
  if (!all && count > shown) fmt::print("... and {} channels more (--all)\n", count - shown);
}

Json to_json(const Line& l, bool replayed) {
  const Range r = l.certificate.whole();
  Json channels = Json::array();
  for (const ChannelBounds& b : l.certificate.channels) channels.push_back({b.range.lo, b.range.hi});
  Json json = {{"layer", l.node->name},
               {"op", operator_name(l.node->op)},
               {"accumulators", {r.lo, r.hi}},
               {"bits", signed_bits(r)},
               {"register_bits", l.certificate.register_bits},
               {"exact", l.certificate.exact},
               {"channels", channels}};
  if (!l.certificate.exact) json["why_not"] = l.certificate.why_not;
  if (replayed && l.certificate.exact) {
    json["witnesses"] = {{"replayed", l.replayed}, {"attained", l.attained}, {"fast_equal", l.fast_equal}};
  }
  if (l.hazard) {
    json["pairs"] = {{"count", l.hazard->pairs}, {"at_risk", l.hazard->at_risk}, {"worst", l.hazard->worst}};
    if (l.hazard->inputs) {
      json["pairs"]["witness"] = {
          {"channel", l.hazard->channel}, {"exact", l.hazard->exact}, {"saturating", l.hazard->saturating}};
    }
  }
  return json;
}

/// The witnesses of the widest channel of every exact layer (of every channel of one layer), with what they attain.
void write_witnesses(const Options& o, const IntNet& net, const std::vector<Range>& ranges,
                     const std::vector<Line>& lines) {
  write_folder(o.witness, "witness.json", [&](const fs::path& folder) {
    Json list = Json::array();
    Json files = Json::array();
    for (const Line& l : lines) {
      if (!l.certificate.exact) continue;
      std::vector<std::size_t> channels = to_replay(net, l);
      if (o.layer.empty()) channels.resize(1);
      for (const std::size_t c : channels) {
        for (const bool largest : {false, true}) {
          const ChannelBounds& b = l.certificate.channels[c];
          Json names = Json::array();
          const auto inputs = witness(net, *l.node, ranges, l.certificate, c, largest);
          for (std::size_t k = 0; k < inputs.size(); ++k) {
            const std::string name =
                fmt::format("{}_c{}_{}_x{}.npy", file_name_of(l.node->name), c, largest ? "max" : "min", k);
            write_file(folder / name, format_npy(npy_from(inputs[k])));
            names.push_back(name);
            files.push_back(name);
          }
          list.push_back({{"layer", l.node->name},
                          {"channel", c},
                          {"bound", largest ? "largest" : "least"},
                          {"accumulator", largest ? b.range.hi : b.range.lo},
                          {"output_element", largest ? b.at_hi : b.at_lo},
                          {"inputs", names}});
        }
      }
    }
    const std::string text = Json{{"files", files}, {"witnesses", list}}.dump(1) + "\n";
    write_file(folder / "witness.json", as_bytes(text));
  });
}

int run(const Options& o) {
  ImportOptions import;
  if (!o.profile.empty()) import.profile = std::string(find_profile(o.profile).id);
  const bool is_net = o.net.ends_with(".obz");
  if (is_net && !o.profile.empty())
    throw Error(fmt::format("--profile {}: an .obz network has its profile already", o.profile));
  const IntNet net = is_net ? load_net(o.net) : import_model(o.net, import);
  const std::vector<Range> ranges = value_ranges(net);
  std::vector<Line> lines;
  const int only = o.layer.empty() ? -1 : find_node(net, o.layer);
  ProgressBar bar("bounds");
  for (std::size_t n = 0; n < net.nodes.size(); ++n) {
    if (only >= 0 && static_cast<int>(n) != only) continue;
    const Node& node = net.nodes[n];
    auto certificate = certify(net, node, ranges);
    if (!certificate) {
      if (only >= 0)
        throw Error(fmt::format("{}: layer {} ({}) accumulates nothing", o.net, node.name, operator_name(node.op)));
      continue;
    }
    Line line{&node, std::move(*certificate), pair_hazard(net, node, ranges)};
    if (!o.no_replay && line.certificate.exact) replay_all(net, ranges, line);
    lines.push_back(std::move(line));
    bar.update(static_cast<std::int64_t>(n) + 1, static_cast<std::int64_t>(net.nodes.size()));
  }
  if (!o.witness.empty()) write_witnesses(o, net, ranges, lines);
  std::int64_t replayed = 0, attained = 0, fast = 0;
  for (const Line& l : lines) {
    replayed += l.replayed;
    attained += l.attained;
    fast += l.fast_equal;
  }
  if (o.json) {
    Json layers = Json::array();
    for (const Line& l : lines) layers.push_back(to_json(l, !o.no_replay));
    fmt::print("{}\n", Json{{"net", net.name}, {"layers", layers}}.dump(1));
  } else {
    print_layers(lines, !o.no_replay);
    if (only >= 0) print_channels(lines[0], o.all);
    if (!o.no_replay) {
      fmt::print("\n{} witnesses replayed: {} attain their bound on ref, fast equals ref on {}\n", replayed, attained,
                 fast);
    }
  }
  return attained == replayed && fast == replayed ? 0 : 1;
}

}  // namespace

Verb bounds_verb() {
  auto o = std::make_shared<Options>();
  return {"bounds",
          "Least and largest value of every accumulator, with inputs that attain them",
          "  obz bounds kws.obz\n"
          "  obz bounds kws.tflite --layer 2 --all\n"
          "  obz bounds kws.obz --layer conv1 --witness witnesses\n",
          {{"net", "NET", "an .obz network or a model (.tflite, .onnx)", &o->net, true},
           {"--layer,-l", "NAME", "this layer alone, channel by channel (name or index)", &o->layer},
           {"--all", "", "with --layer: all channels instead of the first 32", &o->all},
           {"--profile,-p", "ID", "of a model: import under this profile", &o->profile},
           {"--witness", "DIR", "write the inputs that attain the bounds (with --layer: of its channels)", &o->witness},
           {"--no-replay", "", "do not run the witnesses on ref and fast", &o->no_replay},
           {"--json", "", "bounds of every channel as JSON", &o->json}},
          [o] { return run(*o); }};
}

}  // namespace obz::cli
