// A profile is a value: the choices one system makes when it executes a quantized network, with its version and
// the place where they can be read. It is only a way to fill the explicit fields of an IntNet from a model;
// nothing is executed "under a profile". The catalogue itself is ref/arith/catalogue.cpp.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "ref/arith/dyadic.hpp"
#include "ref/arith/recipe.hpp"

namespace obz {

/// How two quantized tensors are added. (S30-S34)
enum class AddRule : std::uint8_t {
  common_scale,  ///< both shifted left by 20 (15 for int16), scaled to twice the larger scale, added, scaled  TFLite
  branchwise,    ///< each branch scaled to the output and rounded on its own, then added                      HAWQ-V3
  single_sum,    ///< integer multipliers over one common shift, one rounding of the sum             PULP-NN, XNNPACK
  float32,       ///< dequantize, add, quantize in float32                                          ONNX Runtime
};

/// How an average over n values is formed. (S35-S37)
enum class AvgPoolRule : std::uint8_t {
  divide_half_away,  ///< raw sum / n, half-away, no rescale                                          TFLite, CMSIS-NN
  rescale,           ///< (sum - n*zp) through the profile's own requantizer with scale s_in/(s_out*n)
  reciprocal,        ///< TOSA: multiplier ((2^30+1) << k) / n, k = 32 - clz(n - 1), shift 30 + k, half-up
  truncate,          ///< trunc(sum / n), as a proved multiply and shift where the range allows          HAWQ-V3 in TVM
  truncate_guarded,  ///< trunc(sum / n + 0.01): differs on negative multiples of n                HAWQ-V3 in PyTorch
};

struct Profile {
  std::string_view id;        ///< <origin>/<variant>
  std::string_view version;   ///< of the origin, as read
  std::string_view citation;  ///< file, section or equation where the choices stand
  std::string_view summary;   ///< one line for `obz profiles`
  char evidence = 'S';        ///< S: read in source; D: documentation only

  ScaleRule scale;                                                ///< per-channel layers
  ScalePrecision per_tensor_precision = ScalePrecision::float64;  ///< layers with one weight scale
  Recipe recipe;

  std::uint8_t acc_bits = 32;  ///< accumulator register
  Overflow acc_overflow = Overflow::wrap;
  bool has_zero_point = true;  ///< false: the system knows no output zero point (it must be 0)
  bool has_addend = false;     ///< per-channel integer that joins the product before the shift (PULP-NN's lambda)
  std::uint8_t multiplier_field_bits = 32;  ///< width of the multiplier field in the device
  bool multiplier_is_signed = true;

  AddRule add = AddRule::branchwise;
  std::uint8_t add_bits = 0;  ///< single_sum: bits of the larger multiplier
  AvgPoolRule avg_pool = AvgPoolRule::rescale;

  constexpr bool is_dyadic() const noexcept { return recipe.arithmetic == Arithmetic::dyadic; }
  constexpr bool uses_multiplier() const noexcept {
    return is_dyadic() || recipe.arithmetic == Arithmetic::float64_dyadic;
  }
};

/// All profiles, sorted by id.
std::span<const Profile> profile_catalogue();

/// The profile with this id, or an Error that lists the nearest ids.
const Profile& find_profile(std::string_view id);

}  // namespace obz
