// From a real scale to the numbers a device multiplies with: (multiplier, shift), or a float.
// Systems differ in how they form the scale, how they round the mantissa, and what they do at the corners
// (mantissa rounded up to 2^n, shift out of range). A ScaleRule holds these choices.
#pragma once

#include <cstdint>

#include "ref/arith/recipe.hpp"

namespace obz {

/// How scale_input * scale_weight / scale_output is evaluated.
enum class ScalePrecision : std::uint8_t {
  float64,            ///< (double(a) * double(w)) / double(y)                     TFLite per-channel
  float32_product,    ///< double(float32(a * w)) / double(y)                      TFLite per-tensor, HAWQ, Vela u8
  float32_all,        ///< float32(float32(a * w) / y)                             ONNX Runtime, XNNPACK, QNNPACK
  float16_or_32_all,  ///< as float32_all, but in float16 when the model's scales are float16   numpy (ONNX reference)
};

enum class MantissaRounding : std::uint8_t { half_away, half_even, truncate };

/// When the mantissa rounds up to 2^bits: halve it and step the exponent, or keep it (needs one bit more).
enum class TopCorner : std::uint8_t { renormalise, keep };

/// When the shift would exceed max_shift (the scale is tiny).
enum class TinyScale : std::uint8_t {
  zero,        ///< multiplier 0, shift 31: every output is the zero point       TFLite, HAWQ beyond 62
  zero_at_16,  ///< multiplier 0, shift 16                                       Vela
  refuse,      ///< an Error
};

/// When the shift would fall below min_shift (the scale is large).
enum class LargeScale : std::uint8_t {
  refuse,      ///< an Error
  saturate,    ///< multiplier 2^bits - 1, shift min_shift                 TFLite single rounding
  zero_at_16,  ///< multiplier 0, shift 16                                 Vela
};

struct ScaleRule {
  ScalePrecision precision = ScalePrecision::float64;
  std::uint8_t mantissa_bits = 31;  ///< 0: the scale stays a float. Multiplier in [2^(bits-1), 2^bits]
  MantissaRounding mantissa_rounding = MantissaRounding::half_away;
  TopCorner top = TopCorner::renormalise;
  std::int8_t min_shift = 0;  ///< of the total right shift
  std::int8_t max_shift = 62;
  TinyScale tiny = TinyScale::zero;
  LargeScale large = LargeScale::refuse;
  bool reduce_to_16 = false;  ///< TFLite int16x8: the 31-bit multiplier is rounded once more to 16 bits, capped
  std::int16_t float_from = -1074, float_below = 1024;  ///< float rules take 2^float_from <= scale < 2^float_below
  bool power_of_two_only = false;                       ///< any other scale is an Error (Gemmini's shifter, HMQ)

  friend constexpr bool operator==(const ScaleRule&, const ScaleRule&) = default;
};

/// (S13) The real scale of a layer as the rule forms it. All scales finite and > 0 (weights may be < 0: I-ViT).
double form_scale(const ScaleRule& rule, float scale_input, float scale_weight, float scale_output,
                  bool scales_are_float16 = false);

/// (S14) Multiplier and shift of a real scale (or the scale itself for float rules); zero point and clamp keep
/// their defaults. Throws Error where the rule refuses.
Channel encode_scale(const ScaleRule& rule, double scale);

}  // namespace obz
