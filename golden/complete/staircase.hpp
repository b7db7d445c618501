// One channel's requantization as a staircase. Every stage of a recipe is monotone (scale, rounding, saturation, zero
// point, clamp) unless a register wraps, so between two accumulators with equal outputs nothing happens, and the whole
// function over an interval is a first output and a list of steps: found by bisection, compared in closed form.
//
// Completeness. Let f have steps at a_1 < a_2 < ... over [lo, hi]. A monotone device that agrees with f at lo, hi and
// at a_i - 1 and a_i for every i agrees everywhere: each tread of f has both its ends among these points, and a
// monotone function with equal values at both ends of an interval is constant on it.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "ref/arith/profile.hpp"
#include "ref/arith/recipe.hpp"

namespace obz {

/// Accumulators lo .. hi, both included.
struct AccRange {
  std::int64_t lo = kInt32.min(), hi = kInt32.max();

  /// Number of accumulators; at most 2^63 - 1 of them.
  std::int64_t size() const { return hi - lo + 1; }
  friend bool operator==(const AccRange&, const AccRange&) = default;
};

/// f(at - 1) = below, f(at) = above.
struct Step {
  std::int64_t at = 0, below = 0, above = 0;

  friend bool operator==(const Step&, const Step&) = default;
};

struct Staircase {
  AccRange range;
  std::int64_t first = 0;   ///< output at range.lo
  std::vector<Step> steps;  ///< ascending `at`

  friend bool operator==(const Staircase&, const Staircase&) = default;
};

/// The largest part of `range` that holds the accumulator of smallest magnitude in it and on which the recipe is
/// defined (in_domain) and no register wraps: there it is monotone. nullopt when that accumulator itself is outside.
std::optional<AccRange> monotone_range(const Profile& profile, const Channel& channel, AccRange range);

/// Requires a range on which the recipe is monotone (either way). About 20 evaluations a step.
Staircase staircase(const Recipe& recipe, const Channel& channel, AccRange range);

/// Where two staircases over the same range differ.
struct Difference {
  std::int64_t count = 0;  ///< accumulators with different outputs: exact, nothing is sampled
  std::int64_t at = 0;     ///< one of smallest magnitude among them (count > 0)
};
Difference difference(const Staircase& a, const Staircase& b);

/// lo, hi and both sides of every step, ascending, each once: determines every monotone device on the range.
std::vector<std::int64_t> determining_points(const Staircase& s);

}  // namespace obz
