// Matrix product of two activations, batched with numpy broadcasting. (S43)
#pragma once

#include <string_view>

#include "ref/ops/requant.hpp"

namespace obz {

/// y[..., m, n] = requant( acc( sum_k (a[..., m, k] - za) * (b[..., k, n] - zb) ) ); the requantizer's channel is n.
/// transpose_a / transpose_b: the stored operand is [..., k, m] / [..., n, k].
struct MatMul {
  static constexpr std::string_view kName = "matmul";

  bool transpose_a = false, transpose_b = false;
  std::vector<std::int64_t> a_zero_points{0};  ///< one, or one per row m
  std::vector<std::int64_t> b_zero_points{0};  ///< one, or one per column n
  Accumulator accumulator;
  Requant requant;

  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("transpose_a", s.transpose_a);
    v("transpose_b", s.transpose_b);
    v("a_zero_points", s.a_zero_points);
    v("b_zero_points", s.b_zero_points);
    v("accumulator", s.accumulator);
    v("requant", s.requant);
  }
};

Shape infer(const MatMul& op, const Shape& a, const Shape& b, const std::string& where);
void run(const MatMul& op, const Tensor& a, const Tensor& b, Tensor& y, AccumulatorTap tap = nullptr);

/// Depth of the dot products.
std::int64_t depth(const MatMul& op, const Shape& a);

}  // namespace obz
