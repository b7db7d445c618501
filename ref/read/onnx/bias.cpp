// Biases: float constants behind a layer become integers in units of its accumulator.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "ref/arith/foreign/float_requantize.hpp"
#include "ref/read/onnx/chain.hpp"
#include "ref/read/onnx/fill_deferred.hpp"
#include "ref/read/onnx/lowering.hpp"

namespace obz::onnx {
namespace {

std::int64_t channel_axis(const Deferred& d) {
  return std::holds_alternative<Dense>(d.op) ? static_cast<std::int64_t>(d.shape.rank()) - 1 : 1;
}

/// One step of the accumulator of channel c: sx * sw[c] in float32, as the tools that quantize biases form it.
double unit(const Deferred& d, std::size_t c) {
  const std::vector<float>& w = d.weight_scales;
  return static_cast<double>(d.operands[0].quant.scale() * w[w.size() == 1 ? 0 : c]);
}

/// The integers of a bias that the model stores as integers in the accumulator's units; {} when it does not.
std::vector<std::int64_t> stored_integers(const Value& value, const Deferred& d, std::size_t channels) {
  const auto* real = std::get_if<Real>(&value);
  if (real == nullptr || !real->is_constant()) return {};
  const Operand& o = *real->operand();
  if (o.constant->data.size() != channels) return {};
  std::vector<std::int64_t> bias;
  for (std::size_t c = 0; c < channels; ++c) {
    const std::size_t at = o.quant.affine.scales.size() == 1 ? 0 : c;
    if (o.quant.affine.scales.size() > 1 && o.quant.affine.scales.size() != channels) return {};
    constexpr double float_noise = 1e-6;  // the product of two scales, rounded in another order
    if (std::fabs(o.quant.affine.scales[at] / unit(d, c) - 1) > float_noise) return {};
    bias.push_back(o.constant->data[c] - o.quant.zero_point(at));
  }
  return bias;
}

}  // namespace

/// Input i, when there is one, as the first float operation behind the layer.
void Lowering::append_bias(const View& view, std::size_t i, Real& value) const {
  if (!view.has(i)) return;
  if (!view.is_known_float(i)) view.unsupported(fmt::format("a bias \"{}\" that is no float constant", view.name(i)));
  const Deferred& layer = *value.deferred();
  const Shape& shape = *shape_of(view.in(i));
  const std::int64_t axis = channel_axis(layer), channels = layer.shape[static_cast<std::size_t>(axis)];
  const bool is_vector =
      shape == Shape{channels} || (std::holds_alternative<Dense>(layer.op) && shape == Shape{1, channels});
  const bool is_scalar = shape.elems() == 1 && std::holds_alternative<Dense>(layer.op);
  if (!is_vector && !is_scalar) view.unsupported(fmt::format("a bias of {} for {} channels", shape.text(), channels));
  std::vector<float> values = view.floats(i, "bias");
  value.chain.push_back({.kind = ChainStep::Kind::add,
                         .values = std::move(values),
                         .axis = shape.elems() == 1 ? -1 : axis,
                         .constant = view.name(i),
                         .node = &view.node()});
}

/// If the float operations start by adding constants to a layer without bias, they become its bias. Behind
/// the last layer one constant for all channels stays where it is: it changes no order, and rounding it would lose it.
void Lowering::absorb_bias(Real& value, bool is_last) {
  Deferred* shared = value.deferred();
  if (shared == nullptr || value.chain.empty() || filter_of(shared->op) == nullptr) return;
  const ChainStep step = value.chain.front();
  const bool adds = step.kind == ChainStep::Kind::add || step.kind == ChainStep::Kind::sub;
  const bool per_output = !step.per_channel() || step.axis == channel_axis(*shared);
  if (!adds || !per_output || !filter_of(shared->op)->bias.empty()) return;

  const auto channels = static_cast<std::size_t>(filter_of(shared->op)->out_channels());
  const auto constant = values_.find(step.constant);
  const bool known = constant != values_.end();
  std::vector<std::int64_t> bias =
      known ? stored_integers(constant->second, *shared, channels) : std::vector<std::int64_t>();
  if (is_last && !step.per_channel() && bias.empty()) return;
  auto layer = std::make_shared<Deferred>(*shared);  // others may use the layer without the bias
  layer->sums = Operand();
  Filter& filter = *filter_of(layer->op);
  filter.bias = std::move(bias);
  if (filter.bias.empty()) {
    for (std::size_t c = 0; c < channels; ++c) {
      const double in_units = static_cast<double>(step.values[step.per_channel() ? c : 0]) / unit(*layer, c);
      constexpr double limit = 2147483648.0;
      if (!(std::fabs(in_units) < limit)) {
        throw Error(fmt::format("{}: bias of channel {}: expected 32 bits in steps of {}, got {}",
                                where_of(*layer->node), c, unit(*layer, c), in_units));
      }
      filter.bias.push_back(foreign::round_half_even(in_units));
    }
    note(
        fmt::format("{} \"{}\": its float bias was rounded (half-even) to integers in steps of input scale * "
                    "weight scale",
                    layer->node->op_type, layer->node->name));
  }
  if (step.kind == ChainStep::Kind::sub) {
    for (std::int64_t& b : filter.bias) b = -b;
  }
  value.source = std::move(layer);
  value.chain.erase(value.chain.begin());
}

}  // namespace obz::onnx
