// TFLite's fixed-point softmax over the last axis. (S50: 8-bit input, S51: 16-bit)
#pragma once

#include <string_view>

#include "ref/ops/requant.hpp"

namespace obz {

/// 8-bit input (S50): differences to the row maximum in Q5.26 through `difference`, exp in Q0.31, sum in Q12.19,
/// reciprocal by three Newton steps, one half-away shift. Output int8 or int16 with scale 2^-8 or 2^-16.
/// 16-bit input (S51): exp and 1/(1+x) from interpolated 513-entry tables, output int16 with scale 2^-15.
struct Softmax {
  static constexpr std::string_view kName = "softmax";

  Requant difference;                                     ///< scales x - max
  std::int64_t diff_min = 0;                              ///< 8-bit input: differences below this give 0 exactly
  std::vector<std::int64_t> exp_table, reciprocal_table;  ///< 16-bit input: 513 int16 values each; else empty

  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("difference", s.difference);
    v("diff_min", s.diff_min);
    v("exp_table", s.exp_table);
    v("reciprocal_table", s.reciprocal_table);
  }
};

Shape infer(const Softmax& op, const Shape& x, const std::string& where);
void run(const Softmax& op, const Tensor& x, Tensor& y);

}  // namespace obz
