#include "sim/mma.hpp"

#include <bit>
#include <cstring>

#include "ref/arith/int_type.hpp"
#include "ref/base/error.hpp"

namespace obz::sim {
namespace {

template <class Lane, std::size_t Depth>
using Lanes = std::array<std::array<Lane, Depth>, kMmaRows>;

/// Loops of constant length over lanes that share a width: the compiler makes vectors of them.
template <int Log2, class Lane, std::size_t Depth>
void unpack_width(const Rows& rows, bool is_signed, Lanes<Lane, Depth>& to) {
  constexpr unsigned kBits = 1U << Log2;
  constexpr int kSign = 1 << (kBits - 1);
  const int sign = is_signed ? kSign : 0;
  for (unsigned r = 0; r < kMmaRows; ++r) {
    const std::uint8_t* row = rows.bytes.data() + std::size_t{r} * kMmaRowBytes;
    if constexpr (kBits == 16) {
      for (std::size_t k = 0; k < Depth; ++k)
        to[r][k] = static_cast<Lane>(((row[2 * k] | row[2 * k + 1] << 8) ^ sign) - sign);
    } else {
      constexpr std::size_t kPerByte = 8 / kBits;
      for (std::size_t i = 0; i < Depth / kPerByte; ++i) {
        for (std::size_t j = 0; j < kPerByte; ++j)
          to[r][i * kPerByte + j] = static_cast<Lane>((((row[i] >> (j * kBits)) & (2 * kSign - 1)) ^ sign) - sign);
      }
    }
  }
}

template <class Lane, std::size_t Depth>
void unpack(const Rows& rows, std::uint8_t lane, bool is_signed, Lanes<Lane, Depth>& to) {
  switch (lane) {
    case kLane1: return unpack_width<kLane1, Lane, Depth>(rows, is_signed, to);
    case kLane2: return unpack_width<kLane2, Lane, Depth>(rows, is_signed, to);
    case kLane4: return unpack_width<kLane4, Lane, Depth>(rows, is_signed, to);
    case kLane8: return unpack_width<kLane8, Lane, Depth>(rows, is_signed, to);
    default: return unpack_width<kLane16, Lane, Depth>(rows, is_signed, to);
  }
}

std::int32_t narrowed(std::int64_t sum, bool satfinite) {
  return static_cast<std::int32_t>(narrow(sum, 32, satfinite ? Overflow::saturate : Overflow::wrap));
}

/// Lane holds every lane, Sum every sum of Depth products.
template <std::size_t Depth, class Lane, class Sum>
Tile multiply_add_lanes(const Mma& m) {
  Lanes<Lane, Depth> a, b;
  unpack(m.a, m.a_lane, m.a_signed, a);
  unpack(m.b, m.b_lane, m.b_signed, b);
  Tile d;
  for (unsigned r = 0; r < kMmaRows; ++r) {
    for (unsigned c = 0; c < kMmaCols; ++c) {
      Sum sum = 0;
      for (std::size_t k = 0; k < Depth; ++k) sum += static_cast<Sum>(a[r][k]) * static_cast<Sum>(b[c][k]);
      const unsigned i = r * kMmaCols + c;
      d.at[i] = narrowed(std::int64_t{m.c.at[i]} + sum, m.satfinite);
    }
  }
  return d;
}

Tile add_differing_bits(const Mma& m) {
  std::array<std::uint64_t, 2 * kMmaRows> a, b;
  static_assert(sizeof a == sizeof m.a.bytes);
  std::memcpy(a.data(), m.a.bytes.data(), sizeof a);
  std::memcpy(b.data(), m.b.bytes.data(), sizeof b);
  Tile d;
  for (unsigned r = 0; r < kMmaRows; ++r) {
    for (unsigned c = 0; c < kMmaCols; ++c) {
      const unsigned i = r * kMmaCols + c;
      const int differing = std::popcount(a[2 * r] ^ b[2 * c]) + std::popcount(a[2 * r + 1] ^ b[2 * c + 1]);
      d.at[i] = narrowed(std::int64_t{m.c.at[i]} + differing, m.satfinite);
    }
  }
  return d;
}

}  // namespace

Tile multiply_add(const Mma& m) {
  OBZ_CHECK(m.a_lane <= kLane16 && m.b_lane <= kLane16);
  switch (depth_of(m)) {
    case 128: return add_differing_bits(m);
    case 64: return multiply_add_lanes<64, std::int16_t, std::int32_t>(m);
    case 32: return multiply_add_lanes<32, std::int16_t, std::int32_t>(m);
    case 16: return multiply_add_lanes<16, std::int16_t, std::int32_t>(m);
    default: return multiply_add_lanes<8, std::int32_t, std::int64_t>(m);
  }
}

}  // namespace obz::sim
