// QONNX: quantizers of arbitrary width between float operators. A quantizer behind a layer becomes thresholds
// on its accumulators.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "ref/read/onnx/chain.hpp"
#include "ref/read/onnx/lowering.hpp"

namespace obz::onnx {
namespace {

float whole_number(const NodeView& view, std::size_t i, std::string_view what) {
  const float v = view.scalar(i, what);
  if (v != std::nearbyint(v) || std::fabs(v) > 1e6F)
    view.fail(fmt::format("{} \"{}\": expected an integer, got {}", what, view.name(i), v));
  return v;
}

int width(const NodeView& view, std::size_t i) {
  const Constant* c = view.constant(i);
  const bool integer = c != nullptr && !is_float(c->type) && c->array.shape.elems() == 1;
  const std::int64_t bits =
      integer ? view.integers(i, "bit width")[0] : static_cast<std::int64_t>(whole_number(view, i, "bit width"));
  constexpr std::int64_t most = 32;
  if (bits < 1 || bits > most) view.fail(fmt::format("expected a bit width in 1..{}, got {}", most, bits));
  return static_cast<int>(bits);
}

void set_range(Quantizer& q, int bits, bool is_signed, bool narrow) {
  q.type = {static_cast<std::uint8_t>(bits), is_signed};
  q.lo = q.type.min() + (is_signed && narrow ? 1 : 0);
  q.hi = q.type.max() - (!is_signed && narrow ? 1 : 0);
}

void set_scale(Quantizer& q, const NodeView& view, const Shape& x) {
  q.scales = view.floats(1, "scale");
  const Shape& shape = *shape_of(view.in(1));
  const std::optional<std::int64_t> axis = broadcast_axis(shape, x);
  if (!axis)
    view.unsupported(fmt::format("scales of {} for {}: one, or one per index of one axis, is", shape.text(), x.text()));
  q.axis = *axis;
  for (const float s : q.scales) {
    if (!std::isfinite(s) || s <= 0)
      view.fail(fmt::format("scale \"{}\": expected values > 0, got {}", view.name(1), s));
  }
}

Quant meaning(const Quantizer& q) {
  Quant quant;
  quant.affine.scales.assign(q.scales.begin(), q.scales.end());
  quant.affine.zero_points.assign(q.scales.size(), q.zero_point);
  quant.affine.axis = std::max<std::int64_t>(q.axis, 0);
  return quant;
}

/// Rounding modes that a right shift has: mode, and what joins before it.
std::optional<std::pair<Rounding, bool>> shift_rounding(QonnxRounding mode) {
  switch (mode) {
    case QonnxRounding::round: return std::pair{Rounding::half_even, false};
    case QonnxRounding::floor: return std::pair{Rounding::floor, false};
    case QonnxRounding::down: return std::pair{Rounding::trunc, false};
    case QonnxRounding::half_up: return std::pair{Rounding::half_away, false};
    case QonnxRounding::ceil: return std::pair{Rounding::floor, true};  // floor((p + 2^k - 1) / 2^k)
    default: return std::nullopt;
  }
}

}  // namespace

void Lowering::quant(const View& view) {
  view.require_inputs(4, 4);  // x, scale, zero point, bits
  if (const auto* outside = std::get_if<Outside>(&view.in(0))) throw Error(outside->reason);
  const Shape& x = *shape_of(view.in(0));
  Quantizer q;
  set_scale(q, view, x);
  q.zero_point = static_cast<std::int64_t>(whole_number(view, 2, "zero point"));
  q.rounding = rounding_of(view.text("rounding_mode", "ROUND"), view.where());
  const int bits = width(view, 3);
  const bool is_signed = view.integer("signed", 1) != 0;
  if (bits == 1 && is_signed) {  // the reference evaluates a signed single bit as -1 / +1
    if (q.zero_point != 0) view.unsupported("one signed bit with a zero point");
    define_bipolar(view, std::move(q));
    return;
  }
  set_range(q, bits, is_signed, view.integer("narrow", 0) != 0);
  define_quantized(view, q);
}

void Lowering::bipolar_quant(const View& view) {
  view.require_inputs(2, 2);  // x, scale
  if (const auto* outside = std::get_if<Outside>(&view.in(0))) throw Error(outside->reason);
  Quantizer q;
  set_scale(q, view, *shape_of(view.in(0)));
  define_bipolar(view, std::move(q));
}

void Lowering::define_bipolar(const View& view, Quantizer q) {
  q.bipolar = true;
  q.type = {2, true};
  q.lo = -1;
  q.hi = 1;
  define_quantized(view, q);
}

void Lowering::define_quantized(const View& view, const Quantizer& q) {
  Operand result{.type = q.type, .quant = meaning(q), .id = view.output()};
  const Shape shape = *shape_of(view.in(0));
  if (view.is_known_float(0)) {
    const std::vector<float> values = view.floats(0, "values");
    auto integers = std::make_shared<Tensor>(shape, q.type);
    const std::int64_t inner =
        q.axis < 0 ? 1 : elems_between(shape, static_cast<std::size_t>(q.axis) + 1, shape.rank());
    const std::int64_t extent = q.axis < 0 ? 1 : shape[static_cast<std::size_t>(q.axis)];
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (std::isnan(values[i])) view.fail(fmt::format("expected numbers in \"{}\", got NaN", view.name(0)));
      integers->data[i] = static_cast<std::int32_t>(q(values[i], static_cast<std::int64_t>(i) / inner % extent));
    }
    result.constant = std::move(integers);
    result.shape = shape;
  } else {
    Real value = real(view, 0);
    result =
        value.input() != nullptr ? quantized_input(view, value, q, std::move(result)) : thresholded(view, value, q);
  }
  define_real(view, Real{std::move(result), {}, {}, shape});
}

