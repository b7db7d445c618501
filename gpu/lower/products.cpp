#include "gpu/lower/products.hpp"

#include "gpu/lower/conv_problem.hpp"
#include "gpu/lower/move.hpp"
#include "gpu/lower/orders.hpp"
#include "gpu/lower/residual.hpp"

namespace obz::gpu {
namespace {

void lower_product(Builder& builder, const ConvProblem& p, const LowerOptions& options) {
  require_dyadic(*p.requant);
  if (options.tensor_cores && for_tensor_cores(p)) return conv_on_tensor_cores(builder, p, options.tile);
  if (p.hwnc) throw Unsupported("pixels stored h, w, n need the tensor core");
  conv_direct(builder, p);
}

}  // namespace

bool lower_conv(Builder& builder, const Node& node, const Conv2d& op, const LowerOptions& options, const Join* join) {
  const Order order = pixel_order(op.layout, options.hwnc);
  ConvProblem p;
  p.x = builder.get(node.inputs[0], order);
  const TensorInfo& y = builder.net().tensors[static_cast<std::size_t>(node.outputs[0])];
  p.g = geometry_of(p.x.storage.shape, y.shape, op.layout, op.filter.weights.shape[1], op.filter.weights.shape[2],
                    op.window);
  p.groups = op.groups;
  p.x_zero_point = op.x_zero_point;
  p.weights = weights_of(op.filter, op.filter.weights.shape[1] * op.filter.weights.shape[2]);
  p.filter = &op.filter;
  p.requant = &op.requant;
  p.accumulator = op.accumulator;
  p.hwnc = options.hwnc;
  if (join != nullptr && options.tensor_cores && for_tensor_cores(p)) {
    const Placed other = builder.get(join->other, order);
    p.y = builder.make(join->y, order);
    p.residual = residual_of(*join->add, other, join->conv_is_second);
    lower_product(builder, p, options);
    builder.set(join->y, p.y);
    return true;
  }
  p.y = builder.make(node.outputs[0], order);
  lower_product(builder, p, options);
  builder.set(node.outputs[0], p.y);
  return false;
}

void lower_dense(Builder& builder, const Node& node, const Dense& op, const LowerOptions& options) {
  const TensorInfo& x = builder.net().tensors[static_cast<std::size_t>(node.inputs[0])];
  const std::int64_t depth = op.filter.weights.shape[1], rows = x.shape.elems() / depth;
  ConvProblem p;
  if (x.shape.rank() > 0 && x.shape[x.shape.rank() - 1] == depth) {
    p.x = builder.get(node.inputs[0], natural_order(x.shape.rank()));
  } else {  // rows of several axes
    const Placed from = builder.get(node.inputs[0], builder.order_of(node.inputs[0]));
    p.x = builder.scratch({Shape{rows, depth}, x.type, {0, 1}}, "x as rows");
    move(builder, from, p.x, {.step = {depth, 1}, .low = {0, 0}, .high = {rows, depth}});
  }
  p.y = builder.make(node.outputs[0],
                     natural_order(builder.net().tensors[static_cast<std::size_t>(node.outputs[0])].shape.rank()));
  p.g.n = static_cast<std::int32_t>(rows);
  p.x_zero_point = op.x_zero_point;
  p.weights = weights_of(op.filter, 1);
  p.filter = &op.filter;
  p.requant = &op.requant;
  p.accumulator = op.accumulator;
  lower_product(builder, p, options);
  builder.set(node.outputs[0], p.y);
}

}  // namespace obz::gpu
