// Geometry that convolutions and pools share: layouts, windows, output extents.
#pragma once

#include <array>
#include <cstdint>

#include "ref/tensor/shape.hpp"

namespace obz {

enum class Layout : std::uint8_t { nhwc, nchw };

/// Strides of n, h, w, c in a rank-4 tensor of this layout, and its extents in the same order.
struct View4 {
  std::int64_t n, h, w, c;
  std::int64_t sn, sh, sw, sc;

  View4(const Shape& shape, Layout layout)
      : n(shape[0]),
        h(shape[layout == Layout::nhwc ? 1 : 2]),
        w(shape[layout == Layout::nhwc ? 2 : 3]),
        c(shape[layout == Layout::nhwc ? 3 : 1]) {
    const std::vector<std::int64_t> s = strides_of(shape);
    sn = s[0];
    sh = s[layout == Layout::nhwc ? 1 : 2];
    sw = s[layout == Layout::nhwc ? 2 : 3];
    sc = s[layout == Layout::nhwc ? 3 : 1];
  }
  std::size_t at(std::int64_t in, std::int64_t ih, std::int64_t iw, std::int64_t ic) const {
    return static_cast<std::size_t>(in * sn + ih * sh + iw * sw + ic * sc);
  }
};

inline Shape shape4(Layout layout, std::int64_t n, std::int64_t h, std::int64_t w, std::int64_t c) {
  return layout == Layout::nhwc ? Shape{n, h, w, c} : Shape{n, c, h, w};
}

/// Kernel extents come with the operator (from its weights for convolutions). All in elements.
struct Window {
  std::int32_t stride_h = 1, stride_w = 1;      ///< >= 1
  std::int32_t dilation_h = 1, dilation_w = 1;  ///< >= 1
  std::int32_t pad_top = 0, pad_left = 0, pad_bottom = 0, pad_right = 0;

  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("stride_h", s.stride_h);
    v("stride_w", s.stride_w);
    v("dilation_h", s.dilation_h);
    v("dilation_w", s.dilation_w);
    v("pad_top", s.pad_top);
    v("pad_left", s.pad_left);
    v("pad_bottom", s.pad_bottom);
    v("pad_right", s.pad_right);
  }

  std::int64_t out_h(std::int64_t in, std::int64_t kernel) const {
    return out(in, kernel, stride_h, dilation_h, pad_top + pad_bottom);
  }
  std::int64_t out_w(std::int64_t in, std::int64_t kernel) const {
    return out(in, kernel, stride_w, dilation_w, pad_left + pad_right);
  }

 private:
  static std::int64_t out(std::int64_t in, std::int64_t kernel, std::int64_t stride, std::int64_t dilation,
                          std::int64_t pad) {
    const std::int64_t span = in + pad - dilation * (kernel - 1) - 1;
    return span < 0 ? 0 : span / stride + 1;
  }
};

/// Error unless strides and dilations are 1..2^15 and pads 0..2^15; `where` names the node.
void check_window(const Window& window, const std::string& where);

/// Output shape of a pool over x (rank 4); kernel extents 1..2^15.
Shape pool_shape(Layout layout, std::int32_t kernel_h, std::int32_t kernel_w, const Window& window, const Shape& x,
                 const std::string& where);

}  // namespace obz
