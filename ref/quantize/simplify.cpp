#include "ref/quantize/simplify.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "ref/base/error.hpp"

namespace obz {
namespace {

void fold(FloatTensor& weights, std::vector<float>& bias, const FloatBatchNorm& norm) {
  const auto outputs = static_cast<std::size_t>(weights.shape[0]);
  const std::size_t terms = weights.data.size() / outputs;
  bias.resize(outputs, 0.0F);
  for (std::size_t o = 0; o < outputs; ++o) {
    const float f = norm.gain[o] / std::sqrt(norm.variance[o] + norm.epsilon);
    for (std::size_t t = 0; t < terms; ++t) weights.data[o * terms + t] = weights.data[o * terms + t] * f;
    const float centred = bias[o] - norm.mean[o];
    const float scaled = centred * f;
    bias[o] = scaled + norm.shift[o];
  }
}

void fold_batch_norms(FloatNet& net) {
  const std::vector<int> uses = use_counts(net), by = producers(net);
  for (FloatNode& node : net.nodes) {
    const auto* norm = std::get_if<FloatBatchNorm>(&node.op);
    if (norm == nullptr) continue;
    const auto x = static_cast<std::size_t>(node.inputs[0]);
    FloatNode* layer = by[x] < 0 ? nullptr : &net.nodes[static_cast<std::size_t>(by[x])];
    if (layer == nullptr || !has_weights(layer->op) || uses[x] != 1) {
      throw Error(
          fmt::format("{}: BatchNormalization \"{}\": expected a convolution or dense layer of its own before it, "
                      "got {}",
                      net.name, node.name, layer == nullptr ? "the network's input" : layer->name));
    }
    if (auto* conv = std::get_if<FloatConv>(&layer->op)) {
      fold(conv->weights, conv->bias, *norm);
    } else {
      auto& dense = std::get<FloatDense>(layer->op);
      fold(dense.weights, dense.bias, *norm);
    }
    layer->output = node.output;
    node.inputs.clear();  // marks it for removal
  }
  std::erase_if(net.nodes, [](const FloatNode& n) { return n.inputs.empty(); });
}

/// True when one pair was exchanged.
bool sink_a_clip(FloatNet& net) {
  const std::vector<int> uses = use_counts(net), by = producers(net);
  for (std::size_t i = 0; i < net.nodes.size(); ++i) {
    FloatNode& pool = net.nodes[i];
    if (!std::holds_alternative<FloatMaxPool>(pool.op)) continue;
    const int between = pool.inputs[0], before = by[static_cast<std::size_t>(between)];
    if (before < 0 || uses[static_cast<std::size_t>(between)] != 1) continue;
    FloatNode& clip = net.nodes[static_cast<std::size_t>(before)];
    if (!std::holds_alternative<FloatClip>(clip.op)) continue;
    const int x = clip.inputs[0], y = pool.output;
    const FloatValue& out = net.values[static_cast<std::size_t>(y)];
    net.values[static_cast<std::size_t>(between)] = {out.name + ":before_clip", out.shape};
    pool.inputs = {x};
    pool.output = between;
    clip.inputs = {between};
    clip.output = y;
    std::swap(clip, pool);  // execution order
    return true;
  }
  return false;
}

}  // namespace

FloatNet simplify(FloatNet net) {
  fold_batch_norms(net);
  while (sink_a_clip(net)) {
  }
  return net;
}

}  // namespace obz
