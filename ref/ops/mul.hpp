// Product of two quantized tensors, elementwise with numpy broadcasting. (S44)
#pragma once

#include <string_view>

#include "ref/ops/requant.hpp"

namespace obz {

/// y = requant( acc( (a - za) * (b - zb) ) )
struct Mul {
  static constexpr std::string_view kName = "mul";

  std::int32_t a_zero_point = 0, b_zero_point = 0;
  Accumulator accumulator;
  Requant requant;

  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("a_zero_point", s.a_zero_point);
    v("b_zero_point", s.b_zero_point);
    v("accumulator", s.accumulator);
    v("requant", s.requant);
  }
};

Shape infer(const Mul& op, const Shape& a, const Shape& b, const std::string& where);
void run(const Mul& op, const Tensor& a, const Tensor& b, Tensor& y, AccumulatorTap tap = nullptr);

}  // namespace obz
