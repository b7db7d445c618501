// gemmlowp's fixed-point vocabulary, in terms of ref/arith/round.hpp. Raw int32 values; Qm.n means m integer bits.
#pragma once

#include <cstdint>

#include "ref/arith/int_type.hpp"
#include "ref/arith/round.hpp"

namespace obz::fixed_point {

constexpr std::int64_t saturate32(std::int64_t v) { return saturate(v, kInt32.min(), kInt32.max()); }

/// Product of two Q-numbers as a doubling high multiply: half-up at bit 31.
constexpr std::int64_t multiply(std::int64_t a, std::int64_t b) {
  return saturate32(shift_right(a * b, 31, Rounding::half_up));
}

/// Division by 2^bits, ties away from zero.
constexpr std::int64_t halve(std::int64_t v, int bits) { return shift_right(v, bits, Rounding::half_away); }

/// Multiplication by 2^bits that stops at the int32 rails.
constexpr std::int64_t scale_up(std::int64_t v, int bits) { return saturate32(v << bits); }

/// exp(a) in Q0.31 of a <= 0 in Q5.26: a fourth-order polynomial on (-1/4, 0], times a table of exp(-2^k).
constexpr std::int64_t exp_of_negative(std::int64_t a) {
  constexpr std::int64_t quarter = std::int64_t{1} << 24;
  if (a == 0) return kInt32.max();
  const std::int64_t fraction = (a & (quarter - 1)) - quarter;  // in [-1/4, 0)

  constexpr std::int64_t exp_minus_eighth = 1895147668;                    // Q0.31
  constexpr std::int64_t third = 715827883;                                // 1/3 in Q0.31
  const std::int64_t x = scale_up(fraction, 5) + (std::int64_t{1} << 28);  // around -1/8, in Q0.31
  const std::int64_t x2 = multiply(x, x), x3 = multiply(x2, x), x4 = multiply(x2, x2);
  const std::int64_t tail = halve(multiply(halve(x4, 2) + x3, third) + x2, 1);  // x^2/2 + x^3/6 + x^4/24
  std::int64_t result = exp_minus_eighth + multiply(exp_minus_eighth, x + tail);

  constexpr std::int64_t exp_minus_power[] = {1672461947, 1302514674, 790015084, 290630308,
                                              39332535,   720401,     242};  // exp(-2^k), k = -2..4, Q0.31
  const std::int64_t remainder = fraction - a;                               // a multiple of 1/4
  for (int k = 0; k < 7; ++k) {
    if ((remainder & (quarter << k)) != 0) result = multiply(result, exp_minus_power[k]);
  }
  return result;
}

/// 1 / (1 + a) in Q0.31 of a in [0, 1) in Q0.31: Newton's iteration from 48/17 - 32/17 d.
constexpr std::int64_t one_over_one_plus(std::int64_t a) {
  constexpr std::int64_t c48_17 = 1515870810, minus_c32_17 = -1010580540;  // Q2.29
  constexpr std::int64_t one_q2 = std::int64_t{1} << 29;
  const std::int64_t half_denominator = (a + kInt32.max() + 1) / 2;
  std::int64_t x = c48_17 + multiply(half_denominator, minus_c32_17);
  for (int i = 0; i < 3; ++i) {
    const std::int64_t error = one_q2 - multiply(half_denominator, x);
    x = x + scale_up(multiply(x, error), 2);
  }
  return scale_up(x, 1);
}

}  // namespace obz::fixed_point
