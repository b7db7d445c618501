// How layers end: the recipes, registers and output types that trials go through, and channels that leave no rounding
// and no bound untouched.
#pragma once

#include <vector>

#include "tests/gpu/random_recipes.hpp"

namespace obz::test {

/// What a kernel's choices of recipe, register and output are tried with.
struct Ending {
  const char* name;
  Recipe recipe;
  Accumulator accumulator;
  IntType y;
};

/// The recipes that the compiler knows; large tiles have no others.
const std::vector<Ending>& known_endings();

/// The rest: every rounding in either stage, every overflow, every place of the zero point and the clamp.
const std::vector<Ending>& other_endings();

/// Each recipe that the compiler knows with one choice made otherwise, and all pairs of roundings.
std::vector<Ending> neighbours();

/// Recipes, registers and outputs of every mixture.
Ending random_ending(Random& r);

/// Two stages, the first to bit `bits`.
Recipe two(Rounding first, Rounding second, std::uint8_t bits = 31);

/// Sums of a few units with halves left over: ties of both signs, next to 0, in either stage.
Requant quiet_requant(Random& r, const Ending& e, std::int64_t channels);

/// Channels that round, tie, saturate and clamp with sums of about `bits` bits. Uniform: all but the multiplier, the
/// shift the same, as large tiles want it.
Requant ending_requant(Random& r, const Ending& e, int bits, std::int64_t channels, bool uniform);

}  // namespace obz::test
