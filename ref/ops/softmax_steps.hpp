// The arithmetic of one softmax row, step by step: what ref/ops/softmax.cpp and the CUDA kernel both call. (S50, S51)
#pragma once

#include "ref/ops/fixed_point.hpp"

namespace obz::softmax {

/// Of a 32-bit register that holds `v` modulo 2^32.
constexpr int leading_zeros(std::int64_t v) {
  const auto bits = static_cast<std::uint32_t>(v);
  int zeros = 0;
  while (zeros < 32 && (bits >> (31 - zeros)) == 0) ++zeros;
  return zeros;
}

/// 8-bit input. A sum of exps is Q12.19 and wraps at 32 bits.
inline constexpr int kSumIntegerBits = 12;

/// What an exp in Q0.31 adds to it.
constexpr std::int64_t summand(std::int64_t exp) { return fixed_point::halve(exp, kSumIntegerBits); }

/// 1 / sum as a factor in Q0.31 and a shift.
struct Inverse {
  std::int64_t factor = 0;
  int shift = 0;
};

constexpr Inverse inverse_of(std::int64_t sum, int out_bits) {
  const int zeros = leading_zeros(sum);
  const auto normalised = static_cast<std::uint32_t>(sum) << (zeros < 32 ? zeros : 0);
  const std::int64_t shift = kSumIntegerBits - zeros + 31 - out_bits;
  return {fixed_point::one_over_one_plus(std::int64_t{normalised} - (std::int64_t{1} << 31)),
          static_cast<int>(saturate(shift, 0, 31))};
}

constexpr std::int64_t output(std::int64_t exp, const Inverse& inverse, std::int64_t lo, std::int64_t hi) {
  return saturate(fixed_point::halve(fixed_point::multiply(inverse.factor, exp), inverse.shift) + lo, lo, hi);
}

/// 16-bit input: linear interpolation between the 512 segments of a table over the int16 range.
constexpr std::int64_t interpolate(const std::int64_t* table, std::int64_t value) {
  const std::int64_t index = 256 + (value >> 7), offset = value & 127;
  const std::int64_t slope = wrap(table[index + 1] - table[index], 16);
  return wrap(table[index] + shift_right(slope * offset, 7, Rounding::half_up), 16);
}

/// exp in Q0.15 of a scaled difference: -65535..0 stands for -10..0.
constexpr std::int64_t exp_from_table(const std::int64_t* table, std::int64_t scaled) {
  return interpolate(table, saturate(scaled + 32767, kInt16.min(), kInt16.max()));
}

/// 1 / sum from its table; the sum is Q16.15 and wraps at 32 bits.
constexpr Inverse inverse_from_table(const std::int64_t* table, std::int64_t sum) {
  const int zeros = static_cast<int>(saturate(leading_zeros(sum), 1, 30));
  const std::int64_t normalised = shift_right(wrap(sum, 32) << (zeros - 1), 14, Rounding::half_up);
  const std::int64_t centred = saturate(normalised - (1 << 15) - (1 << 16), kInt16.min(), kInt16.max());
  return {interpolate(table, centred), 31 - zeros};
}

constexpr std::int64_t output_16(std::int64_t exp, const Inverse& inverse) {
  return saturate(shift_right(exp * inverse.factor, inverse.shift, Rounding::half_up), 0, 32767);
}

}  // namespace obz::softmax
