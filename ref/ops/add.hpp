// Sum or difference of two quantized tensors with numpy broadcasting: the residual join. (S30-S34)
#pragma once

#include <string_view>

#include "ref/ops/requant.hpp"

namespace obz {

/// y = out( acc( a'  +- b' ) ),  a' = branch_a((a - za) << left_shift), likewise b'.
/// Every published scheme is one filling of these fields:
///   TFLite       left_shift 20 (int16: 15), both branches scaled below 1 and rounded, the sum scaled and rounded
///   HAWQ-V3      left_shift 0, each branch scaled to the output and rounded; `out` only clamps (or not even that)
///   PULP-NN      branches multiply without shift; `out` shifts once, so there is one rounding
/// or, when `floating` is set (ONNX Runtime): y = clamp(rne(((a-za)*sa +- (b-zb)*sb) / sy) + zy), each operation in
/// float32, the scales in branch_a/branch_b/out.channels[0].scale.
struct Add {
  static constexpr std::string_view kName = "add";

  bool subtract = false;
  bool floating = false;
  std::int32_t a_zero_point = 0, b_zero_point = 0;
  std::int32_t left_shift = 0;  ///< 0..30
  Requant branch_a, branch_b;
  Accumulator accumulator;
  Requant out;

  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("subtract", s.subtract);
    v("floating", s.floating);
    v("a_zero_point", s.a_zero_point);
    v("b_zero_point", s.b_zero_point);
    v("left_shift", s.left_shift);
    v("branch_a", s.branch_a);
    v("branch_b", s.branch_b);
    v("accumulator", s.accumulator);
    v("out", s.out);
  }
};

Shape infer(const Add& op, const Shape& a, const Shape& b, const std::string& where);
void run(const Add& op, const Tensor& a, const Tensor& b, Tensor& y, AccumulatorTap tap = nullptr);

/// One element; the whole meaning of the operator.
std::int64_t add_one(const Add& op, std::int32_t a, std::int32_t b, std::int64_t* accumulator = nullptr);

}  // namespace obz
