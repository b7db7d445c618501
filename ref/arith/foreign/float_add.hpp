// Addition of two quantized values as a runtime without integer arithmetic does it.
#pragma once

#include <cstdint>

#include "ref/arith/foreign/float_requantize.hpp"

namespace obz::foreign {

/// (S34) clamp(rne((ca*sa + cb*sb) / sy) + zy): dequantize, add, quantize, each operation rounded to float32.
/// ca, cb: values with their zero points removed; `out`: scale sy, zero point, clamp.
inline std::int64_t add_float32(std::int64_t ca, double sa, std::int64_t cb, double sb, const Channel& out) noexcept {
  const float da = static_cast<float>(ca) * static_cast<float>(sa);
  const float db = static_cast<float>(cb) * static_cast<float>(sb);
  const float sum = da + db;
  const float scaled = sum / static_cast<float>(out.scale);
  return saturate(round_half_even(static_cast<double>(scaled)) + out.zero_point, out.lo, out.hi);
}

}  // namespace obz::foreign
