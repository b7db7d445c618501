// Elementwise minimum or maximum of two tensors that share scale and zero point. (S45)
#pragma once

#include <string_view>

#include "ref/tensor/tensor.hpp"

namespace obz {

struct MinMax {
  static constexpr std::string_view kName = "min_max";

  bool maximum = true;

  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("maximum", s.maximum);
  }
};

Shape infer(const MinMax& op, const Shape& a, const Shape& b, const std::string& where);
void run(const MinMax& op, const Tensor& a, const Tensor& b, Tensor& y);

}  // namespace obz
