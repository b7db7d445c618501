// A quantizer of QONNX, and any monotone float chain in front of it as a staircase over integers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ref/net/bounds.hpp"
#include "ref/ops/threshold.hpp"
#include "ref/read/onnx/value.hpp"

namespace obz::onnx {

/// QONNX's names. HALF_UP is half-away, HALF_DOWN half-towards-zero, UP away from zero.
enum class QonnxRounding : std::uint8_t { round, ceil, floor, up, down, half_up, half_down };

/// The mode of this name in upper or lower case; Error opening with `where`.
QonnxRounding rounding_of(const std::string& name, const std::string& where);

std::int64_t round_real(float v, QonnxRounding mode);

/// Quant, IntQuant: round(clamp(x / scale + zp)); BipolarQuant: x >= 0 ? 1 : -1.
struct Quantizer {
  bool bipolar = false;
  std::vector<float> scales{1};  ///< 1 or one per index of `axis`
  std::int64_t axis = -1;
  std::int64_t zero_point = 0;
  std::int64_t lo = 0, hi = 0;
  QonnxRounding rounding = QonnxRounding::round;
  IntType type;

  std::int64_t operator()(float v, std::int64_t channel) const;
};

/// What the chain starts from: float32(scale * (q - zero point)) of an integer q in `range`, correctly rounded.
struct ChainSource {
  std::vector<double> scales{1};  ///< 1 or one per index of `axis`
  std::int64_t axis = -1;
  std::int64_t zero_point = 0;
  Range range;

  float real(std::int64_t q, std::int64_t channel) const {
    const double s = scales[scales.size() == 1 ? 0 : static_cast<std::size_t>(channel)];
    return static_cast<float>(s * static_cast<double>(q - zero_point));
  }
};

/// The staircase q -> quantizer(chain(real(q))) per channel (`channels` 1: shared), each threshold found by
/// bisection over the range. Error opening with `where` when the chain is not monotone or gives no number.
Threshold find_thresholds(const ChainSource& source, const std::vector<ChainStep>& chain, const Quantizer& quantizer,
                          std::int64_t axis, std::int64_t channels, const std::string& where);

}  // namespace obz::onnx
