#include "ref/real/float_net.hpp"

#include <cmath>

#include <fmt/format.h>

#include "ref/base/error.hpp"

namespace obz {
namespace {

void require_rank4(const Shape& x, const std::string& where) {
  if (x.rank() != 4) throw Error(fmt::format("{}: expected an input of rank 4 (NCHW), got {}", where, x.text()));
}

struct Infer {
  std::span<const Shape> in;
  const std::string& where;

  Shape operator()(const FloatConv& op) const {
    require_rank4(in[0], where);
    const Shape& w = op.weights.shape;
    if (op.groups < 1 || w.rank() != 4 || in[0][1] % op.groups != 0 || w[0] % op.groups != 0 ||
        w[3] != in[0][1] / op.groups) {
      throw Error(fmt::format("{}: weights {} (O, H, W, I / {} groups) do not fit an input {}", where, w.text(),
                              op.groups, in[0].text()));
    }
    check_window(op.window, where);
    const Shape y{in[0][0], w[0], op.window.out_h(in[0][2], w[1]), op.window.out_w(in[0][3], w[2])};
    if (y.elems() == 0)
      throw Error(fmt::format("{}: the window is larger than the padded input {}", where, in[0].text()));
    return y;
  }
  Shape operator()(const FloatDense& op) const {
    const Shape& w = op.weights.shape;
    if (in[0].rank() != 2 || in[0][1] != w[1]) {
      throw Error(fmt::format("{}: expected rows of {} values, got an input {}", where, w[1], in[0].text()));
    }
    return {in[0][0], w[0]};
  }
  Shape operator()(const FloatBatchNorm& op) const {
    if (in[0].rank() < 2 || in[0][1] != static_cast<std::int64_t>(op.gain.size())) {
      throw Error(fmt::format("{}: {} channels of constants for an input {}", where, op.gain.size(), in[0].text()));
    }
    return in[0];
  }
  Shape operator()(const FloatClip&) const { return in[0]; }
  Shape operator()(const FloatAdd&) const {
    if (in[0] != in[1]) {
      throw Error(
          fmt::format("{}: expected two inputs of one shape, got {} and {}", where, in[0].text(), in[1].text()));
    }
    return in[0];
  }
  Shape operator()(const FloatConcat& op) const {
    Shape y = in[0];
    const auto axis = static_cast<std::size_t>(op.axis);
    for (std::size_t i = 1; i < in.size(); ++i) {
      Shape rest = in[i];
      if (rest.rank() != y.rank())
        throw Error(fmt::format("{}: parts of rank {} and {}", where, y.rank(), rest.rank()));
      rest[axis] = y[axis];
      if (rest != y) throw Error(fmt::format("{}: cannot join {} and {}", where, in[0].text(), in[i].text()));
      y[axis] += in[i][axis];
    }
    return y;
  }
  Shape operator()(const FloatMaxPool& op) const {
    return pool_shape(Layout::nchw, op.kernel_h, op.kernel_w, op.window, in[0], where);
  }
  Shape operator()(const FloatAvgPool& op) const {
    return pool_shape(Layout::nchw, op.kernel_h, op.kernel_w, op.window, in[0], where);
  }
  template <class Movement>
  Shape operator()(const Movement& op) const {
    return infer(op, in[0], where);
  }
};

void check_values(std::span<const float> values, const FloatNet& net, const FloatNode& node, const char* what) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) {
      throw Error(fmt::format("{}: layer \"{}\": {} {} is {}, expected a finite number", net.name, node.name, what, i,
                              values[i]));
    }
  }
}

}  // namespace

std::string_view operator_name(const FloatOp& op) {
  constexpr std::string_view names[] = {"conv",     "dense",    "batch_norm", "clip",      "add",   "concat",
                                        "max_pool", "avg_pool", "reshape",    "transpose", "slice", "pad"};
  return names[op.index()];
}

Shape infer(const FloatOp& op, std::span<const Shape> inputs, const std::string& where) {
  Shape y = std::visit(Infer{inputs, where}, op);
  check_shape(y, where);
  return y;
}

std::vector<int> use_counts(const FloatNet& net) {
  std::vector<int> counts(net.values.size());
  for (const FloatNode& node : net.nodes) {
    for (const int i : node.inputs) ++counts[static_cast<std::size_t>(i)];
  }
  ++counts[static_cast<std::size_t>(net.output)];
  return counts;
}

std::vector<int> producers(const FloatNet& net) {
  std::vector<int> by(net.values.size(), -1);
  for (std::size_t i = 0; i < net.nodes.size(); ++i)
    by[static_cast<std::size_t>(net.nodes[i].output)] = static_cast<int>(i);
  return by;
}

bool has_weights(const FloatOp& op) {
  return std::holds_alternative<FloatConv>(op) || std::holds_alternative<FloatDense>(op);
}

const FloatTensor& weights_of(const FloatOp& op) {
  const auto* conv = std::get_if<FloatConv>(&op);
  return conv != nullptr ? conv->weights : std::get<FloatDense>(op).weights;
}

const std::vector<float>& bias_of(const FloatOp& op) {
  const auto* conv = std::get_if<FloatConv>(&op);
  return conv != nullptr ? conv->bias : std::get<FloatDense>(op).bias;
}

std::int64_t macs(const FloatNet& net, const FloatNode& node) {
  if (!has_weights(node.op)) return 0;
  const Shape& w = weights_of(node.op).shape;
  return net.values[static_cast<std::size_t>(node.output)].shape.elems() * (w.elems() / w[0]);
}

void check_finite(const FloatNet& net) {
  for (const FloatNode& node : net.nodes) {
    if (has_weights(node.op)) {
      check_values(weights_of(node.op).data, net, node, "weight");
      check_values(bias_of(node.op), net, node, "bias");
    } else if (const auto* norm = std::get_if<FloatBatchNorm>(&node.op)) {
      check_values(norm->gain, net, node, "gain");
      check_values(norm->shift, net, node, "shift");
      check_values(norm->mean, net, node, "mean");
      check_values(norm->variance, net, node, "variance");
    }
  }
}

}  // namespace obz
