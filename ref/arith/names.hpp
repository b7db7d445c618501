// The spelling of every enumerator, for files, tables and options. One table per enum; position = value.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

#include "ref/arith/profile.hpp"

namespace obz {

template <class E>
struct EnumNames;  // specialise with `static constexpr std::array values{...}`

template <>
struct EnumNames<Rounding> {
  static constexpr std::array<std::string_view, 5> values{"floor", "trunc", "half_up", "half_away", "half_even"};
};
template <>
struct EnumNames<Overflow> {
  static constexpr std::array<std::string_view, 3> values{"exact", "wrap", "saturate"};
};
template <>
struct EnumNames<Arithmetic> {
  static constexpr std::array<std::string_view, 4> values{"dyadic", "float32_scale", "float64_scale", "float64_dyadic"};
};
template <>
struct EnumNames<ZeroPointAt> {
  static constexpr std::array<std::string_view, 3> values{"after_rounding", "before_rounding", "before_scaling"};
};
template <>
struct EnumNames<ClampAt> {
  static constexpr std::array<std::string_view, 3> values{"after_zero_point", "before_zero_point", "before_rounding"};
};
template <>
struct EnumNames<ScalePrecision> {
  static constexpr std::array<std::string_view, 4> values{"float64", "float32_product", "float32_all",
                                                          "float16_or_32_all"};
};
template <>
struct EnumNames<MantissaRounding> {
  static constexpr std::array<std::string_view, 3> values{"half_away", "half_even", "truncate"};
};
template <>
struct EnumNames<TopCorner> {
  static constexpr std::array<std::string_view, 2> values{"renormalise", "keep"};
};
template <>
struct EnumNames<TinyScale> {
  static constexpr std::array<std::string_view, 3> values{"zero", "zero_at_16", "refuse"};
};
template <>
struct EnumNames<LargeScale> {
  static constexpr std::array<std::string_view, 3> values{"refuse", "saturate", "zero_at_16"};
};
template <>
struct EnumNames<AddRule> {
  static constexpr std::array<std::string_view, 4> values{"common_scale", "branchwise", "single_sum", "float32"};
};
template <>
struct EnumNames<AvgPoolRule> {
  static constexpr std::array<std::string_view, 5> values{"divide_half_away", "rescale", "reciprocal", "truncate",
                                                          "truncate_guarded"};
};

template <class E>
constexpr std::string_view name_of(E value) {
  return EnumNames<E>::values[static_cast<std::size_t>(value)];
}

template <class E>
constexpr std::optional<E> enum_from(std::string_view name) {
  for (std::size_t i = 0; i < EnumNames<E>::values.size(); ++i) {
    if (EnumNames<E>::values[i] == name) return static_cast<E>(i);
  }
  return std::nullopt;
}

}  // namespace obz
