#include "gpu/lower/pointwise.hpp"

#include "gpu/lower/channels.hpp"
#include "gpu/lower/move.hpp"
#include "gpu/lower/orders.hpp"

namespace obz::gpu {
namespace {

const TensorInfo& info(const Builder& b, int t) { return b.net().tensors[static_cast<std::size_t>(t)]; }

/// Tensor t as large as `shape`.
Placed as_large(Builder& b, int t, const Shape& shape, const Order& order) {
  if (info(b, t).shape == shape) return b.get(t, order);
  const Placed x = b.get(t, b.order_of(t));
  const Placed wide = b.scratch({shape, info(b, t).type, order}, info(b, t).name + ", repeated");
  move(b, x, wide, transposed(x.storage, wide.storage));
  return wide;
}

void call_pair(Builder& b, const Node& node, PairArgs args) {
  const Operands operands = operands_of(b, node);
  const Placed y = b.make(node.outputs[0], operands.order);
  args.a = operands.a.view();
  args.b = operands.b.view();
  args.y = y.view();
  b.call("pointwise", "pair", quads_of(args.y), args);
  b.set(node.outputs[0], y);
}

}  // namespace

Operands operands_of(Builder& b, const Node& node) {
  const Shape& shape = info(b, node.outputs[0]).shape;
  const int leader = info(b, node.inputs[0]).shape == shape ? node.inputs[0] : node.inputs[1];
  const Order order = info(b, leader).shape == shape ? b.order_of(leader) : natural_order(shape.rank());
  return {as_large(b, node.inputs[0], shape, order), as_large(b, node.inputs[1], shape, order), order};
}

void lower_mul(Builder& b, const Node& node, const Mul& op) {
  require_dyadic(op.requant);
  call_pair(b, node,
            {.channel = channel_of(op.requant.channels[0]),
             .requant = requantizer_of(op.requant, op.accumulator),
             .a_zero_point = op.a_zero_point,
             .b_zero_point = op.b_zero_point,
             .does = PairOp::product});
}

void lower_min_max(Builder& b, const Node& node, const MinMax& op) {
  call_pair(b, node, {.does = op.maximum ? PairOp::maximum : PairOp::minimum});
}

void lower_lookup(Builder& b, const Node& node, const Lookup& op) {
  const Order order = b.order_of(node.inputs[0]);
  const Placed x = b.get(node.inputs[0], order), y = b.make(node.outputs[0], order);
  const LookupArgs args{.x = x.view(),
                        .y = y.view(),
                        .table = b.memory().constant(op.table.data, b.layer() + ": table"),
                        .first = static_cast<std::int32_t>(info(b, node.inputs[0]).type.min())};
  b.call("pointwise", "lookup", quads_of(args.y), args);
  b.set(node.outputs[0], y);
}

void lower_threshold(Builder& b, const Node& node, const Threshold& op) {
  const bool per_channel = op.channels > 1;
  const Order order = per_channel
                          ? with_channel(info(b, node.inputs[0]).shape.rank(), static_cast<std::size_t>(op.axis))
                          : b.order_of(node.inputs[0]);
  const Placed x = b.get(node.inputs[0], order), y = b.make(node.outputs[0], order);
  std::vector<std::int64_t> thresholds = op.thresholds;
  if (thresholds.empty()) thresholds.push_back(0);  // not looked at
  const std::vector<std::int32_t> directions(op.directions.begin(), op.directions.end());
  const ThresholdArgs args{
      .x = x.view(),
      .y = y.view(),
      .thresholds = b.memory().constant(thresholds, b.layer() + ": thresholds"),
      .directions = b.memory().constant(directions, b.layer() + ": directions"),
      .count = static_cast<std::int32_t>(static_cast<std::int64_t>(op.thresholds.size()) / op.channels),
      .per_channel = per_channel ? 1 : 0,
      .lo = op.lo,
      .step = op.step};
  b.call("pointwise", "threshold", quads_of(args.y), args);
  b.set(node.outputs[0], y);
}

void lower_softmax(Builder& b, const Node& node, const Softmax& op) {
  require_dyadic(op.difference);
  const IntType out = info(b, node.outputs[0]).type;
  if (out.bits != 4 && out.bits != 8 && out.bits != 16 && out.bits != 32) {
    throw Unsupported("a softmax whose output does not fill its elements");
  }
  const Order order = natural_order(info(b, node.inputs[0]).shape.rank());
  const Placed x = b.get(node.inputs[0], order), y = b.make(node.outputs[0], order);
  SoftmaxArgs args{.x = x.view(),
                   .y = y.view(),
                   .difference = channel_of(op.difference.channels[0]),
                   .recipe = op.difference.recipe,
                   .diff_min = op.diff_min,
                   .lo = out.min(),
                   .hi = out.max()};
  if (!op.exp_table.empty()) {
    args.exp_table = b.memory().constant(op.exp_table, b.layer() + ": table of exp");
    args.reciprocal_table = b.memory().constant(op.reciprocal_table, b.layer() + ": table of 1 / x");
  }
  b.call("softmax", "softmax_rows", std::int64_t{32} * args.y.rows, args);
  b.set(node.outputs[0], y);
}

}  // namespace obz::gpu
