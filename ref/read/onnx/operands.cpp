// Integers with a meaning: what quantized operators read.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "ref/read/onnx/constant.hpp"
#include "ref/read/onnx/lowering.hpp"
#include "ref/tensor/type_text.hpp"

namespace obz::onnx {

Real Lowering::real(const View& view, std::size_t i) const {
  const auto* value = std::get_if<Real>(&view.in(i));
  if (value == nullptr) view.unsupported(fmt::format("input \"{}\", which is no quantized value", view.name(i)));
  return *value;
}

Operand Lowering::operand(const View& view, std::size_t i) {
  view.in(i);
  auto* value = std::get_if<Real>(&values_.at(view.name(i)));
  if (value == nullptr) view.unsupported(fmt::format("input \"{}\", a float that is not quantized", view.name(i)));
  return materialise(view.name(i), *value, view.where());
}

Operand Lowering::integer_operand(const View& view, std::size_t i, Quant quant) const {
  if (const auto* outside = std::get_if<Outside>(&view.in(i))) throw Error(outside->reason);
  Operand o{.quant = std::move(quant), .id = view.name(i)};
  if (const auto* integer = std::get_if<Integer>(&view.in(i))) {
    o.tensor = integer->tensor;
    o.shape = integer->shape;
    o.type = integer->type;
    return o;
  }
  if (view.constant(i) == nullptr) view.fail(fmt::format("input \"{}\": expected integers, got floats", view.name(i)));
  auto values = std::make_shared<Tensor>(
      tensor_of(*view.constant(i), fmt::format("{}: input \"{}\"", view.where(), view.name(i))));
  o.shape = values->shape;
  o.type = values->type;
  o.constant = std::move(values);
  return o;
}

Quant Lowering::quant_of(const View& view, std::size_t scale, std::size_t zero_point, DataType type) const {
  Quant quant;
  quant.is_float16 = view.known(scale, "scale").type == DataType::float16;
  const std::vector<float> scales = view.floats(scale, "scale");
  quant.affine.scales.assign(scales.begin(), scales.end());
  for (const float s : scales) {
    if (!std::isfinite(s) || s <= 0)
      view.fail(fmt::format("scale \"{}\": expected values > 0, got {}", view.name(scale), s));
  }
  const IntType integers = *int_type(type);
  if (view.has(zero_point)) {
    const Constant& c = view.known(zero_point, "zero point");
    if (c.type != type) {
      view.fail(fmt::format("zero point \"{}\": expected {}, got {}", view.name(zero_point), type_name(type),
                            type_name(c.type)));
    }
    quant.affine.zero_points = view.integers(zero_point, "zero point");
    for (const std::int64_t z : quant.affine.zero_points) {
      if (!integers.holds(z))
        view.fail(fmt::format("zero point \"{}\": {} is no {}", view.name(zero_point), z, type_text(integers)));
    }
  }
  const std::size_t count = std::max(quant.affine.scales.size(), quant.affine.zero_points.size());
  const auto fits = [&](std::size_t n) { return n == 1 || (n > 0 && n == count); };
  if (!fits(scales.size()) || !fits(quant.affine.zero_points.size())) {
    view.fail(fmt::format("expected as many zero points as scales, got {} and {}", quant.affine.zero_points.size(),
                          scales.size()));
  }
  quant.affine.scales.resize(count, quant.affine.scales[0]);
  quant.affine.zero_points.resize(count, quant.affine.zero_points[0]);
  return quant;
}

/// The attributes that say along which axis, or in which blocks, QuantizeLinear and DequantizeLinear scale.
void Lowering::set_axis(const View& view, std::size_t scale, const Shape& x, Quant& quant) const {
  AffineScale& a = quant.affine;
  const std::int64_t block = view.integer("block_size", 0);
  if (a.scales.size() == 1 && block == 0) return;
  const auto rank = static_cast<std::int64_t>(x.rank());
  const std::int64_t axis = view.integer("axis", 1);
  if (axis < -rank || axis >= rank) view.fail(fmt::format("expected an axis in {}..{}, got {}", -rank, rank - 1, axis));
  a.axis = axis < 0 ? axis + rank : axis;
  const std::int64_t extent = x[static_cast<std::size_t>(a.axis)];
  Shape expected{extent};
  if (block != 0) {
    if (block < 0 || block > kMaxElems)
      view.fail(fmt::format("expected a block size in 1..{}, got {}", kMaxElems, block));
    a.block = block;
    expected = x;
    expected[static_cast<std::size_t>(a.axis)] = (extent + block - 1) / block;
    a.scale_shape = expected;
  }
  const Shape& got = view.known(scale, "scale").array.shape;
  if (got != expected)
    view.fail(fmt::format("scale \"{}\": expected shape {}, got {}", view.name(scale), expected.text(), got.text()));
}

std::vector<float> Lowering::weight_scales(const View& view, const Operand& w, std::size_t axis,
                                           std::int64_t channels) const {
  const AffineScale& a = w.quant.affine;
  if (a.block > 0) view.unsupported("weights quantized in blocks: their sums have no common scale");
  const std::vector<float> scales(a.scales.begin(), a.scales.end());
  if (scales.size() == 1) return scales;
  if (a.axis != static_cast<std::int64_t>(axis) || static_cast<std::int64_t>(scales.size()) != channels) {
    view.unsupported(fmt::format("{} weight scales along axis {} (one, or one per output channel along axis {}, are)",
                                 scales.size(), a.axis, axis));
  }
  return scales;
}

}  // namespace obz::onnx
