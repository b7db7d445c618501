// A sum of two bytes, scaled and rounded in float32: what most quantized additions amount to.
#pragma once

#include <cstdint>

namespace obz::fast {

/// y = clamp(round((a + add_a) * scale_a + (b + add_b) * scale_b) + after), or with `apart` each product rounded by
/// itself; ties to even, float32 throughout.
struct ByteSum {
  float scale_a = 0, scale_b = 0;
  std::int32_t add_a = 0, add_b = 0;
  bool apart = false;
  std::int32_t after = 0;       ///< what undoes the rounding's 1.5 * 2^23 is in it
  std::int32_t lo = 0, hi = 0;  ///< 0 .. 255
};

void sum_bytes(const ByteSum& sum, const std::uint8_t* a, const std::uint8_t* b, std::int64_t count, std::uint8_t* y);

}  // namespace obz::fast
