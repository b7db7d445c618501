// The float border: real inputs to integers and back, each step one float32 operation as the cited runtime does it.
#pragma once

#include <span>

#include "ref/border/border.hpp"
#include "ref/tensor/tensor.hpp"

namespace obz {

struct Quantized {
  Tensor values;
  float scale = 0;  ///< dynamic borders: what the data's range gave
  std::int64_t zero_point = 0;
};

/// (S60) affine: clamp(round(float32(x / scale)) + zp), reciprocal: x * float32(1 / scale) instead; (S61) clamp_first;
/// (S62) bipolar; (S63) dynamic. Error naming the element when x is NaN or infinite.
Quantized quantize(const InputBorder& border, IntType type, const FloatTensor& x);

/// (S65) A photograph, bytes [H, W, C], as the float input [1, C, H, W] it stands for: (float32(byte / 255) - mean) /
/// deviation, each one float32 operation. Requires image_mean.size() == C.
FloatTensor image_to_floats(const InputBorder& border, std::span<const std::uint8_t> bytes, std::int64_t height,
                            std::int64_t width);

/// (S64) float32(q - zp) * scale.
FloatTensor dequantize(const OutputBorder& border, const Tensor& q);

}  // namespace obz
