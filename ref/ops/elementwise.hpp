// The loop of every two-operand elementwise operator: numpy broadcasting, f(a, b) per output element.
#pragma once

#include "ref/tensor/tensor.hpp"

namespace obz {

template <class F>
void for_each_pair(const Tensor& a, const Tensor& b, Tensor& y, F&& f) {
  if (a.shape == b.shape) {
    for (std::size_t i = 0; i < y.data.size(); ++i) y.data[i] = static_cast<std::int32_t>(f(a.data[i], b.data[i]));
    return;
  }
  const std::vector<std::int64_t> stride_a = broadcast_strides(a.shape, y.shape);
  const std::vector<std::int64_t> stride_b = broadcast_strides(b.shape, y.shape);
  std::vector<std::int64_t> index(y.shape.rank(), 0);
  std::int64_t at_a = 0, at_b = 0;
  for (std::int32_t& out : y.data) {
    out = static_cast<std::int32_t>(f(a.data[static_cast<std::size_t>(at_a)], b.data[static_cast<std::size_t>(at_b)]));
    for (std::size_t axis = index.size(); axis-- > 0;) {  // step the index, innermost axis first
      at_a += stride_a[axis];
      at_b += stride_b[axis];
      if (++index[axis] < y.shape[axis]) break;
      at_a -= stride_a[axis] * index[axis];
      at_b -= stride_b[axis] * index[axis];
      index[axis] = 0;
    }
  }
}

}  // namespace obz
