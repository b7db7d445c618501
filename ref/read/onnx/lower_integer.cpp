// Operators that are integer already: their inputs carry scales and zero points of their own.
#include <algorithm>

#include <fmt/format.h>

#include "ref/read/onnx/constant.hpp"
#include "ref/read/onnx/fill_deferred.hpp"
#include "ref/read/onnx/lowering.hpp"

namespace obz::onnx {

/// Input i with scale and zero point from two others; `axis` counts a vector of them.
Operand Lowering::scaled_operand(const View& view, std::size_t i, std::size_t scale, std::size_t zero_point,
                                 std::int64_t axis) {
  Operand o = integer_operand(view, i, Quant());
  o.quant = quant_of(view, scale, zero_point, data_type_of(o.type));
  annotate(o.tensor, o.quant);
  if (o.quant.affine.scales.size() > 1)
    o.quant.affine.axis = axis < 0 ? axis + static_cast<std::int64_t>(o.shape.rank()) : axis;
  return o;
}

/// Input i with a zero point of its own and no scale.
Operand Lowering::unscaled_operand(const View& view, std::size_t i, std::size_t zero_point, std::int64_t axis) const {
  Operand o = integer_operand(view, i, Quant());
  if (!view.has(zero_point)) return o;
  const Constant& c = view.known(zero_point, "zero point");
  if (c.type != data_type_of(o.type)) {
    view.fail(fmt::format("zero point \"{}\": expected {}, got {}", view.name(zero_point),
                          type_name(data_type_of(o.type)), type_name(c.type)));
  }
  AffineScale& a = o.quant.affine;
  a.zero_points = view.integers(zero_point, "zero point");
  if (a.zero_points.empty()) view.fail("expected at least one zero point, got none");
  a.scales.assign(a.zero_points.size(), 1.0);
  if (a.scales.size() > 1) a.axis = axis < 0 ? axis + static_cast<std::int64_t>(o.shape.rank()) : axis;
  return o;
}

/// The layer requantized to the scale and zero point of the given inputs.
void Lowering::define_requantized(const View& view, const Deferred& layer, std::size_t scale, std::size_t zero_point) {
  DataType type = data_type_of(layer.operands[0].type);
  if (view.has(zero_point)) type = view.known(zero_point, "zero point").type;
  if (!int_type(type)) view.unsupported(fmt::format("{} as quantized type", type_name(type)));
  const Quant quant = quant_of(view, scale, zero_point, type);
  if (!quant.per_tensor()) view.unsupported("activations with more than one scale");
  const IntType t = *int_type(type);
  const OutputQuant out{
      .scale = quant.scale(), .zero_point = quant.zero_point(), .lo = t.min(), .hi = t.max(), .type = t};
  const Operand y = emit_layer(view.node(), layer, out, quant, view.output(), profile_);
  define(view.output(), Integer{y.tensor, y.shape, y.type});
}

void Lowering::define_sums(const View& view, Deferred& layer) {
  const Operand y = emit_sums(layer);
  builder_.net().tensors[static_cast<std::size_t>(y.tensor)].scale = 0;  // nothing has given these integers one
  define(view.output(), Integer{y.tensor, y.shape, y.type});
}

void Lowering::qlinear_conv(const View& view) {
  view.require_inputs(8, 9);  // x, scale, zp, w, scale, zp, y scale, zp, bias
  const Layer layer = conv_layer(view, scaled_operand(view, 0, 1, 2, 1), scaled_operand(view, 3, 4, 5, 0));
  if (view.has(8)) {
    Filter& filter = *filter_of(layer->op);
    filter.bias = view.integers(8, "bias");
    if (static_cast<std::int64_t>(filter.bias.size()) != filter.out_channels()) {
      view.fail(fmt::format("expected {} bias values, got {}", filter.out_channels(), filter.bias.size()));
    }
  }
  define_requantized(view, *layer, 6, 7);
}

void Lowering::qlinear_matmul(const View& view) {
  view.require_inputs(8, 8);  // a, scale, zp, b, scale, zp, y scale, zp
  define_requantized(view, *matmul_of(view, scaled_operand(view, 0, 1, 2, -2), scaled_operand(view, 3, 4, 5, -1)), 6,
                     7);
}

void Lowering::qlinear_add(const View& view) {
  view.require_inputs(7, 8);  // a, scale, zp, b, scale, zp, y scale, zp
  std::vector<Operand> operands{scaled_operand(view, 0, 1, 2, 0), scaled_operand(view, 3, 4, 5, 0)};
  const bool is_product = view.node().op_type.ends_with("QLinearMul");
  const Operator op = is_product ? Operator(Mul{}) : Operator(Add{});
  const Layer layer = deferred(view, op, std::move(operands));
  set_product_zero_points(*layer);
  define_requantized(view, *layer, 6, 7);
}

void Lowering::conv_integer(const View& view) {
  view.require_inputs(2, 4);
  const Layer layer = conv_layer(view, unscaled_operand(view, 0, 2, 1), unscaled_operand(view, 1, 3, 0));
  layer->weight_scales.assign(1, 1.0F);
  define_sums(view, *layer);
}

void Lowering::matmul_integer(const View& view) {
  view.require_inputs(2, 4);
  const Layer layer = matmul_of(view, unscaled_operand(view, 0, 2, -2), unscaled_operand(view, 1, 3, -1));
  layer->weight_scales.assign(1, 1.0F);
  define_sums(view, *layer);
}

}  // namespace obz::onnx
