// Pools, means, concatenation.

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "ref/net/validate.hpp"
#include "ref/read/onnx/fill_deferred.hpp"
#include "ref/read/onnx/geometry.hpp"
#include "ref/read/onnx/lowering.hpp"

namespace obz::onnx {
namespace {

Extents spatial(const Shape& x, const NodeView& view) {
  if (x.rank() != 4) view.unsupported(fmt::format("a window over {}: rank 4 is", x.text()));
  return {x[2], x[3]};
}

/// Along one axis: no window lies in the padding alone, where it would have no largest value.
bool every_window_meets(std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride,
                        std::int64_t dilation, std::int64_t pad) {
  for (std::int64_t o = 0; o < out; ++o) {
    bool meets = false;
    for (std::int64_t k = 0; k < kernel && !meets; ++k) {
      const std::int64_t at = o * stride - pad + k * dilation;
      meets = at >= 0 && at < in;
    }
    if (!meets) return false;
  }
  return true;
}

}  // namespace

/// The largest of a window commutes with quantizing: it waits with the movements.
void Lowering::max_pool(const View& view) {
  view.require_inputs(1, 1);
  const Shape* x = shape_of(view.in(0));
  const Extents in = spatial(*x, view), kernel = kernel_of(view);
  MaxPool op{.layout = Layout::nchw, .window = window_of(view, in, kernel)};
  op.kernel_h = static_cast<std::int32_t>(kernel[0]);
  op.kernel_w = static_cast<std::int32_t>(kernel[1]);
  const Window& w = op.window;
  const Shape y = infer_shape(Operator(op), {x, 1}, view.where());
  const bool inside = every_window_meets(in[0], y[2], op.kernel_h, w.stride_h, w.dilation_h, w.pad_top) &&
                      every_window_meets(in[1], y[3], op.kernel_w, w.stride_w, w.dilation_w, w.pad_left);
  if (!inside) view.fail("expected windows that each hold a value of the input; one lies in the padding alone");
  move_value(view, {.node = &view.node(), .id = view.output(), .op = op});
}

void Lowering::average_pool(const View& view) {
  view.require_inputs(1, 1);
  Operand x = operand(view, 0);
  const Extents in = spatial(x.shape, view), kernel = kernel_of(view);
  AvgPool op{.layout = Layout::nchw};
  op.count_includes_pad = view.integer("count_include_pad", 0) != 0;
  op.window = window_of(view, in, kernel, op.count_includes_pad);
  op.kernel_h = static_cast<std::int32_t>(kernel[0]);
  op.kernel_w = static_cast<std::int32_t>(kernel[1]);
  op.x_zero_point = static_cast<std::int32_t>(x.quant.zero_point());
  define_layer(view, deferred(view, op, {std::move(x)}));
}

void Lowering::define_mean(const View& view, Operand x, std::vector<std::int64_t> axes, bool keep_dims) {
  std::vector<std::int64_t> distinct;
  for (std::int64_t axis : axes) {
    const auto rank = static_cast<std::int64_t>(x.shape.rank());
    if (axis < -rank || axis >= rank) view.fail(fmt::format("expected axes in {}..{}, got {}", -rank, rank - 1, axis));
    if (axis < 0) axis += rank;
    if (x.shape[static_cast<std::size_t>(axis)] < 1)
      view.fail(fmt::format("expected values to average, got {}", x.shape.text()));
    if (std::find(distinct.begin(), distinct.end(), axis) == distinct.end()) distinct.push_back(axis);
  }
  Mean op{.axes = Shape(std::move(distinct)), .keep_dims = keep_dims};
  op.x_zero_point = static_cast<std::int32_t>(x.quant.zero_point());
  define_layer(view, deferred(view, op, {std::move(x)}));
}

void Lowering::global_average_pool(const View& view) {
  view.require_inputs(1, 1);
  Operand x = operand(view, 0);
  if (x.shape.rank() < 3) view.fail(fmt::format("expected an input of rank 3 or more, got {}", x.shape.text()));
  std::vector<std::int64_t> axes(x.shape.rank() - 2);
  std::iota(axes.begin(), axes.end(), 2);
  define_mean(view, std::move(x), std::move(axes), true);
}

void Lowering::reduce_mean(const View& view) {
  view.require_inputs(1, 2);
  Operand x = operand(view, 0);
  std::vector<std::int64_t> axes = view.list("axes", 1).value_or(std::vector<std::int64_t>());
  if (axes.empty() && view.integer("noop_with_empty_axes", 0) == 0) {
    axes.resize(x.shape.rank());
    std::iota(axes.begin(), axes.end(), 0);
  }
  define_mean(view, std::move(x), std::move(axes), view.integer("keepdims", 1) != 0);
}

void Lowering::concat(const View& view) {
  view.require_inputs(1, 1 << 16);
  const Shape* first = shape_of(view.in(0));
  const auto rank = static_cast<std::int64_t>(first == nullptr ? 0 : first->rank());
  const std::int64_t axis = view.integer("axis", 0);
  if (axis < -rank || axis >= rank) view.fail(fmt::format("expected an axis in {}..{}, got {}", -rank, rank - 1, axis));
  Concat op{.axis = axis < 0 ? axis + rank : axis};
  const bool raw = std::holds_alternative<Integer>(view.in(0));
  std::vector<Operand> parts;
  for (std::size_t i = 0; i < view.input_count(); ++i) {
    parts.push_back(raw ? integer_operand(view, i, Quant()) : operand(view, i));
    if (raw && parts[i].type != parts[0].type) view.fail("expected parts of one type");
  }
  Layer layer = deferred(view, std::move(op), std::move(parts));
  if (raw) {
    define_sums(view, *layer);
  } else {
    define_layer(view, std::move(layer));
  }
}

}  // namespace obz::onnx
