// What happened in one requantization, as facts that bins of coverage ask for. Everything is read off the normative
// trace, or off the value that the rounding of a float recipe sees; nothing is computed a second way.
#pragma once

#include <cstdint>

#include "golden/cases/requant_case.hpp"
#include "ref/arith/requantize.hpp"

namespace obz {

/// One rounding: value = floor + fraction.
struct RoundingFacts {
  bool present = false;    ///< the recipe has this stage and it drops at least one bit
  int sign = 0;            ///< of the value
  std::int64_t floor = 0;  ///< with a zero point that joins before the rounding
  int vs_half = -1;        ///< the fraction against 1/2
  bool exact = true;       ///< the fraction is 0
  int from_tie = 0;        ///< -1, +1: one unit of the dropped bits beside a tie (float: within 2^-16)
  bool up = false;         ///< the result is above the value

  bool tie() const { return present && vs_half == 0; }
};

struct CaseFacts {
  const Profile* profile = nullptr;
  const RequantCase* asked = nullptr;
  const RequantCase* previous = nullptr;  ///< the case before this one, if any
  RequantTrace trace;                     ///< dyadic recipes only
  RoundingFacts first, last;
  bool product_is_zero = false;
  std::int64_t scaled = 0;  ///< the rounded value, without the zero point (one that joins before the scaling is in it)
  std::int64_t value = 0;   ///< what the clamp sees, in output units
  bool left = false;        ///< shifted left before the multiplication
  bool left_leaves = false, product_leaves = false, first_leaves = false, scaled_leaves = false, sum_leaves = false;
  bool acc_inexact = false, product_inexact = false;  ///< float recipes: rounded on the way to the rounding

  bool registers_hold() const {
    return !(left_leaves || product_leaves || first_leaves || scaled_leaves || sum_leaves);
  }
  std::int64_t acc() const { return asked->acc; }
  const Channel& channel() const { return asked->channel; }
};

/// Requires a case in the profile's domain.
CaseFacts facts_of(const Profile& profile, const RequantCase& asked, const RequantCase* previous);

}  // namespace obz
