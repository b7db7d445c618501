// NORMATIVE. The meaning of integer requantization, written once and called by every engine and kernel.
// Judged by tests/oracle, which shares no code with this file. Equations S6-S12 of docs/semantics.md.
// Knows nothing of tensors, profiles or floating point; constexpr, noexcept, usable from CUDA
// (nvcc --expt-relaxed-constexpr).
#pragma once

#include <cstdint>

#include "ref/arith/int_type.hpp"
#include "ref/arith/recipe.hpp"
#include "ref/arith/round.hpp"

namespace obz {

/// Every intermediate of one requantization, in the order a device would show them on its wires.
struct RequantTrace {
  std::int64_t input = 0;    ///< accumulator after the left shift and the early zero point, if any
  std::int64_t product = 0;  ///< input * multiplier + addend
  std::int64_t first = 0;    ///< after stage one (= product when there is one stage)
  std::int64_t scaled = 0;   ///< after the last rounding
  std::int64_t sum = 0;      ///< with the zero point
  std::int64_t out = 0;      ///< after the clamp
};

/// Dyadic requantization of one accumulator.
/// Requires r.arithmetic == dyadic, 0 <= c.shift <= 63, c.lo <= c.hi and |acc * multiplier + addend| < 2^63
/// (two-stage: acc fits in 32 bits); `validate` checks these per layer, so nothing is checked here.
constexpr RequantTrace trace_requantize(std::int64_t acc, const Recipe& r, const Channel& c) noexcept {
  RequantTrace t;

  // (S6) what enters the multiplier
  t.input = r.zero_point == ZeroPointAt::before_scaling ? acc + c.zero_point : acc;
  int shift = c.shift;
  if (shift < r.first_bits) {
    const int left = r.first_bits - shift;
    t.input = narrow(t.input << left, 32, r.left_overflow);
    shift = r.first_bits;
  }

  // (S7) the product
  t.product = t.input * c.multiplier + c.addend;
  if (r.product_bits < 64) t.product = wrap(t.product, r.product_bits);

  // (S8) stage one
  t.first = t.product;
  if (r.first_bits > 0) {
    t.first = narrow(shift_right(t.product, r.first_bits, r.first_rounding), 32, r.first_overflow);
    shift -= r.first_bits;
  }

  // (S9) the last rounding; a zero point that joins before it moves ties
  const bool early = r.zero_point == ZeroPointAt::before_rounding;
  t.scaled = shift_right(t.first, shift, r.rounding, early ? c.zero_point : 0);
  t.scaled = narrow(t.scaled, r.scaled_bits, r.scaled_overflow);

  // (S10) zero point, (S11) clamp; in this order unless the recipe clamps first
  const std::int64_t zero_point = r.zero_point == ZeroPointAt::after_rounding ? c.zero_point : 0;
  if (r.clamp == ClampAt::before_zero_point) {
    t.sum = saturate(t.scaled, c.lo - zero_point, c.hi - zero_point) + zero_point;
    t.out = t.sum;
  } else {
    t.sum = narrow(t.scaled + zero_point, r.scaled_bits < 32 ? 32 : r.scaled_bits, r.scaled_overflow);
    t.out = saturate(t.sum, c.lo, c.hi);
  }
  return t;
}

/// (S12) The output alone.
constexpr std::int64_t requantize(std::int64_t acc, const Recipe& r, const Channel& c) noexcept {
  return trace_requantize(acc, r, c).out;
}

}  // namespace obz
