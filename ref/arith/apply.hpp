// One accumulator through whatever recipe a node carries: the normative integer path, or a foreign float one.
#pragma once

#include <cstdint>

#include "ref/arith/foreign/float_requantize.hpp"
#include "ref/arith/recipe.hpp"
#include "ref/arith/requantize.hpp"

namespace obz {

inline std::int64_t apply_recipe(std::int64_t acc, const Recipe& r, const Channel& c) noexcept {
  switch (r.arithmetic) {
    case Arithmetic::dyadic: return requantize(acc, r, c);
    case Arithmetic::float32_scale: return foreign::requantize_float32(acc, r, c);
    case Arithmetic::float64_scale: return foreign::requantize_float64(acc, r, c);
    case Arithmetic::float64_dyadic: return foreign::requantize_float64_dyadic(acc, c);
  }
  return 0;
}

}  // namespace obz
