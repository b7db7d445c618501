#include "accel/requant_refusal.hpp"

namespace obz::accel {
namespace {

/// multiplier_i
constexpr IntType kMultiplier{34, true};

}  // namespace

std::optional<std::string> requant_refusal(const Recipe& recipe, const Channel& channel) {
  if (recipe.arithmetic != Arithmetic::dyadic) return "obz_requant multiplies and shifts; this recipe scales in float";
  if (recipe.zero_point == ZeroPointAt::before_rounding) return "obz_requant has no zero point before the rounding";
  if (recipe.clamp == ClampAt::before_rounding) return "obz_requant has no clamp before the rounding";
  if (!kMultiplier.holds(channel.multiplier)) return "the multiplier is wider than the 34 bits of multiplier_i";
  return std::nullopt;
}

std::optional<std::string> requant_refusal(const Requant& requant) {
  for (const Channel& c : requant.channels) {
    if (auto why = requant_refusal(requant.recipe, c)) return why;
    if (!kInt32.holds(c.lo) || !kInt32.holds(c.hi)) return "the clamp is wider than the 32 bits of an element";
  }
  return std::nullopt;
}

}  // namespace obz::accel
