#include "tests/gpu/mutants/endings.hpp"

#include <algorithm>
#include <functional>

namespace obz::test {
namespace {

constexpr Recipe kTwo{
    .rounding = Rounding::half_away, .first_bits = 31, .scaled_bits = 32, .scaled_overflow = Overflow::wrap};

}  // namespace

const std::vector<Ending>& known_endings() {
  static const std::vector<Ending> all = {
      {"half-up to int8", {}, {}, kInt8},
      {"half-even to uint4", {.rounding = Rounding::half_even}, {}, kUInt4},
      {"two roundings to int16", kTwo, {}, kInt16},
      {"half-even to int32", {.rounding = Rounding::half_even}, {}, kInt32},
      {"two roundings to uint8", kTwo, {}, kUInt8},
  };
  return all;
}

Recipe two(Rounding first, Rounding second, std::uint8_t bits) {
  return {.rounding = second, .first_bits = bits, .first_rounding = first};
}

const std::vector<Ending>& other_endings() {
  constexpr auto sat = Overflow::saturate, wrap = Overflow::wrap;
  static const std::vector<Ending> all = [] {
    std::vector<Ending> e = {
        {"floor, 12-bit wrapping sums", {.rounding = Rounding::floor}, {12, wrap}, kInt8},
        {"trunc, 14-bit saturating sums", {.rounding = Rounding::trunc}, {14, sat}, kUInt8},
        {"half-away early zero point",
         {.rounding = Rounding::half_away, .zero_point = ZeroPointAt::before_rounding},
         {32, sat},
         kInt16},
        {"half-even early zero point",
         {.rounding = Rounding::half_even, .zero_point = ZeroPointAt::before_rounding},
         {},
         kInt8},
        {"zero point before the scale",
         {.rounding = Rounding::half_even, .zero_point = ZeroPointAt::before_scaling},
         {},
         kInt8},
        {"half-up, 16 scaled bits", {.scaled_bits = 16, .scaled_overflow = wrap}, {}, kInt32},
        {"trunc, 8 scaled bits saturate",
         {.rounding = Rounding::trunc, .scaled_bits = 8, .scaled_overflow = sat},
         {},
         kInt4},
        {"clamp first", {.clamp = ClampAt::before_zero_point}, {}, kInt8},
        {"products of 32 bits", {.rounding = Rounding::half_away, .product_bits = 32}, {}, kInt16},
        {"two, half-up first", two(Rounding::half_up, Rounding::half_up), {}, kInt8},
        {"two, half-away first", two(Rounding::half_away, Rounding::half_even), {}, kUInt16},
        {"two, half-even first", two(Rounding::half_even, Rounding::floor, 20), {}, kInt8},
        {"two, floor first", two(Rounding::floor, Rounding::trunc, 15), {}, kInt8},
        {"two, trunc first", two(Rounding::trunc, Rounding::half_away, 15), {}, kInt8},
        {"two, left shift saturates", two(Rounding::half_up, Rounding::half_away), {24, wrap}, kInt32},
        {"two, stage one wraps", two(Rounding::half_up, Rounding::half_even, 20), {}, kInt8},
    };
    e[14].recipe.left_overflow = sat;
    e[15].recipe.first_overflow = wrap;
    return e;
  }();
  return all;
}

Ending random_ending(Random& r) {
  Ending e{"any mixture", random_recipe(r), {}, random_type(r)};
  e.accumulator = random_register(r, e.recipe);
  if (e.recipe.scaled_overflow == Overflow::saturate && r.one_in(2)) e.y = kInt32;
  return e;
}

std::vector<Ending> neighbours() {
  std::vector<Ending> all;
  for (const Recipe& known : {Recipe{}, Recipe{.rounding = Rounding::half_even}, kTwo}) {
    const auto add = [&](const std::function<void(Recipe&)>& change) {
      Ending e{"a neighbour", known, {}, all.size() % 3 == 0 ? kInt32 : all.size() % 3 == 1 ? kInt8 : kInt16};
      change(e.recipe);
      all.push_back(e);
    };
    for (const Rounding mode : kRoundings) add([&](Recipe& x) { x.rounding = mode; });
    for (const int bits : {15, 31}) add([&](Recipe& x) { x.first_bits = static_cast<std::uint8_t>(bits); });
    add([](Recipe& x) { x.first_rounding = Rounding::floor; });
    add([](Recipe& x) { x.first_overflow = Overflow::wrap; });
    add([](Recipe& x) { x.left_overflow = Overflow::saturate; });
    add([](Recipe& x) { x.product_bits = 24; });
    add([](Recipe& x) { x.scaled_bits = 7; });
    add([](Recipe& x) { x.scaled_bits = 7, x.scaled_overflow = Overflow::wrap; });
    add([](Recipe& x) { x.scaled_bits = 7, x.scaled_overflow = Overflow::saturate; });
    add([](Recipe& x) { x.scaled_overflow = Overflow::saturate; });
    add([](Recipe& x) { x.zero_point = ZeroPointAt::before_rounding; });
    add([](Recipe& x) { x.zero_point = ZeroPointAt::before_scaling; });
    add([](Recipe& x) { x.clamp = ClampAt::before_zero_point; });
  }
  for (const Rounding first : kRoundings) {
    for (const Rounding second : kRoundings) all.push_back({"two roundings", two(first, second), {}, kInt16});
  }
  return all;
}

Requant quiet_requant(Random& r, const Ending& e, std::int64_t channels) {
  Requant q{.recipe = e.recipe, .channels = {}};
  const int first = e.recipe.first_bits;
  for (std::int64_t c = 0; c < channels; ++c) {
    Channel k{.multiplier = std::int64_t{first == 0 ? 1 : 1 << (first - 1)} * (r.one_in(4) ? -1 : 1),
              .shift = static_cast<std::int32_t>(first + r.between(first == 0 ? 1 : -1, 2)),
              .zero_point = static_cast<std::int32_t>(r.between(e.y.is_signed ? -1 : 0, 1)),
              .lo = e.y.min(),
              .hi = e.y.max()};
    if (e.recipe.zero_point == ZeroPointAt::before_scaling) k.zero_point = 0;
    q.channels.push_back(k);
  }
  return q;
}

Requant ending_requant(Random& r, const Ending& e, int bits, std::int64_t channels, bool uniform) {
  Requant q{.recipe = e.recipe, .channels = {}};
  for (std::int64_t c = 0; c < channels; ++c) {
    Channel k = random_channel(r, bits, e.y);
    if (e.recipe.first_bits == 0 && r.one_in(3)) {  // ties: few fraction bits
      k.multiplier = r.pick<std::int64_t>({1, -1, 3});
      k.shift = static_cast<std::int32_t>(std::clamp<std::int64_t>(bits - e.y.bits - r.between(0, 3), 0, 20));
    }
    if (e.recipe.first_bits > 0 && r.one_in(3)) {  // at both stages, and left shifts
      k.multiplier = std::int64_t{1} << 30;
      k.shift = static_cast<std::int32_t>(r.between(25, 36));
    }
    if (e.y.is_signed && r.one_in(8)) {
      k.lo = e.y.min();
      k.hi = -2;
    }
    if (uniform) {
      k.addend = 0;
      k.zero_point = e.y.is_signed ? -3 : 2;
      k.lo = e.y.min() + (e.y.bits > 8 ? 100 : 1);
      k.hi = e.y.max() - 1;
    }
    q.channels.push_back(k);
  }
  return q;
}

}  // namespace obz::test
