// D = A x B + C bit by bit and product by product: shares nothing with sim/mma.cpp but the operands' layout.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/mma.hpp"

namespace obz::test {

/// Lane k of a row, each of its bits with its weight.
inline std::int64_t plain_lane(const sim::Rows& rows, unsigned row, unsigned k, unsigned bits, bool is_signed) {
  std::int64_t value = 0;
  for (unsigned i = 0; i < bits; ++i) {
    const unsigned at = k * bits + i;
    const std::int64_t weight = std::int64_t{1} << i;
    if ((rows.bytes[row * 16 + at / 8] >> (at % 8) & 1) != 0) value += is_signed && i + 1 == bits ? -weight : weight;
  }
  return value;
}

inline void set_lane(sim::Rows& rows, unsigned row, unsigned k, unsigned bits, std::int64_t value) {
  for (unsigned i = 0; i < bits; ++i) {
    const unsigned at = k * bits + i;
    std::uint8_t& byte = rows.bytes[row * 16 + at / 8];
    const auto bit = static_cast<std::uint8_t>(1U << (at % 8));
    byte = static_cast<std::uint8_t>((value >> i & 1) != 0 ? byte | bit : byte & ~bit);
  }
}

struct PlainResult {
  sim::Tile d;
  unsigned overflows = 0;  ///< outputs that wrapped or were clamped
};

inline PlainResult plain_mma(const sim::Mma& m) {
  const unsigned a_bits = 1U << m.a_lane, b_bits = 1U << m.b_lane;
  const bool differing = a_bits == 1 && b_bits == 1;
  const unsigned depth = 128 / (a_bits > b_bits ? a_bits : b_bits);
  std::int64_t a[8][128], b[8][128];
  for (unsigned r = 0; r < 8; ++r) {
    for (unsigned k = 0; k < depth; ++k) {
      a[r][k] = plain_lane(m.a, r, k, a_bits, m.a_signed && !differing);
      b[r][k] = plain_lane(m.b, r, k, b_bits, m.b_signed && !differing);
    }
  }
  PlainResult result;
  for (unsigned r = 0; r < 8; ++r) {
    for (unsigned c = 0; c < 8; ++c) {
      std::int64_t sum = m.c.at[r * 8 + c];
      for (unsigned k = 0; k < depth; ++k) sum += differing ? (a[r][k] != b[c][k] ? 1 : 0) : a[r][k] * b[c][k];
      const bool over = sum > INT32_MAX, under = sum < INT32_MIN;
      if (over || under) ++result.overflows;
      if (m.satfinite && over) sum = INT32_MAX;
      if (m.satfinite && under) sum = INT32_MIN;
      result.d.at[r * 8 + c] = static_cast<std::int32_t>(static_cast<std::uint32_t>(sum));
    }
  }
  return result;
}

}  // namespace obz::test