Operand Lowering::quantized_input(const View& view, const Real& value, const Quantizer& q, Operand result) {
  InputBorder border{.by = q.bipolar ? QuantizeBy::bipolar : QuantizeBy::clamp_first, .lo = q.lo, .hi = q.hi};
  const auto rounding = shift_rounding(q.rounding);
  if (!rounding || rounding->second)
    view.unsupported("this rounding_mode on a float input: ROUND, FLOOR, DOWN and HALF_UP are");
  border.rounding = rounding->first;
  return emit_input(view, value, std::move(border), std::move(result));
}

Operand Lowering::thresholded(const View& view, Real& value, const Quantizer& q) {
  const Operand x = emit_source(value, view.where());
  const bool same = value.chain.empty() && !q.bipolar && q.scales.size() == 1 && x.quant.per_tensor() &&
                    x.quant.scale() == q.scales[0] && x.quant.zero_point() == q.zero_point;
  const Range range = range_of(x.tensor);
  if (same && range.lo >= q.lo && range.hi <= q.hi) return emit_moves(x, value.moves, view.output(), Padding::exact);

  ChainSource source{.scales = x.quant.affine.scales, .zero_point = x.quant.zero_point(), .range = range};
  source.axis = x.quant.affine.scales.size() > 1 ? x.quant.affine.axis : -1;
  const std::optional<std::int64_t> chain_axis = common_axis(value.chain);
  std::int64_t axis = source.axis;
  for (const std::int64_t other : {chain_axis.value_or(-2), q.axis}) {
    if (other == -2 || (axis >= 0 && other >= 0 && axis != other))
      view.unsupported("constants per channel along different axes");
    axis = std::max(axis, other);
  }
  if (q.axis >= 0 && !value.moves.empty()) view.unsupported("one scale per channel behind a movement");
  const std::int64_t channels = axis < 0 ? 1 : x.shape[static_cast<std::size_t>(axis)];
  Threshold op = find_thresholds(source, value.chain, q, axis, channels, view.where());
  const std::string& id = value.moves.empty() ? view.output() : value.moves.front().node->inputs[0];
  const Operand y = emit_node(view.node(), std::move(op), {x}, id, q.type, meaning(q));
  return emit_moves(y, value.moves, view.output(), Padding::exact);
}

