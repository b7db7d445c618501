// A sum of two bytes, scaled and rounded in float32: what most quantized additions amount to.
#pragma once

#include <cstdint>

namespace obz::fast {

/// y = clamp(round(a * scale_a + (b * scale_b + offset)) + after), or with `apart`
/// y = clamp(round(a * scale_a + offset_a) + round(b * scale_b + offset) + after); ties to even, float32 throughout.
struct ByteSum {
  float scale_a = 0, scale_b = 0, offset_a = 0, offset = 0;
  bool apart = false;
  std::int32_t after = 0;       ///< what undoes the rounding's 1.5 * 2^23 is in it
  std::int32_t lo = 0, hi = 0;  ///< 0 .. 255
};

void sum_bytes(const ByteSum& sum, const std::uint8_t* a, const std::uint8_t* b, std::int64_t count, std::uint8_t* y);

}  // namespace obz::fast
