#include "gpu/lower/channels.hpp"

namespace obz::gpu {

void require_dyadic(const Requant& requant) {
  if (requant.recipe.arithmetic != Arithmetic::dyadic)
    throw Unsupported("the kernels multiply and shift; this recipe scales in float");
  if (requant.recipe.clamp == ClampAt::before_rounding) throw Unsupported("a clamp before the rounding");
  for (const Channel& c : requant.channels) {
    if (!kInt32.holds(c.lo) || !kInt32.holds(c.hi)) throw Unsupported("a clamp wider than 32 bits");
  }
}

Requantizer requantizer_of(const Requant& requant, const Accumulator& accumulator) {
  return {.recipe = requant.recipe, .accumulator_bits = accumulator.bits, .accumulator_overflow = accumulator.overflow};
}

DyadicChannel channel_of(const Channel& c, std::int64_t bias) {
  return {.multiplier = c.multiplier,
          .addend = c.addend,
          .bias = bias,
          .shift = c.shift,
          .zero_point = c.zero_point,
          .lo = static_cast<std::int32_t>(c.lo),
          .hi = static_cast<std::int32_t>(c.hi)};
}

}  // namespace obz::gpu
