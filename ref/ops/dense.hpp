// Fully connected layer: rows of x times constant weights. (S42)
#pragma once

#include <string_view>

#include "ref/ops/filter.hpp"
#include "ref/ops/requant.hpp"

namespace obz {

/// y[..., o] = requant( acc( bias[o] + sum_i (x[..., i] - zx) * (w[o, i] - zw[o]) ) )
/// x: any rank, its elements taken as rows of I (TFLite flattens likewise); y: [rows, O] or x's shape with O last.
struct Dense {
  static constexpr std::string_view kName = "dense";

  Filter filter;  ///< weights [O, I]
  std::int32_t x_zero_point = 0;
  bool keep_dims = false;  ///< true: y has x's leading extents; false: y is [rows, O]
  Accumulator accumulator;
  Requant requant;

  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("filter", s.filter);
    v("x_zero_point", s.x_zero_point);
    v("keep_dims", s.keep_dims);
    v("accumulator", s.accumulator);
    v("requant", s.requant);
  }

  std::int64_t out_channels() const { return filter.out_channels(); }
};

Shape infer(const Dense& op, const Shape& x, const std::string& where);
void run(const Dense& op, const Tensor& x, Tensor& y, AccumulatorTap tap = nullptr);
std::int64_t macs(const Dense& op, const Shape& y);

}  // namespace obz
