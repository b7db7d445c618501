// The recipes that the kernels know when they are compiled; any other is executed as data.
#pragma once

#include "ref/arith/requantize.hpp"

namespace obz::gpu {

/// Rounded once: half up, as most hardware does; half even, as HAWQ-V3.
constexpr Recipe half_up() { return {}; }
constexpr Recipe half_even() { return {.rounding = Rounding::half_even}; }

/// TFLite's reference: a doubling high multiply, then a rounding shift.
constexpr Recipe two_roundings() {
  return {.rounding = Rounding::half_away, .first_bits = 31, .scaled_bits = 32, .scaled_overflow = Overflow::wrap};
}

enum class RecipeKind { half_up, half_even, two_roundings, any };

/// Uniform over a launch: asked once.
constexpr RecipeKind kind_of(const Recipe& r) {
  return r == half_up()         ? RecipeKind::half_up
         : r == half_even()     ? RecipeKind::half_even
         : r == two_roundings() ? RecipeKind::two_roundings
                                : RecipeKind::any;
}

}  // namespace obz::gpu
