// Average pooling, in the variants of the catalogue. (S35-S37)
#pragma once

#include <string_view>

#include "ref/ops/requant.hpp"
#include "ref/ops/window.hpp"

namespace obz {

/// How the sum over `count` values becomes an average.
enum class AverageBy : std::uint8_t {
  division,  ///< clamp(round(sum / count)) on the raw values, `rounding` as named; channels[0] holds the clamp
  requant,   ///< requant(acc(sum - count * zx)) with channel [count - 1]: the multiplier contains 1 / count
};

struct AvgPool {
  static constexpr std::string_view kName = "avg_pool";

  Layout layout = Layout::nhwc;
  std::int32_t kernel_h = 1, kernel_w = 1;
  Window window;
  bool count_includes_pad = false;  ///< true: count is always kernel_h * kernel_w, padding has the real value 0
  std::int32_t x_zero_point = 0;
  AverageBy by = AverageBy::division;
  Rounding rounding = Rounding::half_away;
  Accumulator accumulator;
  Requant requant;  ///< requant: kernel_h * kernel_w channels, one per count

  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("layout", s.layout);
    v("kernel_h", s.kernel_h);
    v("kernel_w", s.kernel_w);
    v("window", s.window);
    v("count_includes_pad", s.count_includes_pad);
    v("x_zero_point", s.x_zero_point);
    v("by", s.by);
    v("rounding", s.rounding);
    v("accumulator", s.accumulator);
    v("requant", s.requant);
  }
};

Shape infer(const AvgPool& op, const Shape& x, const std::string& where);
void run(const AvgPool& op, const Tensor& x, Tensor& y, AccumulatorTap tap = nullptr);

}  // namespace obz
