// One requantization as a test case, and the generators of such cases.
#pragma once

#include <cstdint>

#include "ref/arith/profile.hpp"
#include "ref/arith/recipe.hpp"

namespace obz {

struct RequantCase {
  std::int64_t acc = 0;
  Channel channel;

  friend bool operator==(const RequantCase&, const RequantCase&) = default;
};

enum class Goal : std::uint8_t {
  corners,   ///< steps of the output, ties, rails, shift extremes, the 2^31 corner, zero-point crossings
  random,    ///< scales and accumulators as layers have them, uniform in what matters
  complete,  ///< of given channels: what determines every monotone device (golden/complete/complete.hpp)
};

/// What cases are made of.
struct RequantSpace {
  const Profile* profile = nullptr;
  IntType out = kInt8;
  Goal goal = Goal::corners;
  std::uint64_t seed = 1;
};

/// A channel as layers have them: what a random case of this index uses.
Channel draw_channel(const RequantSpace& space, std::uint64_t index);

/// The channel that the profile forms for a real scale > 0; clamp and zero point as given. Error where it refuses.
Channel channel_of_scale(const Profile& profile, double scale, std::int32_t zero_point, IntType out);

/// Case `index`: a pure function of space and index. Always inside the domain of the profile's recipe.
RequantCase make_requant_case(const RequantSpace& space, std::uint64_t index);

/// True when the recipe's result is defined for this case: shift 0..63, products inside 64 bits, two-stage
/// accumulators inside 32 bits, the profile's own range rule (TOSA: |v| < 2^(shift-1)).
bool in_domain(const Profile& profile, const RequantCase& c);

}  // namespace obz
