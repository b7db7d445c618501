#include "plan/from_net.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include <fmt/format.h>

#include "ref/base/error.hpp"
#include "ref/base/suggest.hpp"

namespace obz::plan {
namespace {

bool activations_differ(const std::vector<LayerBits>& choices) {
  return std::any_of(choices.begin(), choices.end(),
                     [&](const LayerBits& b) { return b.activations != choices.front().activations; });
}

LayerWork work_of(const FloatNet& net, const FloatNode& node, std::int64_t batch) {
  const auto elems = [&](int value) { return net.values[static_cast<std::size_t>(value)].shape.elems() * batch; };
  return {macs(net, node) * batch, elems(node.inputs[0]), weights_of(node.op).shape.elems(), elems(node.output)};
}

}  // namespace

Table table_of(const FloatNet& net, const NetOptions& options, const Machine* machine) {
  std::vector<const FloatNode*> nodes;
  std::vector<std::string_view> names;
  for (const FloatNode& node : net.nodes) {
    if (!has_weights(node.op)) continue;
    nodes.push_back(&node);
    names.push_back(node.name);
  }
  if (nodes.empty()) throw Error(fmt::format("{}: expected layers with weights, got none", net.name));
  for (const auto& [name, bits] : options.pins) {
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      throw Error(
          fmt::format("--pin {}: the network {} has no such layer{}", name, net.name, did_you_mean(name, names)));
    }
  }
  Table table{.columns = {"bytes", "bops"}, .layers = {}};
  if (machine != nullptr) table.columns.insert(table.columns.end(), {"latency_us", "latency_us_lo", "latency_us_hi"});
  std::map<int, std::size_t> reader;  // the first layer that reads a value
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const FloatNode& node = *nodes[i];
    Layer& layer = table.layers.emplace_back(Layer{node.name, "", {}});
    std::vector<LayerBits> choices = options.choices;
    const auto pin = options.pins.find(node.name);
    const bool end = i == 0 || i + 1 == nodes.size();
    if (pin != options.pins.end()) {
      choices = {pin->second};
    } else if (options.pin_ends && end) {
      choices = {LayerBits{}};
    } else if (activations_differ(choices)) {
      const auto [at, first] = reader.try_emplace(node.inputs[0], i);
      const Layer& other = table.layers[at->second];
      if (!first && other.choices.size() == choices.size()) layer.same_as = other.name;
    }
    const std::int64_t multiplies = macs(net, node), weights = weights_of(node.op).shape.elems();
    for (const LayerBits& bits : choices) {
      Choice& choice = layer.choices.emplace_back(Choice{bits, {}});
      constexpr std::int64_t byte = 8;
      choice.values.push_back(static_cast<double>((weights * bits.weights + byte - 1) / byte));
      choice.values.push_back(static_cast<double>(multiplies * bits.weights * bits.activations));
      if (machine == nullptr) continue;
      const double us = latency_us(*machine, work_of(net, node, options.batch), bits);
      const auto rounded = [](double v) { return std::round(v * 1e4) / 1e4; };
      choice.values.insert(choice.values.end(), {us, rounded(us * machine->low), rounded(us * machine->high)});
    }
    std::stable_sort(layer.choices.begin(), layer.choices.end(), [](const Choice& a, const Choice& b) {
      return std::pair(a.bits.weights, a.bits.activations) > std::pair(b.bits.weights, b.bits.activations);
    });
  }
  return table;
}

void add_column(Table& table, const std::string& name,
                const std::function<double(const std::string& layer, const LayerBits& bits)>& number) {
  table.columns.push_back(name);
  for (Layer& layer : table.layers) {
    for (Choice& choice : layer.choices) choice.values.push_back(number(layer.name, choice.bits));
  }
}

}  // namespace obz::plan
