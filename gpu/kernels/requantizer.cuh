// From an accumulator to an output on the device: ref/arith/requantize.hpp itself, with the recipes that networks
// use most known to the compiler, and any other executed as data.
#pragma once

#include "gpu/kernels/abi.hpp"
#include "gpu/kernels/known_recipes.hpp"
#include "ref/arith/requantize.hpp"

namespace obz::gpu {

/// What trace_requantize reads, from what device memory holds.
__device__ __forceinline__ Channel widened(const DyadicChannel& c) {
  Channel wide;
  wide.multiplier = c.multiplier;
  wide.addend = c.addend;
  wide.shift = c.shift;
  wide.zero_point = c.zero_point;
  wide.lo = c.lo;
  wide.hi = c.hi;
  return wide;
}

/// Not inlined: it is long, and few networks come here. The channel by value, so that the caller's stay in registers.
inline __device__ __noinline__ std::int64_t requantize_any(std::int64_t acc, const Recipe& recipe, DyadicChannel c) {
  return requantize(acc, recipe, widened(c));
}

/// By a kind that the compiler knows.
__device__ __forceinline__ std::int32_t requantize_known(std::int64_t acc, RecipeKind kind, const Channel& c) {
  if (kind == RecipeKind::half_up) return static_cast<std::int32_t>(requantize(acc, half_up(), c));
  if (kind == RecipeKind::half_even) return static_cast<std::int32_t>(requantize(acc, half_even(), c));
  return static_cast<std::int32_t>(requantize(acc, two_roundings(), c));
}

__device__ __forceinline__ std::int32_t requantize_one(std::int64_t acc, const Recipe& recipe, RecipeKind kind,
                                                       const DyadicChannel& c) {
  if (kind != RecipeKind::any) return requantize_known(acc, kind, widened(c));
  return static_cast<std::int32_t>(requantize_any(acc, recipe, c));
}

/// The register that a sum ends in (S24).
__device__ __forceinline__ std::int64_t accumulate(std::int64_t sum, const Requantizer& q) {
  if (q.accumulator_bits == 32 && q.accumulator_overflow == Overflow::wrap) return static_cast<std::int32_t>(sum);
  return narrow(sum, q.accumulator_bits, q.accumulator_overflow);
}

}  // namespace obz::gpu
