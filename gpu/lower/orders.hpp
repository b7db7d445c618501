// The storage orders that layers ask for, and windows as the kernels take them.
#pragma once

#include "gpu/lower/storage.hpp"
#include "ref/ops/window.hpp"

namespace obz::gpu {

/// Pixels as rows; hwnc: h, w, n instead of n, h, w.
inline Order pixel_order(Layout layout, bool hwnc = false) {
  if (layout == Layout::nhwc) return hwnc ? Order{1, 2, 0, 3} : Order{0, 1, 2, 3};
  return hwnc ? Order{2, 3, 0, 1} : Order{0, 2, 3, 1};
}

/// Natural order, but `axis` last.
inline Order with_channel(std::size_t rank, std::size_t axis) {
  Order order;
  for (std::size_t i = 0; i < rank; ++i) {
    if (i != axis) order.push_back(static_cast<int>(i));
  }
  order.push_back(static_cast<int>(axis));
  return order;
}

inline Geometry geometry_of(const Shape& x, const Shape& y, Layout layout, std::int64_t kernel_h, std::int64_t kernel_w,
                            const Window& window) {
  const View4 in(x, layout), out(y, layout);
  const auto narrow = [](std::int64_t v) { return static_cast<std::int32_t>(v); };
  return {.n = narrow(in.n),
          .h = narrow(in.h),
          .w = narrow(in.w),
          .out_h = narrow(out.h),
          .out_w = narrow(out.w),
          .kernel_h = narrow(kernel_h),
          .kernel_w = narrow(kernel_w),
          .stride_h = window.stride_h,
          .stride_w = window.stride_w,
          .dilation_h = window.dilation_h,
          .dilation_w = window.dilation_w,
          .pad_top = window.pad_top,
          .pad_left = window.pad_left};
}

}  // namespace obz::gpu
