// Tensors as device memory holds them, written for the tests alone: element by element, from the words of
// gpu/kernels/abi.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "gpu/kernels/abi.hpp"
#include "ref/tensor/tensor.hpp"

namespace obz::test {

inline std::uint8_t stored_bits(IntType type) {
  return type.bits <= 4 ? 4 : type.bits <= 8 ? 8 : type.bits <= 16 ? 16 : 32;
}

/// Of rows that hold `channels` elements; no data yet.
inline gpu::View view_of(std::int64_t rows, std::int64_t channels, IntType type) {
  gpu::View v;
  v.rows = static_cast<std::int32_t>(rows);
  v.channels = static_cast<std::int32_t>(channels);
  v.bits = stored_bits(type);
  v.is_signed = type.is_signed;
  const std::int64_t bytes = (channels * v.bits + 7) / 8;
  v.row_bytes = static_cast<std::int32_t>(bytes <= 4 ? 4 : (bytes + 15) / 16 * 16);
  return v;
}

inline std::size_t bytes_of(const gpu::View& v) {
  return static_cast<std::size_t>(v.rows) * static_cast<std::size_t>(v.row_bytes);
}

/// Lanes of a row, padding included.
inline std::int64_t lanes_of(const gpu::View& v) { return v.row_bytes * 8 / v.bits; }

/// `values` row by row, channels innermost.
inline std::vector<std::byte> packed(const gpu::View& v, const std::vector<std::int32_t>& values) {
  std::vector<std::byte> memory(bytes_of(v));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::size_t channels = static_cast<std::size_t>(v.channels), row = i / channels, channel = i % channels;
    const std::size_t first_bit = row * static_cast<std::size_t>(v.row_bytes) * 8 + channel * v.bits;
    for (std::size_t bit = 0; bit < v.bits; ++bit) {
      const auto one = static_cast<std::uint32_t>(values[i]) >> bit & 1;
      memory[(first_bit + bit) / 8] |= static_cast<std::byte>(one << (first_bit + bit) % 8);
    }
  }
  return memory;
}

/// All lanes of all rows, padding too.
inline std::vector<std::int32_t> unpacked(const gpu::View& v, const std::vector<std::byte>& memory) {
  std::vector<std::int32_t> values;
  for (std::size_t first = 0; first < memory.size() * 8; first += v.bits) {
    std::int64_t value = 0;
    for (std::size_t bit = 0; bit < v.bits; ++bit) {
      const auto one = std::to_integer<std::int64_t>(memory[(first + bit) / 8] >> (first + bit) % 8) & 1;
      value += (v.is_signed && bit + 1U == v.bits ? -one : one) * (std::int64_t{1} << bit);
    }
    values.push_back(static_cast<std::int32_t>(value));
  }
  return values;
}

inline gpu::DyadicChannel dyadic(const Channel& c, std::int64_t bias = 0) {
  return {.multiplier = c.multiplier,
          .addend = c.addend,
          .bias = bias,
          .shift = c.shift,
          .zero_point = c.zero_point,
          .lo = static_cast<std::int32_t>(c.lo),
          .hi = static_cast<std::int32_t>(c.hi)};
}

}  // namespace obz::test
