// A second writing of what a recipe means, as SystemVerilog made from the recipe's own fields: what proofs compare the
// RTL with. Written from S6-S11 of docs/semantics.md in another manner than rtl/*.sv: upper bits agree instead of
// comparisons, bits moved to the top instead of masks.
#pragma once

#include <string>

#include "ref/arith/recipe.hpp"

namespace obz::rtl {

/// Module spec_operand (acc_i 64, shift_i 6, zero_point_i 32 -> operand_o 64).
std::string spec_operand(const Recipe& recipe);

/// Module spec_scale (product_i 64, shift_i 6, zero_point_i 32 -> out_o 64), clamped to int8; with `any_clamp` to
/// [lo_i, hi_i], 64 bits each.
std::string spec_scale(const Recipe& recipe, bool any_clamp = false);

/// Module miter: `bad` where the unit with this recipe on its ports and the specification differ.
std::string miter_operand(const Recipe& recipe);
std::string miter_scale(const Recipe& recipe);

}  // namespace obz::rtl
