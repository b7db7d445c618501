#include "ref/read/tables.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "ref/arith/dyadic.hpp"
#include "ref/arith/round.hpp"
#include "ref/base/error.hpp"
#include "ref/ops/fixed_point.hpp"

namespace obz {
namespace {

template <class F>
Lookup float_table(const TableQuant& from, const TableQuant& to, std::string name, F&& f) {
  Lookup lookup{Tensor(Shape{std::int64_t{1} << from.type.bits}, to.type), std::move(name)};
  const float inverse = 1.0F / to.scale;
  for (std::size_t i = 0; i < lookup.table.data.size(); ++i) {
    const std::int64_t q = from.type.min() + static_cast<std::int64_t>(i);
    const float real = from.scale * static_cast<float>(q - from.zero_point);
    const auto value = static_cast<float>(f(static_cast<double>(real)));
    const float rescaled = std::round(value * inverse);
    const auto rounded = static_cast<std::int64_t>(std::clamp(rescaled, -1e9F, 1e9F)) + to.zero_point;
    lookup.table.data[i] = static_cast<std::int32_t>(saturate(rounded, to.type.min(), to.type.max()));
  }
  return lookup;
}

// --- hard swish: 16-bit registers --------------------------------------------------------------------------

constexpr std::int64_t saturate16(std::int64_t v) { return saturate(v, kInt16.min(), kInt16.max()); }

/// Doubling high multiply of 16-bit values: half-up at bit 15, or truncating towards zero.
constexpr std::int64_t multiply16(std::int64_t a, std::int64_t b, Rounding mode) {
  return saturate16(shift_right(a * b, 15, mode));
}

/// A float32 factor as TFLite prepares it: 31-bit multiplier halved down to 16 bits, and an exponent.
struct Factor16 {
  std::int64_t multiplier = 0;
  int exponent = 0;  ///< factor = multiplier / 2^15 * 2^exponent
};

Factor16 factor16(float factor) {
  const Channel c = encode_scale(ScaleRule{.min_shift = -32}, static_cast<double>(factor));
  constexpr std::int64_t cap = 0x7FFFFFFF - (1 << 15);
  return {c.multiplier >= cap ? 0x7FFF : shift_right(c.multiplier, 16, Rounding::half_up), 31 - c.shift};
}

std::int64_t hard_swish(std::int64_t centred, Factor16 to_output, Factor16 to_relu) {
  const std::int64_t hires = wrap(centred * 128, 16);
  const std::int64_t on_output_scale = multiply16(hires, to_output.multiplier, Rounding::half_up);
  // x / 3 as a 16-bit fraction in [-1, 1), saturating like relu6 does at both ends
  std::int64_t relu = hires;
  if (to_relu.exponent > 0) relu = saturate16(relu << (to_relu.exponent - 1));
  relu = multiply16(relu, to_relu.multiplier, Rounding::half_up);
  if (to_relu.exponent > 0) relu = saturate16(relu << 1);
  if (to_relu.exponent < 0) relu = shift_right(relu, -to_relu.exponent, Rounding::half_away);
  relu = (relu + (1 << 15)) >> 1;  // [0, 1)
  const std::int64_t product = multiply16(relu, on_output_scale, Rounding::trunc);
  return shift_right(product, -to_output.exponent, Rounding::half_away);
}

template <class F>
std::vector<std::int64_t> interpolation_table(double lo, double hi, F&& f) {
  // All in float32 as TFLite's gen_lut<float>; output range [-1, 1) maps to int16.
  constexpr int steps = 512;
  const auto min = static_cast<float>(lo), max = static_cast<float>(hi);
  const float step = (max - min) / steps, half_step = step / 2;
  constexpr float inverse = 65536.0F / 2.0F;
  const auto value = [&](float x) { return static_cast<float>(f(static_cast<double>(x))); };
  const auto clamped = [](float v) { return static_cast<std::int64_t>(std::clamp(v, -32768.0F, 32767.0F)); };
  std::vector<std::int64_t> table;
  for (int i = 0; i < steps; ++i) {
    const float x = min + static_cast<float>(i) * step;
    const float sample = std::round(value(x) * inverse);
    const float next = value(min + static_cast<float>(i + 1) * step) * inverse;
    const float interpolated = std::round((next + sample) / 2);
    const float midpoint = std::round(value(x + half_step) * inverse);
    const float bias = std::round((interpolated - midpoint) / 2);
    table.push_back(clamped(sample - bias));
  }
  table.push_back(clamped(std::round(value(max) * inverse)));
  return table;
}

}  // namespace

Lookup logistic_table(const TableQuant& from, const TableQuant& to) {
  return float_table(from, to, "logistic", [](double x) { return 1.0 / (1.0 + std::exp(-x)); });
}

Lookup tanh_table(const TableQuant& from, const TableQuant& to) {
  return float_table(from, to, "tanh", [](double x) { return std::tanh(x); });
}

Lookup tflite_hard_swish_table(const TableQuant& from, const TableQuant& to, const std::string& where) {
  const float hires_scale = (1.0F / 128.0F) * from.scale;
  const Factor16 to_output = factor16(hires_scale / to.scale);
  const Factor16 to_relu = factor16(hires_scale / (3.0F / 32768.0F));
  constexpr int most = 15;
  if (to_output.exponent > 0 || to_output.exponent < -31 || std::abs(to_relu.exponent) > most) {
    throw Error(fmt::format("{}: scales {} -> {} are outside what the 16-bit hard swish can express", where, from.scale,
                            to.scale));
  }
  Lookup lookup{Tensor(Shape{std::int64_t{1} << from.type.bits}, to.type), "hard_swish"};
  for (std::size_t i = 0; i < lookup.table.data.size(); ++i) {
    const std::int64_t centred = from.type.min() + static_cast<std::int64_t>(i) - from.zero_point;
    const std::int64_t value = hard_swish(centred, to_output, to_relu) + to.zero_point;
    lookup.table.data[i] = static_cast<std::int32_t>(saturate(value, to.type.min(), to.type.max()));
  }
  return lookup;
}

std::vector<std::int64_t> softmax_exp_table() {
  return interpolation_table(-10, 0, [](double x) { return std::exp(x); });
}

std::vector<std::int64_t> softmax_reciprocal_table() {
  return interpolation_table(0, 1, [](double x) { return 1.0 / (1.0 + x); });
}

}  // namespace obz
