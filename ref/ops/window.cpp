#include "ref/ops/window.hpp"

#include <fmt/format.h>

#include "ref/base/error.hpp"

namespace obz {

void check_window(const Window& w, const std::string& where) {
  constexpr std::int32_t limit = 1 << 15;
  for (const std::int32_t v : {w.stride_h, w.stride_w, w.dilation_h, w.dilation_w}) {
    if (v < 1 || v > limit)
      throw Error(fmt::format("{}: expected strides and dilations in 1..{}, got {}", where, limit, v));
  }
  for (const std::int32_t v : {w.pad_top, w.pad_left, w.pad_bottom, w.pad_right}) {
    if (v < 0 || v > limit) throw Error(fmt::format("{}: expected pads in 0..{}, got {}", where, limit, v));
  }
}

Shape pool_shape(Layout layout, std::int32_t kernel_h, std::int32_t kernel_w, const Window& window, const Shape& x,
                 const std::string& where) {
  if (x.rank() != 4) throw Error(fmt::format("{}: expected an input of rank 4, got {}", where, x.text()));
  check_window(window, where);
  constexpr std::int32_t limit = 1 << 15;
  if (kernel_h < 1 || kernel_w < 1 || kernel_h > limit || kernel_w > limit) {
    throw Error(fmt::format("{}: expected kernel extents in 1..{}, got {}x{}", where, limit, kernel_h, kernel_w));
  }
  const View4 in(x, layout);
  return shape4(layout, in.n, window.out_h(in.h, kernel_h), window.out_w(in.w, kernel_w), in.c);
}

}  // namespace obz
