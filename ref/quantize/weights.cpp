#include "ref/quantize/weights.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "ref/arith/foreign/float_requantize.hpp"
#include "ref/base/error.hpp"

namespace obz {
namespace {

std::int64_t quantized(float w, float inverse, IntType type) {
  return saturate(foreign::round_half_even(static_cast<double>(inverse * w)), type.min(), type.max());
}

double rounding_error(std::span<const float> weights, float scale, IntType type) {
  const float inverse = 1.0F / scale;
  double error = 0;
  for (const float w : weights) {
    const double d =
        static_cast<double>(quantized(w, inverse, type)) * static_cast<double>(scale) - static_cast<double>(w);
    error += d * d;
  }
  return error;
}

float least_error_scale(std::span<const float> weights, float widest, IntType type) {
  constexpr int steps = 100, least = 40;
  float best = widest;
  double best_error = rounding_error(weights, widest, type);
  for (int i = steps - 1; i >= least; --i) {
    const float scale = widest * static_cast<float>(i) / steps;
    const double error = rounding_error(weights, scale, type);
    if (error < best_error) {
      best_error = error;
      best = scale;
    }
  }
  return best;
}

}  // namespace

WeightQuant quantize_weights(const FloatTensor& weights, int bits, WeightScale rule, const std::string& where) {
  const IntType type{static_cast<std::uint8_t>(bits), true};
  const float levels = bits == 1 ? 1.0F : static_cast<float>(type.max());
  WeightQuant q{{}, Tensor(weights.shape, type)};
  const auto outputs = static_cast<std::size_t>(weights.shape[0]);
  const std::size_t terms = weights.data.size() / outputs;
  for (std::size_t o = 0; o < outputs; ++o) {
    const std::span<const float> channel(&weights.data[o * terms], terms);
    const auto [lo, hi] = std::minmax_element(channel.begin(), channel.end());
    const float largest = std::max(std::abs(*lo), std::abs(*hi));
    constexpr float smallest = 1e-8F;
    if (largest <= smallest) {
      throw Error(
          fmt::format("{}: output channel {} has no weight beyond {:.3g}, too little for a scale: a channel that is "
                      "pruned or that its normalization switches off; remove it",
                      where, o, largest));
    }
    float scale = largest / levels;
    if (rule == WeightScale::mse) scale = least_error_scale(channel, scale, type);
    const float inverse = 1.0F / scale;
    q.scales.push_back(scale);
    for (std::size_t t = 0; t < terms; ++t) {
      q.values.data[o * terms + t] = static_cast<std::int32_t>(quantized(channel[t], inverse, type));
    }
  }
  return q;
}

std::vector<std::int64_t> quantize_bias(const std::vector<float>& bias, const std::vector<float>& weight_scales,
                                        float input_scale, const std::string& where) {
  std::vector<std::int64_t> q(bias.size());
  for (std::size_t o = 0; o < bias.size(); ++o) {
    const float scale = weight_scales[o] * input_scale;
    const float scaled = (1.0F / scale) * bias[o];
    q[o] = foreign::round_half_even(static_cast<double>(scaled));
    if (!kInt32.holds(q[o])) {
      throw Error(
          fmt::format("{}: bias {} of output channel {} is {} steps of {}, which leaves 32 bits: the channel's weights "
                      "are too small for its "
                      "bias",
                      where, bias[o], o, scaled, scale));
    }
  }
  return q;
}

}  // namespace obz
