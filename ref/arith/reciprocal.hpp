// Division by a small constant as multiply and shift, with the range of sums on which it is proved equal. What lets an
// average pool be integer-only: no division, and still the divided result.
#pragma once

#include <cstdint>
#include <optional>

#include "ref/arith/recipe.hpp"

namespace obz {

/// What the quotient is to be.
enum class Quotient : std::uint8_t {
  truncated,        ///< trunc(sum / n): C's division                                             HAWQ-V3 in TVM
  after_hundredth,  ///< trunc(sum / n + 0.01): PyTorch HAWQ's guard against float means      HAWQ-V3 in PyTorch
};

/// (S37a) Multiplier, shift and addend (clamp and zero point left alone) such that trunc((sum * multiplier + addend) /
/// 2^shift), the dyadic requantization with Rounding::trunc, equals the quotient for every |sum| <= largest. The
/// smallest such shift. nullopt: none exists inside 64 bits, or (after_hundredth) n > 98, where 0.01 would carry.
///
/// Proof. With m = ceil(2^s / n) and e = m n - 2^s, 0 <= e < n:  sum m / 2^s = sum / n + sum e / (n 2^s). A fraction
/// of sum / n is at most 1 - 1/n, so the floor stays while largest * e < 2^s. The addend a = floor(2^s / 100) is
/// worth a / 2^s more: the floor stays while largest * e + n a < 2^s, and a negative multiple of n is pushed over its
/// edge, as 0.01 pushes it, while largest * e < n a.
std::optional<Channel> reciprocal(std::int64_t n, std::int64_t largest, Quotient quotient);

}  // namespace obz