/// Trunc: the integers x / scale + zero point shifted right. Version 1 names the widths before and after;
/// version 2 (6 or 7 inputs) the scales before and after, and clamps.
void Lowering::trunc(const View& view) {
  view.require_inputs(5, 7);
  if (const auto* outside = std::get_if<Outside>(&view.in(0))) throw Error(outside->reason);
  const bool clamps = view.input_count() > 5;
  Real value = real(view, 0);
  const float scale = view.scalar(1, "scale");
  const std::int64_t zero_point = static_cast<std::int64_t>(whole_number(view, 2, "zero point"));
  const int in_bits = width(view, 3), out_bits = width(view, view.input_count() - 1);
  float out_scale = scale;
  int shift = in_bits - out_bits;
  if (clamps) {
    out_scale = view.scalar(4, "output scale");
    shift = static_cast<int>(
        std::lround(std::clamp(std::log2(static_cast<double>(out_scale) / static_cast<double>(scale)), -99.0, 99.0)));
    if (zero_point != 0) view.unsupported("Trunc version 2 with a zero point");
  }
  const auto rounding = shift_rounding(rounding_of(view.text("rounding_mode", "FLOOR"), view.where()));
  constexpr int most = 31;
  if (!(scale > 0) || !(out_scale > 0) || shift < 0 || shift > most) {
    view.fail(fmt::format("expected scales > 0 and a right shift in 0..{}, got scales {} and {}, shift {}", most, scale,
                          out_scale, shift));
  }
  if (!rounding) view.unsupported("this rounding_mode: ROUND, CEIL, FLOOR, DOWN and HALF_UP are");

  const Operand x = emit_source(value, view.where());
  double step = x.quant.affine.scales[0];  // real value of one integer step, after multiplications with constants
  for (const ChainStep& s : value.chain) {
    const bool scales = !s.per_channel() && (s.kind == ChainStep::Kind::mul || s.kind == ChainStep::Kind::div);
    if (!scales) view.unsupported(fmt::format("Trunc behind {} \"{}\"", s.node->op_type, s.node->name));
    step = s.kind == ChainStep::Kind::mul ? step * static_cast<double>(s.values[0])
                                          : step / static_cast<double>(s.values[0]);
  }
  constexpr double float_noise = 1e-6;
  if (!x.quant.per_tensor() || !(std::fabs(step / static_cast<double>(scale) - 1) < float_noise)) {
    view.unsupported(fmt::format("Trunc with scale {} of values in steps of {}", scale, step));
  }

  Rescale op;
  op.x_zero_point = static_cast<std::int32_t>(x.quant.zero_point() - zero_point);
  op.requant.recipe.rounding = rounding->first;
  Channel& c = op.requant.channels[0];
  c.shift = shift;
  c.addend = rounding->second ? (std::int64_t{1} << shift) - 1 : 0;
  const Range range = range_of(x.tensor);
  const auto shifted = [&](std::int64_t v) {
    return shift_right(v - op.x_zero_point + c.addend, shift, rounding->first);
  };
  Quantizer q{.scales = {0}, .zero_point = clamps ? 0 : zero_point};
  q.scales[0] = clamps ? out_scale : scale;
  if (clamps) {
    set_range(q, out_bits, view.integer("signed", 1) != 0, view.integer("narrow", 0) != 0);
  } else {  // nothing clamps: as many bits as the values take, at least those the operator names
    const Range out{std::min(shifted(range.lo), shifted(range.hi)), std::max(shifted(range.lo), shifted(range.hi))};
    const bool is_signed = out.lo < 0;
    set_range(q, std::max(out_bits, signed_bits(out) - (is_signed ? 0 : 1)), is_signed, false);
  }
  c.lo = q.lo;
  c.hi = q.hi;
  const std::string& id = value.moves.empty() ? view.output() : value.moves.front().node->inputs[0];
  const Operand y = emit_node(view.node(), op, {x}, id, q.type, meaning(q));
  const Operand moved = emit_moves(y, value.moves, view.output(), Padding::exact);
  define_real(view, Real{moved, {}, {}, moved.shape});
}

}  // namespace obz::onnx
