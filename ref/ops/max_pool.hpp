// Max pooling: the largest value of each window, padding never wins. (S38)
#pragma once

#include <string_view>

#include "ref/ops/window.hpp"
#include "ref/tensor/tensor.hpp"

namespace obz {

/// y = clamp(max over the window, lo, hi). Scale and zero point are unchanged.
struct MaxPool {
  static constexpr std::string_view kName = "max_pool";

  Layout layout = Layout::nhwc;
  std::int32_t kernel_h = 1, kernel_w = 1;
  Window window;
  std::int32_t lo = -128, hi = 127;

  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("layout", s.layout);
    v("kernel_h", s.kernel_h);
    v("kernel_w", s.kernel_w);
    v("window", s.window);
    v("lo", s.lo);
    v("hi", s.hi);
  }
};

Shape infer(const MaxPool& op, const Shape& x, const std::string& where);
void run(const MaxPool& op, const Tensor& x, Tensor& y);

}  // namespace obz
