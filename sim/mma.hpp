// What the tensor core computes, without its time: D = A x B + C, exactly, then wrapped or clamped to 32 bits.
#pragma once

#include <array>
#include <cstdint>

#include "sim/parameters.hpp"

namespace obz::sim {

/// The rows of A, or the columns of B: 16 bytes each, lanes from the low bits of the first byte on.
struct Rows {
  std::array<std::uint8_t, kMmaRows * kMmaRowBytes> bytes{};

  friend bool operator==(const Rows&, const Rows&) = default;
};
static_assert(kMmaRows == kMmaCols);

/// C or D, row-major.
struct Tile {
  std::array<std::int32_t, kMmaRows * kMmaCols> at{};

  friend bool operator==(const Tile&, const Tile&) = default;
};

/// One mma, its fields named as the ports of rtl/obz_tensor_core.sv.
struct Mma {
  std::uint8_t a_lane = kLane8, b_lane = kLane8;  ///< log2 of the bits of a lane, 0..4
  bool a_signed = true, b_signed = true;
  bool satfinite = false;
  Rows a, b;
  Tile c;
};

/// Elements of a row: as many as the wider lanes leave room for in 128 bits. The narrower ones stand as dense, at the
/// low end.
constexpr unsigned depth_of(const Mma& m) { return 128U >> (m.a_lane > m.b_lane ? m.a_lane : m.b_lane); }

/// Cycles that its multipliers are taken.
constexpr unsigned phases_of(const Mma& m, unsigned interval = kMmaInterval) {
  return m.a_lane == kLane16 && m.b_lane == kLane16 ? 2 * interval : interval;
}

/// D. Where both lanes have one bit, the number of differing bits takes the place of the product.
Tile multiply_add(const Mma& m);

}  // namespace obz::sim
