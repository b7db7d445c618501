// The two loops every multiply-accumulate operator is made of.
#pragma once

#include <cstdint>

#include "ref/ops/window.hpp"

namespace obz {

/// sum_k (a[k * stride_a] - za) * (b[k * stride_b] - zb), exact in 64 bits: operands have at most 17 bits after the
/// zero point, so 2^30 terms fit. (S23)
inline std::int64_t dot(const std::int32_t* a, std::int64_t stride_a, std::int64_t za, const std::int32_t* b,
                        std::int64_t stride_b, std::int64_t zb, std::int64_t count) {
  std::int64_t sum = 0;
  if (stride_a == 1 && stride_b == 1) {  // the same loop, in a form the compiler vectorizes
    for (std::int64_t k = 0; k < count; ++k) sum += (a[k] - za) * (b[k] - zb);
    return sum;
  }
  for (std::int64_t k = 0; k < count; ++k) sum += (a[k * stride_a] - za) * (b[k * stride_b] - zb);
  return sum;
}

/// Visits every output in memory order: f(n, h, w, c).
template <class F>
void for_each_output(Layout layout, const View4& out, F&& f) {
  for (std::int64_t n = 0; n < out.n; ++n) {
    if (layout == Layout::nhwc) {
      for (std::int64_t h = 0; h < out.h; ++h)
        for (std::int64_t w = 0; w < out.w; ++w)
          for (std::int64_t c = 0; c < out.c; ++c) f(n, h, w, c);
    } else {
      for (std::int64_t c = 0; c < out.c; ++c)
        for (std::int64_t h = 0; h < out.h; ++h)
          for (std::int64_t w = 0; w < out.w; ++w) f(n, h, w, c);
    }
  }
}

}  // namespace obz
