// Layers with a filter, and products of two activations: geometry and constants, the arithmetic still open.
#include <algorithm>

#include <fmt/format.h>

#include "ref/execute/naive.hpp"
#include "ref/net/validate.hpp"
#include "ref/read/onnx/geometry.hpp"
#include "ref/read/onnx/lowering.hpp"

namespace obz::onnx {
namespace {

Tensor permuted(Tensor x, const Shape& as, const Shape& permutation) {
  x.shape = as;
  const Operator op = Transpose{permutation};
  Tensor y(infer_shape(op, {&x.shape, 1}, "weights"), x.type);
  const Tensor* const inputs[] = {&x};
  run_naive(Node{.op = op}, inputs, y);
  return y;
}

void require_filter(const NodeDef& node, const Operand& x, const Operand& w, const NodeView& view) {
  if (x.shape.rank() != 4 || w.shape.rank() != 4) {
    view.unsupported(
        fmt::format("{} of {} with weights {}: 2-D convolutions are", node.op_type, x.shape.text(), w.shape.text()));
  }
  if (w.constant == nullptr) view.unsupported("weights that are computed");
  if (w.shape.elems() == 0) view.fail(fmt::format("expected weights without empty extents, got {}", w.shape.text()));
  const std::vector<std::int64_t> kernel{w.shape[2], w.shape[3]};
  const std::vector<std::int64_t> declared = view.integer_list("kernel_shape", kernel);
  if (declared != kernel) {
    view.fail(fmt::format("attribute \"kernel_shape\": expected {}x{} as the weights have, got {}", kernel[0],
                          kernel[1], fmt::join(declared, "x")));
  }
}

std::int64_t groups_of(const NodeView& view, std::int64_t channels) {
  const std::int64_t groups = view.integer("group", 1);
  if (groups < 1 || channels % groups != 0)
    view.fail(fmt::format("expected groups that divide {} channels, got {}", channels, groups));
  return groups;
}

/// Zero points of the filter: none, one, or one per output channel.
std::vector<std::int64_t> filter_zero_points(const Quant& quant) {
  const std::vector<std::int64_t>& z = quant.affine.zero_points;
  const bool all_zero = std::all_of(z.begin(), z.end(), [](std::int64_t v) { return v == 0; });
  return all_zero ? std::vector<std::int64_t>() : z;
}

}  // namespace

Lowering::Layer Lowering::deferred(const View& view, Operator op, std::vector<Operand> operands) const {
  auto d = std::make_shared<Deferred>();
  d->node = &view.node();
  d->id = view.output();
  std::vector<Shape> shapes;
  for (const Operand& o : operands) {
    if (!o.quant.per_tensor()) view.unsupported("activations with more than one scale");
    shapes.push_back(o.shape);
  }
  if (auto* concat = std::get_if<Concat>(&op)) {  // its shape check counts the parts' arithmetic, which is still open
    Concat counted = *concat;
    counted.requants.resize(shapes.size());
    counted.x_zero_points.resize(shapes.size());
    d->shape = infer_shape(counted, shapes, view.where());
  } else {
    d->shape = infer_shape(op, shapes, view.where());
  }
  d->op = std::move(op);
  d->operands = std::move(operands);
  return d;
}

Lowering::Layer Lowering::conv_layer(const View& view, Operand x, const Operand& w) const {
  require_filter(view.node(), x, w, view);
  Conv2d op{.layout = Layout::nchw};
  op.filter.weights = permuted(*w.constant, w.shape, Shape{0, 2, 3, 1});  // OIHW -> O, KH, KW, I / groups
  op.filter.zero_points = filter_zero_points(w.quant);
  op.groups = groups_of(view, w.shape[0]);
  op.window = window_of(view, {x.shape[2], x.shape[3]}, {w.shape[2], w.shape[3]});
  op.x_zero_point = static_cast<std::int32_t>(x.quant.zero_point());
  std::vector<float> scales = weight_scales(view, w, 0, w.shape[0]);
  Layer layer = deferred(view, std::move(op), {std::move(x)});
  layer->weight_scales = std::move(scales);
  layer->weights_are_float16 = w.quant.is_float16;
  return layer;
}

Lowering::Layer Lowering::conv_transpose_layer(const View& view, Operand x, const Operand& w) const {
  require_filter(view.node(), x, w, view);
  const std::int64_t groups = groups_of(view, w.shape[0]), each = w.shape[1], channels = groups * each;
  ConvTranspose2d op{.layout = Layout::nchw};
  op.groups = groups;
  // I, O / groups, KH, KW with the inputs sorted by group -> O, KH, KW, I / groups
  const Shape grouped{groups, w.shape[0] / groups, each, w.shape[2], w.shape[3]};
  op.filter.weights = permuted(*w.constant, grouped, Shape{0, 2, 3, 4, 1});
  op.filter.weights.shape = Shape{channels, w.shape[2], w.shape[3], w.shape[0] / groups};
  const TransposedWindow geometry = transposed_window_of(view, {x.shape[2], x.shape[3]}, {w.shape[2], w.shape[3]});
  op.window = geometry.window;
  op.out_h = geometry.out[0];
  op.out_w = geometry.out[1];
  op.x_zero_point = static_cast<std::int32_t>(x.quant.zero_point());
  std::vector<float> scales = weight_scales(view, w, 1, each);
  std::vector<std::int64_t> zero_points = filter_zero_points(w.quant);
  for (std::size_t i = 0; scales.size() > 1 && i < static_cast<std::size_t>(channels - each); ++i)
    scales.push_back(scales[i]);
  for (std::size_t i = 0; zero_points.size() > 1 && i < static_cast<std::size_t>(channels - each); ++i) {
    zero_points.push_back(zero_points[i]);
  }
  op.filter.zero_points = std::move(zero_points);
  Layer layer = deferred(view, std::move(op), {std::move(x)});
  layer->weight_scales = std::move(scales);
  layer->weights_are_float16 = w.quant.is_float16;
  return layer;
}

/// `transposed`: the weights are stored [outputs, inputs] already.
Lowering::Layer Lowering::dense_layer(const View& view, Operand x, const Operand& w, bool transposed,
                                      bool keep_dims) const {
  if (w.shape.elems() == 0) view.fail(fmt::format("expected weights without empty extents, got {}", w.shape.text()));
  const std::size_t out_axis = transposed ? 0 : 1;
  const std::int64_t depth = w.shape[1 - out_axis];
  if (x.shape.rank() < 1 || x.shape[x.shape.rank() - 1] != depth) {
    view.fail(fmt::format("operands {} and {} have different depths", x.shape.text(), w.shape.text()));
  }
  Dense op{.keep_dims = keep_dims};
  op.filter.weights = transposed ? *w.constant : permuted(*w.constant, w.shape, Shape{1, 0});
  op.filter.zero_points = filter_zero_points(w.quant);
  op.x_zero_point = static_cast<std::int32_t>(x.quant.zero_point());
  std::vector<float> scales = weight_scales(view, w, out_axis, w.shape[out_axis]);
  Layer layer = deferred(view, std::move(op), {std::move(x)});
  layer->weight_scales = std::move(scales);
  layer->weights_are_float16 = w.quant.is_float16;
  return layer;
}

Lowering::Layer Lowering::matmul_layer(const View& view, Operand a, Operand b, bool transpose_b) const {
  if (a.shape.rank() < 2 || b.shape.rank() < 2) {
    view.unsupported(
        fmt::format("a product of {} and {}: operands of rank 2 or more are", a.shape.text(), b.shape.text()));
  }
  const std::size_t last = b.shape.rank() - 1, out_axis = transpose_b ? last - 1 : last;
  MatMul op{.transpose_b = transpose_b};
  op.a_zero_points = a.quant.affine.zero_points;
  op.b_zero_points = b.quant.affine.zero_points;
  std::vector<float> scales = weight_scales(view, b, out_axis, b.shape[out_axis]);
  const bool float16 = b.quant.is_float16;
  // The scales of b stand in weight_scales, its zero points in the operator: what is left is per tensor.
  b.quant.affine = AffineScale{{b.quant.affine.scales[0]}, {b.quant.affine.zero_points[0]}};
  const bool per_row = a.quant.affine.axis == static_cast<std::int64_t>(a.shape.rank()) - 2;
  if (a.quant.affine.zero_points.size() > 1 && !per_row) view.unsupported("zero points along the summed axis");
  const std::vector<double>& sa = a.quant.affine.scales;
  if (std::any_of(sa.begin(), sa.end(), [&](double s) { return s != sa[0]; })) view.unsupported("one scale per row");
  a.quant.affine = AffineScale{{sa[0]}, {a.quant.affine.zero_points[0]}};
  Layer layer = deferred(view, std::move(op), {std::move(a), std::move(b)});
  layer->weight_scales = std::move(scales);
  layer->weights_are_float16 = float16;
  return layer;
}

/// A dense layer when b is a constant matrix.
Lowering::Layer Lowering::matmul_of(const View& view, Operand a, Operand b) const {
  const bool is_dense = b.constant != nullptr && b.shape.rank() == 2 && a.shape.rank() >= 2 && a.quant.per_tensor();
  return is_dense ? dense_layer(view, std::move(a), b, false, true)
                  : matmul_layer(view, std::move(a), std::move(b), false);
}

}  // namespace obz::onnx
