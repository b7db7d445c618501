// Mean over a set of axes: one sum, one requantization that contains the division. (S39)
#pragma once

#include <string_view>

#include "ref/ops/requant.hpp"

namespace obz {

/// y = requant( acc( sum over axes of (x - zx) ) ); channel 0.
struct Mean {
  static constexpr std::string_view kName = "mean";

  Shape axes;  ///< distinct, >= 0
  bool keep_dims = false;
  std::int32_t x_zero_point = 0;
  Accumulator accumulator;
  Requant requant;

  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("axes", s.axes);
    v("keep_dims", s.keep_dims);
    v("x_zero_point", s.x_zero_point);
    v("accumulator", s.accumulator);
    v("requant", s.requant);
  }
};

Shape infer(const Mean& op, const Shape& x, const std::string& where);
void run(const Mean& op, const Tensor& x, Tensor& y, AccumulatorTap tap = nullptr);

}  // namespace obz
