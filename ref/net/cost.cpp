#include "ref/net/cost.hpp"

namespace obz {
namespace {

std::int64_t packed_bytes(std::int64_t elems, int bits) { return (elems * bits + 7) / 8; }

struct MacsOf {
  const Shape& x;
  const Shape& y;

  std::int64_t operator()(const Conv2d& op) const { return macs(op, y); }
  std::int64_t operator()(const ConvTranspose2d& op) const { return macs(op, x); }
  std::int64_t operator()(const Dense& op) const { return macs(op, y); }
  std::int64_t operator()(const MatMul& op) const { return y.elems() * depth(op, x); }
  template <class Op>
  std::int64_t operator()(const Op&) const {
    return 0;
  }
};

}  // namespace

LayerCost cost_of(const IntNet& net, const Node& node) {
  const auto info = [&](int i) -> const TensorInfo& { return net.tensors[static_cast<std::size_t>(i)]; };
  const TensorInfo& y = info(node.outputs[0]);
  const TensorInfo& x = node.inputs.empty() ? y : info(node.inputs[0]);
  LayerCost cost;
  cost.macs = std::visit(MacsOf{x.shape, y.shape}, node.op);
  cost.out_bytes = packed_bytes(y.shape.elems(), y.type.bits);
  std::int64_t weight_bits = node.inputs.size() > 1 ? info(node.inputs[1]).type.bits : 0;
  std::visit(
      [&](const auto& op) {
        if constexpr (requires { op.filter; }) {
          weight_bits = op.filter.weights.type.bits;
          cost.weight_bytes = packed_bytes(op.filter.weights.elems(), op.filter.weights.type.bits);
        }
      },
      node.op);
  cost.bops = cost.macs * weight_bits * x.type.bits;
  return cost;
}

}  // namespace obz
