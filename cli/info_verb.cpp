// obz info: what a network consists of, layer by layer, with accumulator bounds.
#include <map>
#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/table.hpp"
#include "cli/verb.hpp"
#include "golden/engines/check.hpp"
#include "ref/base/error.hpp"
#include "ref/execute/fast.hpp"
#include "ref/execute/fast_net.hpp"
#include "ref/net/bounds.hpp"
#include "ref/net/census.hpp"
#include "ref/net/cost.hpp"
#include "ref/net/save_load.hpp"
#include "ref/tensor/type_text.hpp"

namespace obz::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::string net;
  bool json = false, census = false, paper = false, paths = false;
};

struct Layer {
  std::string name, op, widths, shape, type;
  LayerCost cost;
  std::optional<Range> accumulator;
  int register_bits = 0;
};

int register_of(const Operator& op) {
  return std::visit(
      [](const auto& o) {
        if constexpr (requires { o.accumulator; }) return int{o.accumulator.bits};
        return 0;
      },
      op);
}

std::vector<Layer> layers_of(const IntNet& net) {
  const std::vector<Range> ranges = value_ranges(net);
  std::vector<Layer> layers;
  for (const Node& node : net.nodes) {
    const TensorInfo& out = net.tensors[static_cast<std::size_t>(node.outputs[0])];
    layers.push_back({node.name, describe(node.op), widths(net, node), out.shape.text(), type_text(out.type),
                      cost_of(net, node), accumulator_range(net, node, ranges), register_of(node.op)});
  }
  return layers;
}

void print_json(const IntNet& net, const std::vector<Layer>& layers) {
  Json json = {{"name", net.name}, {"origin", net.origin}, {"profile", net.profile}, {"notes", net.notes}};
  json["layers"] = Json::array();
  LayerCost total;
  for (const Layer& l : layers) {
    Json item = {{"name", l.name},
                 {"op", l.op},
                 {"widths", l.widths},
                 {"out", l.shape},
                 {"type", l.type},
                 {"macs", l.cost.macs},
                 {"bops", l.cost.bops},
                 {"weight_bytes", l.cost.weight_bytes},
                 {"out_bytes", l.cost.out_bytes}};
    if (l.accumulator) {
      item["accumulator"] = {
          {"lo", l.accumulator->lo}, {"hi", l.accumulator->hi}, {"bits", signed_bits(*l.accumulator)}};
      if (l.register_bits > 0) item["accumulator"]["register_bits"] = l.register_bits;
    }
    json["layers"].push_back(item);
    total += l.cost;
  }
  json["total"] = {
      {"layers", layers.size()}, {"macs", total.macs}, {"bops", total.bops}, {"weight_bytes", total.weight_bytes}};
  fmt::print("{}\n", json.dump(1));
}

/// ": value = 0.0123 * (integer - 3)"
std::string step_text(const AffineScale& a) {
  if (a.scales.size() != 1)
    return a.scales.empty() ? "" : fmt::format(", {} scales (net.json: affine)", a.scales.size());
  const std::int64_t zero = a.zero_points.empty() ? 0 : a.zero_points[0];
  if (zero == 0) return fmt::format(": value = {} * integer", a.scales[0]);
  return fmt::format(": value = {} * (integer {} {})", a.scales[0], zero < 0 ? '+' : '-', std::abs(zero));
}

void print_text(const IntNet& net, const std::vector<Layer>& layers) {
  fmt::print("{}  (profile {})\n", net.name, net.profile.empty() ? "none" : net.profile);
  if (!net.origin.empty()) fmt::print("from {}\n", net.origin);
  for (const InputBorder& b : net.input_borders) {
    fmt::print("float input \"{}\" enters as {}{}\n", b.name,
               type_text(net.tensors[static_cast<std::size_t>(b.tensor)].type), step_text(b.affine));
  }
  for (const OutputBorder& b : net.output_borders) {
    fmt::print("float output \"{}\" leaves as {}{}\n", b.name,
               type_text(net.tensors[static_cast<std::size_t>(b.tensor)].type), step_text(b.affine));
  }
  for (const std::string& note : net.notes) fmt::print("note: {}\n", note);
  Table table({"layer", "op", "WxA", "output", "type", ">MAC", ">weights B", ">acc bits", "acc range"});
  LayerCost total;
  for (const Layer& l : layers) {
    std::string bits, range;
    if (l.accumulator) {
      bits = fmt::format("{}{}", signed_bits(*l.accumulator),
                         l.register_bits > 0 ? fmt::format("/{}", l.register_bits) : "");
      range = fmt::format("[{}, {}]", l.accumulator->lo, l.accumulator->hi);
    }
    table.add({l.name, l.op, l.widths, l.shape, l.type, l.cost.macs > 0 ? grouped(l.cost.macs) : "",
               l.cost.weight_bytes > 0 ? grouped(l.cost.weight_bytes) : "", bits, range});
    total += l.cost;
  }
  fmt::print("\n{}\n", table.text());
  fmt::print("{} layers, {}MAC, {}BOPS (MAC x bits x bits), {} bytes of weights\n", layers.size(),
             scaled(static_cast<double>(total.macs)) + " ", scaled(static_cast<double>(total.bops)) + " ",
             grouped(total.weight_bytes));
  fmt::print("acc bits: least signed width that holds every reachable sum / width of the register\n");
}

constexpr double kMiB = 1048576;

