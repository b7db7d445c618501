// 2-D convolution: ordinary, grouped and depthwise (groups = input channels). (S40)
#pragma once

#include <string_view>

#include "ref/ops/filter.hpp"
#include "ref/ops/requant.hpp"
#include "ref/ops/window.hpp"

namespace obz {

/// y[n,oh,ow,o] = requant( acc( bias[o] + sum_{kh,kw,i} (x[...] - zx) * (w[o,kh,kw,i] - zw[o]) ) )
/// where positions outside x contribute nothing: padding has the real value 0.
struct Conv2d {
  static constexpr std::string_view kName = "conv2d";

  Layout layout = Layout::nhwc;  ///< of x and y
  Filter filter;                 ///< weights [O, KH, KW, I / groups] whatever the layout
  std::int64_t groups = 1;       ///< divides I and O
  Window window;
  std::int32_t x_zero_point = 0;
  Accumulator accumulator;
  Requant requant;

  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("layout", s.layout);
    v("filter", s.filter);
    v("groups", s.groups);
    v("window", s.window);
    v("x_zero_point", s.x_zero_point);
    v("accumulator", s.accumulator);
    v("requant", s.requant);
  }

  std::int64_t out_channels() const { return filter.out_channels(); }
};

/// Output shape; Error when weights, groups and x do not fit together.
Shape infer(const Conv2d& op, const Shape& x, const std::string& where);

/// y has the inferred shape and its type.
void run(const Conv2d& op, const Tensor& x, Tensor& y, AccumulatorTap tap = nullptr);

/// Multiply-accumulates of one execution, padding included.
std::int64_t macs(const Conv2d& op, const Shape& y);

}  // namespace obz
