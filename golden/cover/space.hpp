// Which inputs a requantizer can get at all: what coverage is measured against.
#pragma once

#include <cstdint>
#include <vector>

#include "golden/cases/requant_case.hpp"
#include "golden/complete/staircase.hpp"

namespace obz {

/// One channel and the accumulators that can reach it.
struct ChannelRange {
  Channel channel;
  AccRange range;

  friend bool operator==(const ChannelRange&, const ChannelRange&) = default;
};

/// Every case in the domain of the recipe (in_domain) whose channel is one of `fixed`, or, when that is empty, one that
/// the profile's scale rule encodes from some real scale > 0, with any zero point and clamp of the output type and any
/// accumulator of the register.
struct CoverSpace {
  Profile profile;  ///< by value: a layer may carry another recipe than its profile
  IntType out;
  int mantissa_bits = 0;  ///< n: multipliers are 2^(n-1) .. 2^n - 1, or 2^n where it is kept; 0: the scale is a float
  std::int64_t multiplier_lo = 0, multiplier_hi = 0;
  int shift_lo = 0, shift_hi = 0;
  bool zero_multiplier = false;  ///< the rule turns scales out of its reach into multiplier 0
  int zero_shift = 31;           ///< with this shift
  bool negative_multiplier = false;
  AccRange acc;  ///< the register, at most 47 bits: what the kernels with wider ones assert
  std::int64_t zero_point_lo = 0, zero_point_hi = 0;
  std::vector<ChannelRange> fixed;

  bool is_fixed() const { return !fixed.empty(); }
};

/// Any channel the profile can form, for an output type of at most 16 bits.
CoverSpace cover_space(const Profile& profile, IntType out);

/// Exactly these channels, each over its range.
CoverSpace cover_space(const Profile& profile, IntType out, std::vector<ChannelRange> fixed);

/// True when the case belongs to the space.
bool in_space(const CoverSpace& space, const RequantCase& c);

}  // namespace obz
