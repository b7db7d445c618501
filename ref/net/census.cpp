#include "ref/net/census.hpp"

#include "ref/net/cost.hpp"

namespace obz {
namespace {

/// `count` values through this requantizer.
Census of(const Requant& r, std::int64_t count) {
  Census c;
  const auto channels = static_cast<std::int64_t>(r.channels.size());
  for (const Channel& channel : r.channels) {
    const std::int64_t n = count / channels;  // channels share the values evenly
    if (r.recipe.arithmetic != Arithmetic::dyadic) {
      constexpr std::int64_t steps = 3;  // to float, scale, round
      c.floating += steps * n;
    } else if (channel.multiplier != 1 || channel.shift != 0 || channel.addend != 0) {
      c.multiply += n;
      c.add += (channel.addend != 0 ? n : 0) + (channel.shift > 0 ? n : 0);
      c.shift += (channel.shift > 0 ? n : 0) + (r.recipe.first_bits > 0 ? n : 0);
    }
    if (channel.zero_point != 0) c.add += n;
    c.compare += 2 * n;
  }
  return c;
}

struct CensusOf {
  const IntNet& net;
  const Node& node;

  const Shape& x(std::size_t i = 0) const { return net.tensors[static_cast<std::size_t>(node.inputs[i])].shape; }
  std::int64_t outputs() const { return net.tensors[static_cast<std::size_t>(node.outputs[0])].shape.elems(); }

  template <class Layer>
  Census products(const Layer& op, bool bias) const {
    const std::int64_t macs = cost_of(net, node).macs;
    Census c{.multiply = macs, .add = macs + (bias ? outputs() : 0)};
    if constexpr (requires { op.x_zero_point; }) c.add += op.x_zero_point != 0 ? x().elems() : 0;
    return c += of(op.requant, outputs());
  }
  Census operator()(const Conv2d& op) const { return products(op, !op.filter.bias.empty()); }
  Census operator()(const ConvTranspose2d& op) const { return products(op, !op.filter.bias.empty()); }
  Census operator()(const Dense& op) const { return products(op, !op.filter.bias.empty()); }
  Census operator()(const MatMul& op) const { return products(op, false); }
  Census operator()(const Add& op) const {
    if (op.floating) return {.floating = 6 * outputs()};
    Census c{.add = outputs() * (1 + (op.a_zero_point != 0 ? 1 : 0) + (op.b_zero_point != 0 ? 1 : 0)),
             .shift = op.left_shift > 0 ? 2 * outputs() : 0};
    for (const Requant* r : {&op.branch_a, &op.branch_b, &op.out}) c += of(*r, outputs());
    return c;
  }
  Census operator()(const Mul& op) const {
    Census c{.multiply = outputs()};
    return c += of(op.requant, outputs());
  }
  Census operator()(const MinMax&) const { return {.compare = outputs()}; }
  Census operator()(const AvgPool& op) const {
    Census c{.add = outputs() * op.kernel_h * op.kernel_w};
    if (op.by == AverageBy::division) {
      c.division = outputs();
      c.add += outputs();  // the rounding
      c.compare = 2 * outputs();
      return c;
    }
    return c += of(Requant{op.requant.recipe, {op.requant.channels.back()}}, outputs());
  }
  Census operator()(const MaxPool& op) const {
    return {.compare = outputs() * (std::int64_t{op.kernel_h} * op.kernel_w + 1)};
  }
  Census operator()(const Mean& op) const {
    Census c{.add = x().elems()};
    return c += of(op.requant, outputs());
  }
  Census operator()(const Softmax&) const { return {.function = outputs()}; }
  Census operator()(const Rescale& op) const {
    Census c{.add = op.x_zero_point != 0 ? outputs() : 0};
    return c += of(op.requant, outputs());
  }
  Census operator()(const Lookup&) const { return {.function = outputs()}; }
  Census operator()(const Threshold&) const { return {.function = outputs()}; }
  Census operator()(const Concat& op) const {
    Census c;
    for (std::size_t i = 0; i < op.requants.size(); ++i) c += of(op.requants[i], x(i).elems());
    return c;
  }
  template <class Movement>
  Census operator()(const Movement&) const {
    return {};
  }
};

}  // namespace

Census census_of(const IntNet& net, const Node& node) { return std::visit(CensusOf{net, node}, node.op); }

}  // namespace obz
