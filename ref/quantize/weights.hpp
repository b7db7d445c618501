// Weights and biases of one layer as integers: per output channel, symmetric, zero point 0 (HAWQ-V3, A1 and A3).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ref/ops/filter.hpp"
#include "ref/real/float_net.hpp"

namespace obz {

/// How a channel's scale is chosen.
enum class WeightScale : std::uint8_t {
  largest,  ///< max |w| / (2^(b-1) - 1)                                                      HAWQ-V3
  mse,      ///< the scale in 40..100 % of that whose rounding error over the channel is least
};

struct WeightQuant {
  std::vector<float> scales;  ///< per output channel
  Tensor values;              ///< int<bits>, in the order of the float weights
};

/// q = clamp(half_even(float32(float32(1 / S) * w)), -2^(b-1), 2^(b-1) - 1). One bit holds -1 and 0, so positive
/// weights are lost there: in range, but of no use. Error naming `where` and the channel when all its weights are 0.
WeightQuant quantize_weights(const FloatTensor& weights, int bits, WeightScale rule, const std::string& where);

/// half_even(float32(1 / float32(S_w * S_x)) * b) per channel. Error when one leaves 32 bits.
std::vector<std::int64_t> quantize_bias(const std::vector<float>& bias, const std::vector<float>& weight_scales,
                                        float input_scale, const std::string& where);

}  // namespace obz
