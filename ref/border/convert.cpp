#include "ref/border/convert.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "ref/arith/foreign/float_requantize.hpp"
#include "ref/base/error.hpp"

namespace obz {
namespace {

/// Index into AffineScale::scales of every element, in order.
class ScaleIndex {
 public:
  ScaleIndex(const AffineScale& affine, const Shape& shape) : affine_(affine), shape_(shape) {
    strides_ = strides_of(shape);
    if (affine.block > 0) scale_strides_ = strides_of(affine.scale_shape);
  }

  std::size_t operator()(std::size_t element) const {
    if (affine_.scales.size() == 1) return 0;
    const auto axis = static_cast<std::size_t>(affine_.axis);
    const auto at = static_cast<std::int64_t>(element);
    if (affine_.block == 0) return static_cast<std::size_t>(at / strides_[axis] % shape_[axis]);
    std::int64_t index = 0;
    for (std::size_t i = 0; i < shape_.rank(); ++i) {
      const std::int64_t coordinate = at / strides_[i] % shape_[i];
      index += (i == axis ? coordinate / affine_.block : coordinate) * scale_strides_[i];
    }
    return static_cast<std::size_t>(index);
  }

 private:
  const AffineScale& affine_;
  const Shape& shape_;
  std::vector<std::int64_t> strides_, scale_strides_;
};

std::int64_t zero_point_at(const AffineScale& affine, std::size_t i) {
  return affine.zero_points.empty() ? 0 : affine.zero_points[i];
}

float apply_steps(const std::vector<FloatStep>& steps, float x) {
  for (const FloatStep& step : steps) {
    const auto value = static_cast<float>(step.value);
    switch (step.kind) {
      case FloatStep::Kind::add: x = x + value; break;
      case FloatStep::Kind::sub: x = x - value; break;
      case FloatStep::Kind::mul: x = x * value; break;
      case FloatStep::Kind::div: x = x / value; break;
    }
  }
  return x;
}

/// Rounds a real value: half-even as the machine, the others through the one rounding function.
std::int64_t round_real(double v, Rounding mode) {
  constexpr double limit = 4611686018427387904.0;  // 2^62
  if (v >= limit || v <= -limit) return foreign::round_half_even(v);
  const double floor = std::floor(v);
  const double fraction = v - floor;
  return round_fraction(static_cast<std::int64_t>(floor),
                        fraction < 0.5   ? -1
                        : fraction > 0.5 ? 1
                                         : 0,
                        fraction == 0, mode);
}

Quantized quantize_dynamic(IntType type, const FloatTensor& x) {
  // ONNX DynamicQuantizeLinear, uint8: the range always contains 0, the scale spreads it over 0..255.
  constexpr float qmax = 255.0F;
  float lo = 0, hi = 0;
  for (const float v : x.data) {
    lo = std::min(lo, v);
    hi = std::max(hi, v);
  }
  Quantized q{Tensor(x.shape, type), 1.0F, 0};
  if (hi != lo) q.scale = (hi - lo) / qmax;
  const float initial = 0.0F - lo / q.scale;
  q.zero_point = foreign::round_half_even(static_cast<double>(std::fmin(std::fmax(initial, 0.0F), qmax)));
  for (std::size_t i = 0; i < x.data.size(); ++i) {
    const std::int64_t rounded = foreign::round_half_even(static_cast<double>(x.data[i] / q.scale));
    q.values.data[i] = static_cast<std::int32_t>(saturate(rounded + q.zero_point, 0, 255));
  }
  return q;
}

}  // namespace

Quantized quantize(const InputBorder& border, IntType type, const FloatTensor& x) {
  for (std::size_t i = 0; i < x.data.size(); ++i) {
    if (!std::isfinite(x.data[i])) {
      throw Error(
          fmt::format("float input \"{}\": element {} is {}, expected a finite number", border.name, i, x.data[i]));
    }
  }
  if (border.by == QuantizeBy::dynamic) return quantize_dynamic(type, x);
  Quantized q{Tensor(x.shape, type)};
  const ScaleIndex index(border.affine, x.shape);
  for (std::size_t i = 0; i < x.data.size(); ++i) {
    const float v = apply_steps(border.steps, x.data[i]);
    std::int64_t value = 0;
    if (border.by == QuantizeBy::bipolar) {
      value = v >= 0 ? 1 : -1;
    } else {
      const std::size_t at = index(i);
      const std::int64_t zero_point = zero_point_at(border.affine, at);
      const auto scale = static_cast<float>(border.affine.scales[at]);
      const float scaled = border.by == QuantizeBy::reciprocal ? v * (1.0F / scale) : v / scale;
      if (border.by == QuantizeBy::clamp_first) {
        const float shifted = scaled + static_cast<float>(zero_point);
        const float clamped =
            std::fmin(std::fmax(shifted, static_cast<float>(border.lo)), static_cast<float>(border.hi));
        value = round_real(static_cast<double>(clamped), border.rounding);
      } else {
        value = saturate(round_real(static_cast<double>(scaled), border.rounding) + zero_point, border.lo, border.hi);
      }
    }
    q.values.data[i] = static_cast<std::int32_t>(value);
  }
  return q;
}

FloatTensor image_to_floats(const InputBorder& border, std::span<const std::uint8_t> bytes, std::int64_t height,
                            std::int64_t width) {
  const std::size_t channels = border.image_mean.size(), plane = static_cast<std::size_t>(height * width);
  FloatTensor x{Shape{1, static_cast<std::int64_t>(channels), height, width}, std::vector<float>(channels * plane)};
  for (std::size_t c = 0; c < channels; ++c) {
    const auto mean = static_cast<float>(border.image_mean[c]),
               deviation = static_cast<float>(border.image_deviation[c]);
    for (std::size_t i = 0; i < plane; ++i) {
      constexpr float full = 255;
      const float unit = static_cast<float>(bytes[i * channels + c]) / full;
      x.data[c * plane + i] = (unit - mean) / deviation;
    }
  }
  return x;
}

FloatTensor dequantize(const OutputBorder& border, const Tensor& q) {
  FloatTensor y{q.shape, std::vector<float>(q.data.size())};
  const ScaleIndex index(border.affine, q.shape);
  for (std::size_t i = 0; i < q.data.size(); ++i) {
    const std::size_t at = index(i);
    const std::int64_t centred = q.data[i] - zero_point_at(border.affine, at);
    y.data[i] = static_cast<float>(centred) * static_cast<float>(border.affine.scales[at]);
  }
  return y;
}

}  // namespace obz
