// How an accumulator becomes an output: the choices that differ between systems, as plain data.
// A node of an IntNet carries a Recipe and one Channel per output channel; executing it needs no profile.
#pragma once

#include <cstdint>

#include "ref/arith/int_type.hpp"
#include "ref/arith/round.hpp"

namespace obz {

enum class Arithmetic : std::uint8_t {
  dyadic,          ///< acc * multiplier / 2^shift in integers: ref/arith/requantize.hpp
  float32_scale,   ///< float32(acc) * float32 scale, as MLAS, XNNPACK fp32, FBGEMM, Gemmini, CUTLASS
  float64_scale,   ///< double(acc) * scale, as numpy does in the ONNX reference evaluator
  float64_dyadic,  ///< double(acc) * double(multiplier) / 2^shift, as the PyTorch code of HAWQ and I-ViT
};

/// Where the zero point joins.
enum class ZeroPointAt : std::uint8_t {
  after_rounding,   ///< round(acc * s) + zp
  before_rounding,  ///< round(acc * s + zp): ties see the parity and sign of zp
  before_scaling,   ///< round((acc + zp) * s): gemmlowp's legacy stage, NVDLA (which subtracts)
};

/// Where the clamp to [lo, hi] stands.
enum class ClampAt : std::uint8_t {
  after_zero_point,   ///< clamp(v + zp, lo, hi)
  before_zero_point,  ///< clamp(v, lo - zp, hi - zp) + zp: the same unless v + zp leaves the register
  before_rounding,    ///< float recipes only: the real value is clamped, then rounded
};

/// The choices shared by all channels of a node. Defaults: one half-up rounding in exact arithmetic.
struct Recipe {
  Arithmetic arithmetic = Arithmetic::dyadic;
  Rounding rounding = Rounding::half_up;  ///< of the last (or only) stage

  /// Two-stage systems round the product to bit `first_bits` first (31: a "doubling high multiply"), the rest
  /// of the shift follows as a second rounding. 0: one stage. When shift < first_bits the accumulator is
  /// shifted left by the difference before the multiplication, inside a 32-bit register.
  std::uint8_t first_bits = 0;
  Rounding first_rounding = Rounding::half_up;
  Overflow first_overflow = Overflow::saturate;  ///< of the 32-bit result of stage one
  Overflow left_overflow = Overflow::wrap;       ///< of that left shift

  std::uint8_t product_bits = 64;  ///< < 64: acc * multiplier + addend is kept in that many bits, wrapping

  /// Register that holds the scaled value; the sum with the zero point has at least 32 bits.
  std::uint8_t scaled_bits = 64;
  Overflow scaled_overflow = Overflow::exact;

  ZeroPointAt zero_point = ZeroPointAt::after_rounding;
  ClampAt clamp = ClampAt::after_zero_point;

  friend constexpr bool operator==(const Recipe&, const Recipe&) = default;
};

/// The numbers of one output channel. Real meaning: out = acc * multiplier / 2^shift + zero_point.
struct Channel {
  std::int64_t multiplier = 1;  ///< |acc * multiplier + addend| < 2^63 (validated per layer)
  std::int32_t shift = 0;       ///< total right shift, 0..63 (TFLite's "shift" is 31 - this)
  std::int64_t addend = 0;      ///< joins the product before the shift (PULP-NN's lambda); usually 0
  double scale = 0;             ///< float recipes only: the real scale, a float32 or float16 value
  std::int32_t zero_point = 0;
  std::int64_t lo = -128, hi = 127;  ///< clamp bounds, in output units, zero point included

  friend constexpr bool operator==(const Channel&, const Channel&) = default;
};

}  // namespace obz
