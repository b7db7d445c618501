// Random requantizers for kernels: the two recipes that kernels know as constants, and every combination of choices
// that they execute as data.
#pragma once

#include <algorithm>
#include <bit>

#include "gpu/kernels/abi.hpp"
#include "ref/ops/requant.hpp"
#include "tests/execute/random_layers.hpp"
#include "tests/gpu/packing.hpp"

namespace obz::test {

using testing::Random;

constexpr auto kRoundings = {Rounding::floor, Rounding::trunc, Rounding::half_up, Rounding::half_away,
                             Rounding::half_even};

inline IntType random_type(Random& r) {
  return r.pick({kInt8, kUInt8, kInt8, kUInt8, kInt4, kUInt4, kInt16, kUInt16, kInt32, IntType{3, true},
                 IntType{6, false}, IntType{11, true}});
}

/// At most 16 bits: what convolutions and products multiply.
inline IntType random_operand(Random& r) {
  return r.pick({kInt8, kUInt8, kInt4, kUInt4, kInt16, kUInt16, IntType{3, true}, IntType{6, false}});
}

inline Recipe random_recipe(Random& r) {
  if (r.one_in(6)) return {};
  Recipe two{.rounding = Rounding::half_away, .first_bits = 31, .scaled_bits = 32, .scaled_overflow = Overflow::wrap};
  if (r.one_in(6)) return two;
  const auto overflow = [&] { return r.pick({Overflow::wrap, Overflow::saturate}); };
  Recipe recipe;
  recipe.rounding = r.pick(kRoundings);
  if (r.one_in(2)) {
    recipe.first_bits = static_cast<std::uint8_t>(r.pick({31, 31, 15, 20}));
    recipe.first_rounding = r.pick(kRoundings);
    recipe.first_overflow = overflow();
    recipe.left_overflow = overflow();
  }
  if (r.one_in(4)) recipe.product_bits = static_cast<std::uint8_t>(r.pick({32, 40, 48}));
  if (r.one_in(2)) {
    recipe.scaled_bits = static_cast<std::uint8_t>(r.pick({16, 24, 31, 32, 32}));
    recipe.scaled_overflow = overflow();
  }
  recipe.zero_point = r.pick({ZeroPointAt::after_rounding, ZeroPointAt::after_rounding, ZeroPointAt::before_rounding,
                              ZeroPointAt::before_scaling});
  recipe.clamp = r.pick({ClampAt::after_zero_point, ClampAt::before_zero_point});
  return recipe;
}

/// Products with sums of up to `acc_bits` stay below 2^63; outputs of `type` are filled about once.
inline Channel random_channel(Random& r, int acc_bits, IntType type) {
  Channel c;
  const int multiplier_bits = std::min(31, 60 - std::min(acc_bits, 44));
  c.multiplier = r.of_any_size(multiplier_bits) * (r.one_in(8) ? -1 : 1);
  const auto bits = static_cast<int>(std::bit_width(static_cast<std::uint64_t>(std::abs(c.multiplier))));
  const auto fitting = bits + r.between(8, std::min(acc_bits, 44)) - type.bits;
  c.shift = static_cast<std::int32_t>(r.one_in(6) ? r.between(0, 63) : std::clamp<std::int64_t>(fitting, 0, 63));
  if (r.one_in(4)) c.addend = r.between(-1000000, 1000000);
  c.lo = type.min();
  c.hi = type.max();
  c.zero_point =
      static_cast<std::int32_t>(r.between(std::max<std::int64_t>(c.lo, -300), std::min<std::int64_t>(c.hi, 300)));
  if (r.one_in(3)) c.lo = c.zero_point;
  return c;
}

inline Accumulator random_register(Random& r, const Recipe& recipe) {
  const int bits = recipe.first_bits > 0 ? r.pick({12, 24, 31, 32, 32, 32}) : r.pick({12, 24, 31, 32, 32, 40, 64});
  return {static_cast<std::uint8_t>(bits), r.one_in(4) ? Overflow::saturate : Overflow::wrap};
}

inline Requant random_requant(Random& r, int acc_bits, IntType type, std::int64_t channels) {
  Requant requant{.recipe = random_recipe(r), .channels = {}};
  for (std::int64_t c = 0; c < channels; ++c) requant.channels.push_back(random_channel(r, acc_bits, type));
  return requant;
}

inline gpu::Requantizer on_device(const Requant& requant, const Accumulator& accumulator = {}) {
  return {.recipe = requant.recipe, .accumulator_bits = accumulator.bits, .accumulator_overflow = accumulator.overflow};
}

inline std::vector<gpu::DyadicChannel> dyadic(const Requant& requant) {
  std::vector<gpu::DyadicChannel> channels;
  for (const Channel& c : requant.channels) channels.push_back(dyadic(c));
  return channels;
}

/// Extents, steps and pads that leave at least one output.
struct RandomWindow {
  Shape x;  ///< [n, h, w, channels]
  std::int32_t kernel_h, kernel_w;
  Window window;

  RandomWindow(Random& r, std::int64_t channels, int largest) {
    const auto small = [&](std::int64_t lo, std::int64_t hi) { return static_cast<std::int32_t>(r.between(lo, hi)); };
    do {
      x = Shape{r.between(1, 3), r.between(1, 7), r.between(1, 7), channels};
      kernel_h = small(1, largest);
      kernel_w = small(1, largest);
      window = {small(1, 3), small(1, 3), small(1, 2), small(1, 2), small(0, 3), small(0, 3), small(0, 3), small(0, 3)};
    } while (window.out_h(x[1], kernel_h) < 1 || window.out_w(x[2], kernel_w) < 1);
  }

  Shape y(std::int64_t channels) const {
    return Shape{x[0], window.out_h(x[1], kernel_h), window.out_w(x[2], kernel_w), channels};
  }
  gpu::Geometry geometry() const {
    const auto narrow = [](std::int64_t v) { return static_cast<std::int32_t>(v); };
    return {narrow(x[0]),
            narrow(x[1]),
            narrow(x[2]),
            narrow(window.out_h(x[1], kernel_h)),
            narrow(window.out_w(x[2], kernel_w)),
            kernel_h,
            kernel_w,
            window.stride_h,
            window.stride_w,
            window.dilation_h,
            window.dilation_w,
            window.pad_top,
            window.pad_left};
  }
};

}  // namespace obz::test
