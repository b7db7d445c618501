// What the operators share: the requantizer of a node, its accumulator register, and how a loop taps it.
#pragma once

#include <cstdint>
#include <vector>

#include "ref/arith/apply.hpp"
#include "ref/arith/recipe.hpp"
#include "ref/tensor/tensor.hpp"

namespace obz {

/// One recipe and its channels: size 1 (per tensor) or one per output channel.
struct Requant {
  Recipe recipe;
  std::vector<Channel> channels = std::vector<Channel>(1);

  const Channel& channel(std::int64_t c) const {
    return channels.size() == 1 ? channels[0] : channels[static_cast<std::size_t>(c)];
  }
  std::int32_t operator()(std::int64_t acc, std::int64_t c) const {
    return static_cast<std::int32_t>(apply_recipe(acc, recipe, channel(c)));
  }

  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("recipe", s.recipe);
    v("channels", s.channels);
  }
};

/// A requantizer that changes nothing but clamps to `type`: for outputs that keep the accumulator.
inline Requant identity_requant(IntType type) {
  Requant r;
  r.channels[0].lo = type.min();
  r.channels[0].hi = type.max();
  return r;
}

/// The register a sum ends in. Sums are formed in 64 bits and narrowed once, here. (S24)
struct Accumulator {
  std::uint8_t bits = 32;
  Overflow overflow = Overflow::wrap;

  std::int64_t operator()(std::int64_t sum) const { return narrow(sum, bits, overflow); }

  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("bits", s.bits);
    v("overflow", s.overflow);
  }
};

/// When given, an operator appends what entered its requantizer, in output order.
using AccumulatorTap = std::vector<std::int64_t>*;

}  // namespace obz
