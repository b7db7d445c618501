#include "plan/from_net.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>

#include <fmt/format.h>

#include "ref/base/error.hpp"
#include "ref/base/suggest.hpp"
#include "ref/net/cost.hpp"

namespace obz::plan {
namespace {

bool activations_differ(const std::vector<LayerBits>& choices) {
  return std::any_of(choices.begin(), choices.end(),
                     [&](const LayerBits& b) { return b.activations != choices.front().activations; });
}

/// What the table needs to know of a layer.
struct Facts {
  std::string_view name;
  int input = 0;   ///< the value it reads
  LayerWork work;  ///< of one sample
};

Table table_from(const std::vector<Facts>& layers, const std::string& net, const NetOptions& options,
                 const Machine* machine) {
  if (layers.empty()) throw Error(fmt::format("{}: expected layers with weights, got none", net));
  std::vector<std::string_view> names;
  for (const Facts& f : layers) names.push_back(f.name);
  for (const auto& [name, bits] : options.pins) {
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      throw Error(fmt::format("--pin {}: the network {} has no such layer{}", name, net, did_you_mean(name, names)));
    }
  }
  Table table{.columns = {"bytes", "bops"}, .layers = {}};
  if (machine != nullptr) table.columns.insert(table.columns.end(), {"latency_us", "latency_us_lo", "latency_us_hi"});
  std::map<int, std::size_t> reader;  // the first layer that reads a value
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const Facts& facts = layers[i];
    Layer& layer = table.layers.emplace_back(Layer{std::string(facts.name), "", {}});
    std::vector<LayerBits> choices = options.choices;
    const auto pin = options.pins.find(layer.name);
    const bool end = i == 0 || i + 1 == layers.size();
    if (pin != options.pins.end()) {
      choices = {pin->second};
    } else if (options.pin_ends && end) {
      choices = {LayerBits{}};
    } else if (activations_differ(choices)) {
      const auto [at, first] = reader.try_emplace(facts.input, i);
      const Layer& other = table.layers[at->second];
      if (!first && other.choices.size() == choices.size()) layer.same_as = other.name;
    }
    LayerWork work = facts.work;
    for (std::int64_t* n : {&work.macs, &work.inputs, &work.outputs}) *n *= options.batch;
    for (const LayerBits& bits : choices) {
      Choice& choice = layer.choices.emplace_back(Choice{bits, {}});
      constexpr std::int64_t byte = 8;
      choice.values.push_back(static_cast<double>((work.weights * bits.weights + byte - 1) / byte));
      choice.values.push_back(static_cast<double>(facts.work.macs * bits.weights * bits.activations));
      if (machine == nullptr) continue;
      const double us = latency_us(*machine, work, bits);
      const auto rounded = [](double v) { return std::round(v * 1e4) / 1e4; };
      choice.values.insert(choice.values.end(), {us, rounded(us * machine->low), rounded(us * machine->high)});
    }
    std::stable_sort(layer.choices.begin(), layer.choices.end(), [](const Choice& a, const Choice& b) {
      return std::pair(a.bits.weights, a.bits.activations) > std::pair(b.bits.weights, b.bits.activations);
    });
  }
  return table;
}

/// Weights of a layer; nullptr: it has none.
const Tensor* weights_of(const Node& node) {
  if (const auto* conv = std::get_if<Conv2d>(&node.op)) return &conv->filter.weights;
  if (const auto* dense = std::get_if<Dense>(&node.op)) return &dense->filter.weights;
  return nullptr;
}

/// Of one output channel; zero points as they are, so only symmetric weights are judged rightly.
double relative_error(std::span<const std::int32_t> weights, int bits) {
  double largest = 0, squares = 0, errors = 0;
  for (const std::int32_t w : weights) largest = std::max(largest, std::abs(static_cast<double>(w)));
  const double top = bits == 1 ? 1 : std::ldexp(1.0, bits - 1) - 1, scale = largest / top;
  for (const std::int32_t w : weights) {
    const double q = largest == 0 ? 0 : std::clamp(std::nearbyint(w / scale), -top - 1, top) * scale;
    errors += (q - w) * (q - w);
    squares += static_cast<double>(w) * w;
  }
  return squares == 0 ? 0 : errors / squares;
}

}  // namespace

Table table_of(const FloatNet& net, const NetOptions& options, const Machine* machine) {
  std::vector<Facts> layers;
  const auto elems = [&](int value) { return net.values[static_cast<std::size_t>(value)].shape.elems(); };
  for (const FloatNode& node : net.nodes) {
    if (!has_weights(node.op)) continue;
    const LayerWork work{macs(net, node), elems(node.inputs[0]), obz::weights_of(node.op).shape.elems(),
                         elems(node.output)};
    layers.push_back({node.name, node.inputs[0], work});
  }
  return table_from(layers, net.name, options, machine);
}

Table table_of(const IntNet& net, const NetOptions& options, const Machine* machine) {
  std::vector<Facts> layers;
  std::vector<const Tensor*> weights;
  const auto elems = [&](int value) { return net.tensors[static_cast<std::size_t>(value)].shape.elems(); };
  for (const Node& node : net.nodes) {
    const Tensor* w = weights_of(node);
    if (w == nullptr) continue;
    layers.push_back({node.name,
                      node.inputs[0],
                      {cost_of(net, node).macs, elems(node.inputs[0]), w->elems(), elems(node.outputs[0])}});
    weights.push_back(w);
  }
  Table table = table_from(layers, net.name, options, machine);
  table.columns.emplace_back("omega");
  for (std::size_t i = 0; i < table.layers.size(); ++i) {
    const std::vector<std::int32_t>& all = weights[i]->data;
    const auto outputs = static_cast<std::size_t>(weights[i]->shape[0]);
    for (Choice& choice : table.layers[i].choices) {
      double sum = 0;
      for (std::size_t o = 0; o < outputs; ++o) {
        const std::size_t terms = all.size() / outputs;
        sum += relative_error(std::span(all).subspan(o * terms, terms), choice.bits.weights);
      }
      choice.values.push_back(sum / static_cast<double>(outputs));
    }
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
