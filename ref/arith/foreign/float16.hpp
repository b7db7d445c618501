// IEEE binary16 <-> float32, for models whose scales are stored in float16.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace obz::foreign {

/// The float16 with these bits, exactly.
inline float float16_from_bits(std::uint16_t bits) noexcept {
  const int exponent = (bits >> 10) & 31;
  const int fraction = bits & 1023;
  const float sign = (bits & 0x8000) != 0 ? -1.0F : 1.0F;
  if (exponent == 31) return fraction != 0 ? NAN : sign * INFINITY;
  if (exponent == 0) return sign * std::ldexp(static_cast<float>(fraction), -24);
  return sign * std::ldexp(static_cast<float>(1024 + fraction), exponent - 25);
}

/// Nearest-even float16 value of `v`, as a float32 (inf beyond 65504 + 1/2 ulp).
inline float round_to_float16(float v) noexcept {
  if (!std::isfinite(v) || v == 0) return v;
  int exponent = 0;
  std::frexp(v, &exponent);                                       // 2^(exponent-1) <= |v| < 2^exponent
  const int ulp_exponent = exponent > -13 ? exponent - 11 : -24;  // subnormals share one ulp
  const float rounded = std::ldexp(std::nearbyint(std::ldexp(v, -ulp_exponent)), ulp_exponent);
  return std::fabs(rounded) > 65504.0F ? std::copysign(INFINITY, v) : rounded;
}

}  // namespace obz::foreign
