// Transposed 2-D convolution ("deconvolution"): every input spreads over a window of outputs. (S41)
#pragma once

#include <string_view>

#include "ref/ops/filter.hpp"
#include "ref/ops/requant.hpp"
#include "ref/ops/window.hpp"

namespace obz {

/// acc[n,oh,ow,o] = bias[o] + sum over (ih,kh),(iw,kw),i with oh = ih*stride_h + kh*dilation_h - pad_top (and the
/// same for w) of (x[n,ih,iw,i] - zx) * w[o,kh,kw,i];  y = requant(acc).
struct ConvTranspose2d {
  static constexpr std::string_view kName = "conv_transpose2d";

  Layout layout = Layout::nhwc;
  Filter filter;  ///< weights [O, KH, KW, I / groups]
  std::int64_t groups = 1;
  Window window;                      ///< pad_top and pad_left crop the output; bottom and right are implied by y
  std::int64_t out_h = 0, out_w = 0;  ///< output extents (they are not implied by the input's)
  std::int32_t x_zero_point = 0;
  Accumulator accumulator;
  Requant requant;

  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("layout", s.layout);
    v("filter", s.filter);
    v("groups", s.groups);
    v("window", s.window);
    v("out_h", s.out_h);
    v("out_w", s.out_w);
    v("x_zero_point", s.x_zero_point);
    v("accumulator", s.accumulator);
    v("requant", s.requant);
  }

  std::int64_t out_channels() const { return filter.out_channels(); }
};

Shape infer(const ConvTranspose2d& op, const Shape& x, const std::string& where);
void run(const ConvTranspose2d& op, const Tensor& x, Tensor& y, AccumulatorTap tap = nullptr);
std::int64_t macs(const ConvTranspose2d& op, const Shape& x);

}  // namespace obz
