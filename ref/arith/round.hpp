// The five rounding modes, written once. Everything that rounds in this project comes through here.
// (The float recipes of ref/arith/foreign use the IEEE rounding of the machine, which is half_even.)
#pragma once

#include <cstdint>

namespace obz {

/// Names follow what happens, not what a library calls it: QONNX's "HALF_UP" is half_away, gemmlowp's
/// sign-dependent "nudge" is half_up.     ties:     -2.5  -1.5  -0.5   0.5   1.5   2.5
enum class Rounding : std::uint8_t {
  floor,      ///< towards -inf                    -3    -2    -1     0     1     2
  trunc,      ///< towards 0                       -2    -1     0     0     1     2
  half_up,    ///< nearest, ties towards +inf      -2    -1     0     1     2     3
  half_away,  ///< nearest, ties away from 0       -3    -2    -1     1     2     3
  half_even,  ///< nearest, ties to even           -2    -2     0     0     2     2
};

/// Rounds q + f to an integer, where q is the floor and 0 <= f < 1 is known by two facts: how it compares
/// with 1/2 (`vs_half` negative, 0, positive) and whether it is 0 (`exact`). (S3)
constexpr std::int64_t round_fraction(std::int64_t q, int vs_half, bool exact, Rounding mode) noexcept {
  switch (mode) {
    case Rounding::floor: return q;
    case Rounding::trunc: return q + (q < 0 && !exact ? 1 : 0);
    case Rounding::half_up: return q + (vs_half >= 0 ? 1 : 0);
    case Rounding::half_away: return q + (vs_half > 0 || (vs_half == 0 && q >= 0) ? 1 : 0);
    case Rounding::half_even: return q + (vs_half > 0 || (vs_half == 0 && (q & 1) != 0) ? 1 : 0);
  }
  return q;
}

/// round(p / 2^shift + offset), exact for every p; 0 <= shift <= 63. `offset` is an integer that joins
/// *before* the rounding: it moves signs and parities, so half_away, half_even and trunc see it. (S4)
constexpr std::int64_t shift_right(std::int64_t p, int shift, Rounding mode, std::int64_t offset = 0) noexcept {
  if (shift == 0) return p + offset;
  const std::int64_t q = p >> shift;
  const auto remainder = static_cast<std::uint64_t>(p) & ((std::uint64_t{1} << shift) - 1);
  const std::uint64_t half = std::uint64_t{1} << (shift - 1);
  const int vs_half = remainder < half ? -1 : remainder > half ? 1 : 0;
  return round_fraction(q + offset, vs_half, remainder == 0, mode);
}

/// round(n / d), d > 0; |n| <= 2^62. Used where a system really divides (average pools). (S5)
constexpr std::int64_t divide(std::int64_t n, std::int64_t d, Rounding mode) noexcept {
  std::int64_t q = n / d;
  std::int64_t remainder = n % d;
  if (remainder < 0) {  // C++ truncates: step down to the floor
    q -= 1;
    remainder += d;
  }
  const std::int64_t twice = 2 * remainder;
  return round_fraction(q, twice < d ? -1 : twice > d ? 1 : 0, remainder == 0, mode);
}

}  // namespace obz
