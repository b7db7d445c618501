// Requantization alone: QUANTIZE between integers, ReLU with its own scale, TOSA's RESCALE. (S46)
#pragma once

#include <string_view>

#include "ref/ops/requant.hpp"

namespace obz {

/// y[..., c, ...] = requant(x - zx) with the channel counted along `axis` (ignored when there is one channel).
struct Rescale {
  static constexpr std::string_view kName = "rescale";

  std::int32_t x_zero_point = 0;
  std::int64_t axis = 0;  ///< 0 .. rank - 1
  Requant requant;

  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("x_zero_point", s.x_zero_point);
    v("axis", s.axis);
    v("requant", s.requant);
  }
};

Shape infer(const Rescale& op, const Shape& x, const std::string& where);
void run(const Rescale& op, const Tensor& x, Tensor& y, AccumulatorTap tap = nullptr);

}  // namespace obz
