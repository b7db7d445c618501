// The float border of a network: how a float input becomes integers and what integer outputs mean. Kept beside the
// graph, never inside it; evaluated by ref/border/convert.hpp.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ref/arith/round.hpp"
#include "ref/tensor/shape.hpp"

namespace obz {

/// Scales and zero points of a tensor: one pair, one per index of `axis`, or one per block of `block` along `axis`
/// (then scale_shape is the tensor's shape with that axis divided by `block`, rounded up).
struct AffineScale {
  std::vector<double> scales;             ///< float32 (or float16) values, > 0
  std::vector<std::int64_t> zero_points;  ///< same count, or empty (= 0)
  std::int64_t axis = 0;
  std::int64_t block = 0;  ///< 0: per tensor or per axis
  Shape scale_shape;       ///< blocked only

  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("scales", s.scales);
    v("zero_points", s.zero_points);
    v("axis", s.axis);
    v("block", s.block);
    v("scale_shape", s.scale_shape);
  }
};

/// One float32 operation with a constant, applied before the quantizer.
struct FloatStep {
  enum class Kind : std::uint8_t { add, sub, mul, div };
  Kind kind = Kind::mul;
  double value = 1;  ///< a float32 value

  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("kind", s.kind);
    v("value", s.value);
  }
};

/// How real values become integers.
enum class QuantizeBy : std::uint8_t {
  affine,       ///< clamp(round(x / scale) + zp)                          ONNX (half-even), TFLite (half-away)
  reciprocal,   ///< clamp(round(x * (1 / scale)) + zp), 1 / scale in float32                     HAWQ, I-ViT
  clamp_first,  ///< clamp(x / scale + zp) then round                  QONNX Quant
  bipolar,      ///< x >= 0 ? +1 : -1                                      QONNX BipolarQuant
  dynamic,      ///< scale and zero point from the data's own range        ONNX DynamicQuantizeLinear
};

struct InputBorder {
  std::string name;  ///< of the float input in the model
  int tensor = 0;    ///< the integer value it becomes: a network input
  QuantizeBy by = QuantizeBy::affine;
  std::vector<FloatStep> steps;  ///< applied to the float input first, in float32
  AffineScale affine;
  Rounding rounding = Rounding::half_even;
  std::int64_t lo = -128, hi = 127;
  std::string scale_output, zero_point_output;  ///< dynamic: names under which these are reported
  /// Photographs may be given as bytes [H, W, C]; they become (byte / 255 - mean) / deviation in float32, [C, H, W].
  /// One per channel; empty: only floats are taken.
  std::vector<double> image_mean, image_deviation;

  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("name", s.name);
    v("tensor", s.tensor);
    v("by", s.by);
    v("steps", s.steps);
    v("affine", s.affine);
    v("rounding", s.rounding);
    v("lo", s.lo);
    v("hi", s.hi);
    v("scale_output", s.scale_output);
    v("zero_point_output", s.zero_point_output);
    v.optional("image_mean", s.image_mean);
    v.optional("image_deviation", s.image_deviation);
  }
};

/// float32 output = (q - zp) * scale.
struct OutputBorder {
  std::string name;  ///< of the float output in the model
  int tensor = 0;    ///< the integer value behind it: a network output
  AffineScale affine;

  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("name", s.name);
    v("tensor", s.tensor);
    v("affine", s.affine);
  }
};

}  // namespace obz
