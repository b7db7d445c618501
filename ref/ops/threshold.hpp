// Multi-threshold activation (FINN, QONNX): the output counts the thresholds an accumulator has reached. (S48)
// Any monotone chain of float operations followed by a quantizer is such a staircase.
#pragma once

#include <string_view>

#include "ref/tensor/tensor.hpp"

namespace obz {

/// y[..., c, ...] = lo + step * #{ t : direction[c] * x >= thresholds[c, t] }, c counted along `axis`.
struct Threshold {
  static constexpr std::string_view kName = "threshold";

  std::int64_t axis = 1;
  std::int64_t channels = 1;             ///< extent of `axis`, or 1 (shared)
  std::vector<std::int64_t> thresholds;  ///< channels x count, ascending in each channel
  std::vector<std::int64_t> directions;  ///< channels values, +1 (rising) or -1 (falling)
  std::int32_t lo = 0, step = 1;

  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("axis", s.axis);
    v("channels", s.channels);
    v("thresholds", s.thresholds);
    v("directions", s.directions);
    v("lo", s.lo);
    v("step", s.step);
  }
};

Shape infer(const Threshold& op, const Shape& x, const std::string& where);
void run(const Threshold& op, const Tensor& x, Tensor& y);

}  // namespace obz
