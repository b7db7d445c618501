// Elementwise float operators: between two quantized values they wait for their output's quantizer, with a
// constant they join the chain of their operand.
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "ref/read/onnx/fill_deferred.hpp"
#include "ref/read/onnx/float_table.hpp"
#include "ref/read/onnx/lowering.hpp"

namespace obz::onnx {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

}  // namespace

/// Two values of which none is a mere float constant; the one that is stored as integers counts as a tensor
/// when the other is quantized too, except in QONNX, where additions have no scales to reconcile.
bool Lowering::is_pair(const View& view) const {
  if (!view.is_known_float(0) && !view.is_known_float(1)) return true;
  if (is_qonnx_ || view.constant(0) != nullptr || view.constant(1) != nullptr) return false;
  const std::size_t computed = view.is_known_float(0) ? 1 : 0;
  const auto* value = std::get_if<Real>(&view.in(computed));
  return value != nullptr && value->operand() != nullptr && value->chain.empty() && !value->is_constant();
}

void Lowering::set_product_zero_points(Deferred& layer) {
  auto* product = std::get_if<Mul>(&layer.op);
  if (product == nullptr) return;  // an addition takes its zero points with its scales
  product->a_zero_point = static_cast<std::int32_t>(layer.operands[0].quant.zero_point());
  product->b_zero_point = static_cast<std::int32_t>(layer.operands[1].quant.zero_point());
}

void Lowering::define_pair(const View& view, Operator op) {
  Operand a = operand(view, 0);
  Layer layer = deferred(view, std::move(op), {std::move(a), operand(view, 1)});
  set_product_zero_points(*layer);
  define_layer(view, std::move(layer));
}

void Lowering::add(const View& view) {
  view.require_inputs(2, 2);
  const bool subtract = view.node().op_type == "Sub";
  if (is_pair(view)) {
    define_pair(view, Add{.subtract = subtract});
  } else if (view.is_known_float(1)) {
    append_constant(view, 0, 1, subtract ? ChainStep::Kind::sub : ChainStep::Kind::add);
  } else {
    append_constant(view, 1, 0, subtract ? ChainStep::Kind::subtract_from : ChainStep::Kind::add);
  }
}

void Lowering::mul(const View& view) {
  view.require_inputs(2, 2);
  if (is_pair(view)) {
    define_pair(view, Mul{});
  } else {
    append_constant(view, view.is_known_float(1) ? 0 : 1, view.is_known_float(1) ? 1 : 0, ChainStep::Kind::mul);
  }
}

void Lowering::div(const View& view) {
  view.require_inputs(2, 2);
  if (!view.is_known_float(1)) view.unsupported("a divisor that is no constant");
  append_constant(view, 0, 1, ChainStep::Kind::div);
}

void Lowering::min_max(const View& view) {
  if (view.input_count() != 2) view.unsupported(fmt::format("{} operands: two are", view.input_count()));
  const bool maximum = view.node().op_type == "Max";
  if (!is_pair(view)) {
    const std::size_t x = view.is_known_float(1) ? 0 : 1;
    const float bound = view.scalar(1 - x, "bound");
    append_clip(view, x, maximum ? bound : -kInfinity, maximum ? kInfinity : bound);
    return;
  }
  Operand a = operand(view, 0), b = operand(view, 1);
  if (!same_quant(a, b)) view.unsupported("operands with different quantization");
  define_layer(view, deferred(view, MinMax{maximum}, {std::move(a), std::move(b)}));
}

void Lowering::append_clip(const View& view, std::size_t x, float lo, float hi) {
  Real value = real(view, x);
  append_step(view, value, {.kind = ChainStep::Kind::clip, .values = {lo, hi}, .node = &view.node()});
  define_real(view, std::move(value));
}

void Lowering::relu(const View& view) {
  view.require_inputs(1, 1);
  append_clip(view, 0, 0.0F, kInfinity);
}

/// Bounds are attributes up to operator set 10 and inputs from 11 on; absent ones bound nothing.
void Lowering::clip(const View& view) {
  view.require_inputs(1, 3);
  const auto bound = [&](std::size_t i, std::string_view name, float otherwise) {
    if (view.has_attribute(name)) return view.real(name, otherwise);
    if (!view.has(i)) return otherwise;
    if (!view.is_known_float(i)) view.unsupported(fmt::format("a bound \"{}\" that is no constant", view.name(i)));
    return view.scalar(i, "bound");
  };
  append_clip(view, 0, bound(1, "min", -kInfinity), bound(2, "max", kInfinity));
}

/// ((x - mean) / sqrt(variance + epsilon)) * scale + bias, in this order, as the operator's definition writes it.
void Lowering::batch_normalization(const View& view) {
  view.require_inputs(5, 5);  // x, scale, bias, mean, variance
  if (view.integer("training_mode", 0) != 0) view.unsupported("training_mode = 1");
  Real value = real(view, 0);
  const float epsilon = view.real("epsilon", 1e-5F);
  if (value.shape.rank() < 2) view.unsupported(fmt::format("an input of {}: rank 2 or more is", value.shape.text()));
  const auto channels = static_cast<std::size_t>(value.shape[1]);
  const auto step = [&](ChainStep::Kind kind, std::size_t i, bool is_variance) {
    if (!view.is_known_float(i)) view.unsupported(fmt::format("a parameter \"{}\" that is no constant", view.name(i)));
    std::vector<float> values = view.floats(i, "parameter");
    if (values.size() != channels)
      view.fail(fmt::format("expected {} values in \"{}\", got {}", channels, view.name(i), values.size()));
    if (is_variance) {
      for (float& v : values) v = std::sqrt(v + epsilon);
    }
    append_step(view, value, {.kind = kind, .values = std::move(values), .axis = 1, .node = &view.node()});
  };
  step(ChainStep::Kind::sub, 3, false);
  step(ChainStep::Kind::div, 4, true);
  step(ChainStep::Kind::mul, 1, false);
  step(ChainStep::Kind::add, 2, false);
  define_real(view, std::move(value));
}

void Lowering::table(const View& view) {
  view.require_inputs(1, 1);
  const std::string& function = view.node().op_type;
  Operand x = operand(view, 0);
  constexpr int widest = 16;
  if (x.type.bits > widest) view.unsupported("a table of more than 16 bits");
  Layer layer = deferred(view, Lookup{.function = function}, {std::move(x)});
  const bool swish = function == "HardSwish", leaky = function == "LeakyRelu";
  layer->alpha = swish ? 1.0F / 6.0F : view.real("alpha", leaky ? 0.01F : 0.2F);
  layer->beta = swish ? 0.5F : view.real("beta", 0.5F);
  define_layer(view, std::move(layer));
}

}  // namespace obz::onnx
