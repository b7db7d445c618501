// Spelling of the enumerators that appear in net.json beyond those of ref/arith.
#pragma once

#include "ref/arith/names.hpp"
#include "ref/border/border.hpp"
#include "ref/ops/avg_pool.hpp"
#include "ref/ops/window.hpp"

namespace obz {

template <>
struct EnumNames<Layout> {
  static constexpr std::array<std::string_view, 2> values{"nhwc", "nchw"};
};
template <>
struct EnumNames<AverageBy> {
  static constexpr std::array<std::string_view, 2> values{"division", "requant"};
};
template <>
struct EnumNames<QuantizeBy> {
  static constexpr std::array<std::string_view, 5> values{"affine", "reciprocal", "clamp_first", "bipolar", "dynamic"};
};
template <>
struct EnumNames<FloatStep::Kind> {
  static constexpr std::array<std::string_view, 4> values{"add", "sub", "mul", "div"};
};

}  // namespace obz
