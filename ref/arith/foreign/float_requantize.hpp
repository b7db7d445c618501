// The float recipes: what devices and runtimes do that scale an integer accumulator in floating point.
// Part of the catalogue because users' devices implement them; computed in IEEE arithmetic exactly as cited.
// Together with ref/quantize this folder is the only place with floating-point arithmetic.
// Requires the default rounding mode (nearest-even), -ffp-contract=off and no fast-math.
#pragma once

#include <cmath>
#include <cstdint>

#include "ref/arith/recipe.hpp"

namespace obz::foreign {

/// Nearest-even of a finite double; values beyond +-2^62 stop there (no device this models holds more).
inline std::int64_t round_half_even(double v) noexcept {
  constexpr double limit = 4611686018427387904.0;  // 2^62
  if (v >= limit) return std::int64_t{1} << 62;
  if (v <= -limit) return -(std::int64_t{1} << 62);
  return static_cast<std::int64_t>(std::nearbyint(v));
}

/// The real value that the last rounding of a float recipe sees, after an early zero point and an early clamp.
/// Every operation is one float32 operation with its own rounding: acc loses bits beyond 24.
inline double unrounded_float32(std::int64_t acc, const Recipe& r, const Channel& c) noexcept {
  const bool early = r.zero_point == ZeroPointAt::before_rounding;
  const std::int64_t late_zero_point = early ? 0 : c.zero_point;
  float v = static_cast<float>(acc) * static_cast<float>(c.scale);
  if (early) v = v + static_cast<float>(c.zero_point);
  if (r.clamp == ClampAt::before_rounding) {
    v = std::fmin(std::fmax(v, static_cast<float>(c.lo - late_zero_point)), static_cast<float>(c.hi - late_zero_point));
  }
  return static_cast<double>(v);
}

/// (S20) out = clamp(rne(float32(acc) * scale) + zp), the order of clamp and zp as the recipe says.
inline std::int64_t requantize_float32(std::int64_t acc, const Recipe& r, const Channel& c) noexcept {
  const std::int64_t late_zero_point = r.zero_point == ZeroPointAt::before_rounding ? 0 : c.zero_point;
  return saturate(round_half_even(unrounded_float32(acc, r, c)) + late_zero_point, c.lo, c.hi);
}

/// As unrounded_float32, in double.
inline double unrounded_float64(std::int64_t acc, const Recipe& r, const Channel& c) noexcept {
  const bool early = r.zero_point == ZeroPointAt::before_rounding;
  const std::int64_t late_zero_point = early ? 0 : c.zero_point;
  double v = static_cast<double>(acc) * c.scale;
  if (early) v = v + static_cast<double>(c.zero_point);
  if (r.clamp == ClampAt::before_rounding) {
    v = std::fmin(std::fmax(v, static_cast<double>(c.lo - late_zero_point)),
                  static_cast<double>(c.hi - late_zero_point));
  }
  return v;
}

/// (S21) As numpy computes int32 array * float scale: in double.
inline std::int64_t requantize_float64(std::int64_t acc, const Recipe& r, const Channel& c) noexcept {
  const std::int64_t late_zero_point = r.zero_point == ZeroPointAt::before_rounding ? 0 : c.zero_point;
  return saturate(round_half_even(unrounded_float64(acc, r, c)) + late_zero_point, c.lo, c.hi);
}

/// As unrounded_float32, of HAWQ's batch code: the product in double, the division exact.
inline double unrounded_float64_dyadic(std::int64_t acc, const Channel& c) noexcept {
  return std::ldexp(static_cast<double>(acc) * static_cast<double>(c.multiplier), -c.shift);
}

/// (S22) HAWQ's batch code: the product is formed in double (inexact beyond 2^53), the division by 2^shift is
/// exact, then nearest-even and clamp.
inline std::int64_t requantize_float64_dyadic(std::int64_t acc, const Channel& c) noexcept {
  return saturate(round_half_even(unrounded_float64_dyadic(acc, c)) + c.zero_point, c.lo, c.hi);
}

}  // namespace obz::foreign
