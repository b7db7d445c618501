#include "ref/arith/dyadic.hpp"

#include <cmath>

#include <fmt/format.h>

#include "ref/arith/foreign/float16.hpp"
#include "ref/base/error.hpp"

namespace obz {
namespace {

std::int64_t round_mantissa(double m, MantissaRounding mode) {
  switch (mode) {
    case MantissaRounding::half_away: return static_cast<std::int64_t>(std::round(m));
    case MantissaRounding::half_even: return static_cast<std::int64_t>(std::nearbyint(m));
    case MantissaRounding::truncate: return static_cast<std::int64_t>(std::trunc(m));
  }
  return 0;
}

/// TFLite's int16x8 path: (m + 2^15) >> 16, capped so that it stays below 2^15.
std::int64_t reduce_multiplier_to_16(std::int64_t m) {
  return m < 0x7FFF0000 ? (m + (std::int64_t{1} << 15)) >> 16 : 0x7FFF;
}

}  // namespace

double form_scale(const ScaleRule& rule, float a, float w, float y, bool scales_are_float16) {
  switch (rule.precision) {
    case ScalePrecision::float64: return static_cast<double>(a) * static_cast<double>(w) / static_cast<double>(y);
    case ScalePrecision::float32_product: return static_cast<double>(a * w) / static_cast<double>(y);
    case ScalePrecision::float16_or_32_all:
      if (scales_are_float16) return foreign::round_to_float16(foreign::round_to_float16(a * w) / y);
      return static_cast<double>((a * w) / y);
    case ScalePrecision::float32_all: return static_cast<double>((a * w) / y);
  }
  return 0;
}

Channel encode_scale(const ScaleRule& rule, double scale) {
  if (!std::isfinite(scale)) throw Error(fmt::format("scale {} is not a finite number", scale));
  Channel c;
  if (rule.mantissa_bits == 0) {
    if (scale != 0 && (std::fabs(scale) < std::ldexp(1.0, rule.float_from) ||
                       std::fabs(scale) >= std::ldexp(1.0, rule.float_below))) {
      throw Error(fmt::format("scale {} is outside [2^{}, 2^{}), the range of this profile", scale, rule.float_from,
                              rule.float_below));
    }
    c.multiplier = 0;
    c.scale = scale;
    return c;
  }
  if (scale == 0) {
    c.multiplier = 0;
    c.shift = 31;
    return c;
  }
  int exponent = 0;
  const double mantissa = std::frexp(scale, &exponent);  // scale = mantissa * 2^exponent, 1/2 <= |mantissa| < 1
  if (rule.power_of_two_only && std::fabs(mantissa) != 0.5) {
    throw Error(fmt::format("scale {} is not a power of two, the only kind this profile can express", scale));
  }
  const std::int64_t top = std::int64_t{1} << rule.mantissa_bits;
  std::int64_t multiplier = round_mantissa(std::ldexp(mantissa, rule.mantissa_bits), rule.mantissa_rounding);
  if (rule.top == TopCorner::renormalise && std::abs(multiplier) == top) {
    multiplier /= 2;
    ++exponent;
  }
  int shift = rule.mantissa_bits - exponent;
  if (shift > rule.max_shift) {
    switch (rule.tiny) {
      case TinyScale::zero: multiplier = 0, shift = 31; break;
      case TinyScale::zero_at_16: multiplier = 0, shift = 16; break;
      case TinyScale::refuse:
        throw Error(fmt::format("scale {} needs a right shift of {}, but this profile's largest is {}", scale, shift,
                                rule.max_shift));
    }
  } else if (shift < rule.min_shift) {
    switch (rule.large) {
      case LargeScale::refuse:
        throw Error(fmt::format("scale {} needs a right shift of {}, but this profile's smallest is {}", scale, shift,
                                rule.min_shift));
      case LargeScale::saturate: multiplier = top - 1, shift = rule.min_shift; break;
      case LargeScale::zero_at_16: multiplier = 0, shift = 16; break;
    }
  }
  if (rule.reduce_to_16) {
    multiplier = reduce_multiplier_to_16(multiplier);
    shift -= 16;
  }
  c.multiplier = multiplier;
  c.shift = shift;
  return c;
}

}  // namespace obz
