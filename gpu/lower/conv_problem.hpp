// A convolution with everything that kernels ask of it worked out; a dense layer is one of 1 x 1 pixels.
#pragma once

#include "gpu/lower/channels.hpp"
#include "gpu/lower/lower.hpp"

namespace obz::gpu {

/// Constant weights with their zero points taken off: [o][kernel_h][kernel_w][i].
struct Weights {
  std::int64_t outputs = 0, taps = 0, inputs = 0;  ///< inputs: of one group
  std::vector<std::int64_t> values;
  std::int64_t lo = 0, hi = 0;  ///< smallest and largest, 0 included

  std::int64_t at(std::int64_t o, std::int64_t tap, std::int64_t i) const {
    return values[static_cast<std::size_t>((o * taps + tap) * inputs + i)];
  }
  std::int64_t sum(std::int64_t o) const;
  /// Sum of absolute values.
  std::int64_t weight_of(std::int64_t o) const;
  bool fit(int bits, bool is_signed = true) const {
    const IntType type{static_cast<std::uint8_t>(bits), is_signed};
    return type.holds(lo) && type.holds(hi);
  }
};

Weights weights_of(const Filter& filter, std::int64_t taps);

struct ConvProblem {
  Placed x, y;
  Geometry g;
  std::int64_t groups = 1;
  std::int64_t x_zero_point = 0;
  Weights weights;
  const Filter* filter = nullptr;
  const Requant* requant = nullptr;
  Accumulator accumulator;
  bool hwnc = false;
  std::optional<Residual> residual;  ///< joins in the epilogue; y is then the addition's

  /// Whether a 32-bit register holds every partial sum of raw x times weights, or none need to: the accumulator wraps
  /// within 32 bits itself.
  bool sums_fit_32() const;
};

/// Whether tensor cores take it.
bool for_tensor_cores(const ConvProblem& problem);
void conv_on_tensor_cores(Builder& builder, const ConvProblem& problem, TileSize tile);

/// Any of them, without a residual.
void conv_direct(Builder& builder, const ConvProblem& problem);

}  // namespace obz::gpu
