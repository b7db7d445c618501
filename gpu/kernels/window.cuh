// The pixels of x that a window of y covers, in the order of ref/ops: rows, then columns, what lies outside left out.
#pragma once

#include "gpu/kernels/abi.hpp"

namespace obz::gpu {

/// f(row of x, index of the tap in the window) for every pixel inside x.
template <class F>
__device__ __forceinline__ void for_each_inside(const Geometry& g, std::int32_t y_row, F f) {
  const auto pixel = static_cast<std::uint32_t>(y_row);
  const auto out_w = static_cast<std::uint32_t>(g.out_w), out_h = static_cast<std::uint32_t>(g.out_h);
  const std::uint32_t line = pixel / out_w;
  const auto n = static_cast<std::int32_t>(line / out_h);
  const std::int32_t top = static_cast<std::int32_t>(line % out_h) * g.stride_h - g.pad_top;
  const std::int32_t left = static_cast<std::int32_t>(pixel % out_w) * g.stride_w - g.pad_left;
  for (std::int32_t kh = 0; kh < g.kernel_h; ++kh) {
    const std::int32_t h = top + kh * g.dilation_h;
    if (h < 0 || h >= g.h) continue;
    for (std::int32_t kw = 0; kw < g.kernel_w; ++kw) {
      const std::int32_t w = left + kw * g.dilation_w;
      if (w >= 0 && w < g.w) f((n * g.h + h) * g.w + w, kh * g.kernel_w + kw);
    }
  }
}

}  // namespace obz::gpu