void print_census(const IntNet& net, bool json) {
  Table table({"layer", "op", ">multiply", ">add", ">shift", ">compare", ">function", ">division", ">float"});
  Census total;
  const auto row = [&](std::string name, std::string op, const Census& c) {
    const auto text = [](std::int64_t n) { return n == 0 ? std::string("0") : grouped(n); };
    table.add({std::move(name), std::move(op), text(c.multiply), text(c.add), text(c.shift), text(c.compare),
               text(c.function), text(c.division), text(c.floating)});
  };
  for (const Node& node : net.nodes) {
    const Census c = census_of(net, node);
    row(node.name, std::string(operator_name(node.op)), c);
    total += c;
  }
  if (json) {
    const Json all = {{"multiply", total.multiply}, {"add", total.add},
                      {"shift", total.shift},       {"compare", total.compare},
                      {"function", total.function}, {"division", total.division},
                      {"float", total.floating},    {"integer_only", total.integer_only()}};
    fmt::print("{}\n", all.dump(1));
    return;
  }
  row("all", "", total);
  fmt::print("{}\n\n{}\n", table.text(),
             total.integer_only()
                 ? "INTEGER-ONLY: no division and no float operation; what is float stands at the borders."
                 : "NOT integer-only: see the last two columns.");
}

/// What FastNet does with each layer on this machine, and which share of the multiplications goes which way.
void print_paths(const IntNet& net) {
  const std::vector<std::string> paths = FastNet(net).paths();
  std::map<std::string, std::int64_t> share;
  std::int64_t all = 0;
  Table table({"layer", "op", ">MAC", "path"});
  for (std::size_t i = 0; i < net.nodes.size(); ++i) {
    const std::int64_t macs = cost_of(net, net.nodes[i]).macs;
    table.add({net.nodes[i].name, describe(net.nodes[i].op), macs > 0 ? grouped(macs) : "", paths[i]});
    if (macs > 0) share[paths[i].substr(0, paths[i].find(','))] += macs;
    all += macs;
  }
  fmt::print("{}\n\n", table.text());
  for (const auto& [path, macs] : share) {
    fmt::print("{:5.1f} % of the multiplications: {}\n", 100 * static_cast<double>(macs) / static_cast<double>(all),
               path);
  }
  fmt::print("on {}\n", fast_target());
}

/// Figures under the conventions of HAWQ-V3's Table 1: G = 1e9, MB = 2^20; float networks count their weights, the gain
/// and shift of each convolution's normalization, and the biases of dense layers at 32 bits; quantized ones their
/// weights alone.
void print_paper(const IntNet& net, const std::vector<Layer>& layers) {
  LayerCost total;
  std::int64_t parameters = 0;
  for (const Layer& l : layers) total += l.cost;
  for (const Node& node : net.nodes) {
    std::visit(
        [&](const auto& op) {
          if constexpr (requires { op.filter; }) {
            const std::int64_t per_channel = std::is_same_v<std::decay_t<decltype(op)>, Dense> ? 1 : 2;
            parameters += op.filter.weights.elems() + (op.filter.bias.empty() ? 0 : per_channel * op.out_channels());
          }
        },
        node.op);
  }
  constexpr double giga = 1e9, float_bits = 32;
  const auto macs = static_cast<double>(total.macs);
  Table table({"", ">size MB", ">BOPS G"});
  table.add({"FP32", fmt::format("{:.2f}", static_cast<double>(parameters) * 4 / kMiB),
             fmt::format("{:.1f}", macs * float_bits * float_bits / giga)});
  table.add({"this network", fmt::format("{:.2f}", static_cast<double>(total.weight_bytes) / kMiB),
             fmt::format("{:.2f}", static_cast<double>(total.bops) / giga)});
  fmt::print(
      "{}: {} multiply-accumulates\n\n{}\n\nHAWQ-V3's Table 1 counts so: MB = 2^20, G = 1e9, BOPS = MAC x bits "
      "x bits\n",
      net.name, grouped(total.macs), table.text());
}

}  // namespace

Verb info_verb() {
  auto o = std::make_shared<Options>();
  return {"info",
          "Layers, widths, MACs, BOPS, bytes and accumulator bounds of a network",
          "  obz info kws.obz\n  obz info kws.obz --json | jq .total\n"
          "  obz info resnet50.obz --census           multiplications, additions, shifts; divisions and floats: none\n"
          "  obz info resnet50.obz --paths            int8 segments, int16 pairs, steps a segment\n"
          "  obz info resnet50.obz --paper            size and BOPS as HAWQ-V3 counts them\n",
          {{"net", "NET", "an .obz network", &o->net, true},
           {"--census", "", "scalar operations by kind, layer by layer", &o->census},
           {"--paths", "",
            "which instructions the fast engine takes for each layer here, decided from the real weights", &o->paths},
           {"--paper", "", "size and BOPS under the conventions of HAWQ-V3's Table 1", &o->paper},
           {"--json", "", "as JSON", &o->json}},
          [o] {
            const IntNet net = load_net(o->net);
            const std::vector<Layer> layers = layers_of(net);
            if (int{o->paper} + int{o->census} + int{o->paths} > 1 || ((o->paper || o->paths) && o->json)) {
              throw Error("--census, --paper and --paths: one of them, and --json with --census alone");
            }
            if (o->census) {
              print_census(net, o->json);
            } else if (o->paths) {
              print_paths(net);
            } else if (o->paper) {
              print_paper(net, layers);
            } else {
              o->json ? print_json(net, layers) : print_text(net, layers);
            }
            return 0;
          }};
}

}  // namespace obz::cli
