// Logical integer types: a width and a signedness, nothing about storage.
// Storage in ref/ is int32_t for tensors and int64_t for arithmetic; narrowing takes a named verb from here.
#pragma once

#include <cstdint>

namespace obz {

/// A two's complement (signed) or plain binary (unsigned) integer of `bits` bits, 1 <= bits <= 64
/// (unsigned: <= 63, so that every value fits in int64_t).
struct IntType {
  std::uint8_t bits = 8;
  bool is_signed = true;

  constexpr std::int64_t min() const noexcept {
    return is_signed ? static_cast<std::int64_t>(~std::uint64_t{0} << (bits - 1)) : 0;
  }
  constexpr std::int64_t max() const noexcept {
    const int magnitude_bits = bits - (is_signed ? 1 : 0);
    return static_cast<std::int64_t>((std::uint64_t{1} << magnitude_bits) - 1);
  }
  constexpr bool holds(std::int64_t v) const noexcept { return v >= min() && v <= max(); }

  friend constexpr bool operator==(IntType a, IntType b) noexcept {
    return a.bits == b.bits && a.is_signed == b.is_signed;
  }
  friend constexpr bool operator!=(IntType a, IntType b) noexcept { return !(a == b); }
};

inline constexpr IntType kInt4{4, true}, kUInt4{4, false};
inline constexpr IntType kInt8{8, true}, kUInt8{8, false};
inline constexpr IntType kInt16{16, true}, kUInt16{16, false};
inline constexpr IntType kInt32{32, true}, kInt64{64, true};

/// What a register of limited width does with a value that does not fit.
enum class Overflow : std::uint8_t {
  exact,     ///< the value is proved to fit, or the register is wide enough to hold it: nothing happens
  wrap,      ///< keeps the low bits (two's complement)
  saturate,  ///< clamps to the nearest representable value
};

/// Keeps the low `bits` bits of `v` and sign-extends them. 1 <= bits <= 64. (S1)
constexpr std::int64_t wrap(std::int64_t v, int bits) noexcept {
  const int unused_bits = 64 - bits;
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(v) << unused_bits) >> unused_bits;
}

/// Clamps `v` to [lo, hi], lo <= hi. (S2)
constexpr std::int64_t saturate(std::int64_t v, std::int64_t lo, std::int64_t hi) noexcept {
  return v < lo ? lo : v > hi ? hi : v;
}

/// `v` as a signed register of `bits` bits would hold it.
constexpr std::int64_t narrow(std::int64_t v, int bits, Overflow overflow) noexcept {
  if (overflow == Overflow::wrap) return wrap(v, bits);
  if (overflow == Overflow::saturate) {
    const IntType type{static_cast<std::uint8_t>(bits), true};
    return saturate(v, type.min(), type.max());
  }
  return v;
}

}  // namespace obz
