// Requantization of kPanel channels side by side: an equal rewriting of ref/arith/requantize.hpp (and of the float32
// recipe in ref/arith/foreign) for vectors. It decides nothing: fill_lane() proves for every channel, from a bound of
// its accumulators, that the steps below give the normative result, and refuses otherwise; the caller then uses
// apply_recipe. Judged by tests/execute/fast_test.cpp against apply_recipe, case by case.
//
// One stage. round(p / 2^s), p = acc * m + addend, is u = p + 2^63 + r in unsigned 64 bits, then (u >> s) - (2^63 >>
// s): the logical shift of the offset number is the floor of the signed one, and r makes the floor a rounding:
//   floor      0
//   half_up    2^(s-1)
//   half_away  2^(s-1), less 1 when p < 0
//   trunc      2^s - 1 when p < 0, else 0
//   half_even  2^(s-1) - 1, plus 1 when floor(p / 2^s) is odd         (all 0 when s = 0)
// Only the low 32 bits of the quotient are kept; 2^63 >> s is subtracted there, together with the zero point.
//
// Two stages. The first is the half_up above at bit first_bits; the second works in 32 bits with k = s - first_bits:
// q = v >> k, up by one when the remainder exceeds a limit: half - 1 (half_up), that plus [q < 0] (half_away) or plus
// [q even] (half_even).
//
// float32. The same float32 operations in the same order; clamped to integers before the rounding, which is the same as
// after it because rounding is monotone and leaves integers alone.
//
// Stairs. With an output of at most 8 bits, a requantizer that rises with the accumulator is a staircase of at most 255
// steps, and so is round(float(acc) * scale + offset) in float32. Two staircases are equal when each step is at the
// same accumulator, which fill_stairs() tries for every one of them; the few accumulators at which they differ (float32
// has only 24 bits) get a correction each. Two roundings, one after the other, amount to an offset, with the sign of
// the accumulator where ties go away from 0. The rounding is the addition of 1.5 * 2^23, whose last bits then are the
// integer.
//
// Registers narrower than 64 bits never matter: fill_lane() proves that the values fit.
#pragma once

#include <cstdint>
#include <optional>

#include "ref/arith/recipe.hpp"
#include "ref/execute/fast/kernel.hpp"

namespace obz::fast {

enum class RequantForm : std::uint8_t { one_stage, two_stage, float32, stairs };

/// 1.5 * 2^23: added to a float32 of less than 2^22 it leaves the nearest integer, ties to even, in the last bits.
inline constexpr float kRoundToInteger = 12582912.0F;
/// Accumulators of one channel that stairs may correct.
inline constexpr int kStrays = 4;

struct alignas(64) RequantLanes {
  RequantForm form = RequantForm::one_stage;
  Rounding rounding = Rounding::half_up;
  std::int64_t multiplier[kPanel] = {};  ///< fits in 32 bits
  std::uint64_t addend[kPanel] = {};     ///< of the product
  std::uint64_t offset[kPanel] = {};     ///< 2^63 + the unconditional part of r
  std::uint64_t nudge[kPanel] = {};      ///< half_away: all ones, half_even: 1, trunc: 2^s - 1; 0 when s = 0
  std::uint64_t shift[kPanel] = {};      ///< of the (first) stage
  std::int32_t left[kPanel] = {};        ///< two stages: what s lacks to first_bits
  std::int32_t right[kPanel] = {};       ///< two stages: k
  std::int32_t mask[kPanel] = {};        ///< two stages: 2^k - 1
  std::int32_t after[kPanel] = {};       ///< joins last: zero point, and what undoes 2^63
  std::int32_t lo[kPanel] = {}, hi[kPanel] = {};
  float scale[kPanel] = {}, early[kPanel] = {};     ///< float32: factor; zero point before the rounding
  float lowest[kPanel] = {}, highest[kPanel] = {};  ///< float32: clamp before the rounding
  bool has_offset = false, has_sides = false;       ///< stairs: some lane has one, and not the same on both sides of 0
  float above[kPanel] = {}, below[kPanel] = {};     ///< stairs: offset of accumulators >= 0 and < 0
  int strays = 0;                                   ///< stairs: of the lane that has most
  std::int32_t stray[kStrays][kPanel] = {};         ///< stairs: at this accumulator,
  std::int32_t correction[kStrays][kPanel] = {};    ///< stairs: so much is missing (0: no stray)
};

/// The form for this recipe; nullopt: it has none.
std::optional<RequantForm> vector_form(const Recipe& recipe);

/// Puts the channel into one lane. False (lane untouched) unless the form equals the recipe for every |acc| <= bound.
bool fill_lane(RequantLanes& lanes, std::int64_t lane, const Recipe& recipe, const Channel& channel,
               std::uint64_t bound);

/// The same for stairs. `lanes` must have form stairs; the recipe must have another form that accepts the channel.
bool fill_stairs(RequantLanes& lanes, std::int64_t lane, const Recipe& recipe, const Channel& channel,
                 std::uint64_t bound);

/// Form stairs: requantizes rows x kPanel accumulators into bytes, to[r][at + c] = y - base. Every clamp must lie in
/// base .. base + 255.
void stairs_to_bytes(const RequantLanes& lanes, const std::int32_t* tile, std::int64_t rows, std::int32_t base,
                     std::uint8_t* const* to, std::int64_t at);

/// Requantizes rows x kPanel accumulators in place. False (tile untouched) when the running target has no vectors.
bool requantize_tile(const RequantLanes& lanes, std::int32_t* tile, std::int64_t rows);

}  // namespace obz::fast
