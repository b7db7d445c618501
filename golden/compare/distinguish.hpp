// On which inputs do two profiles differ? Exactly: both staircases over all accumulators are compared, nothing is
// sampled, so "equal" is a certificate for the stated range and "differ" comes with a count and a smallest input.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "golden/cases/layer_requant.hpp"
#include "golden/complete/staircase.hpp"

namespace obz {

/// One channel under two arithmetics.
struct ChannelVerdict {
  std::string refused;                ///< why there is nothing to compare; empty: compared
  std::optional<Channel> a, b;        ///< the numbers each side works with
  AccRange range;                     ///< accumulators compared: where both are defined and monotone
  Difference difference;              ///< count == 0: equal on the whole range, proved
  std::int64_t out_a = 0, out_b = 0;  ///< at difference.at
};

/// The same real scale, encoded by each profile.
ChannelVerdict distinguish_scale(const Profile& a, const Profile& b, double scale, std::int32_t zero_point, IntType out,
                                 AccRange range);

/// Two channels as they stand.
ChannelVerdict distinguish_channels(const Profile& a, const Channel& ca, const Profile& b, const Channel& cb,
                                    AccRange range);

/// True when equality needs no looking: the same scale rule and the same recipe, for every scale and accumulator.
bool same_function(const Profile& a, const Profile& b);

/// The scales a pair is tried on when none are given: 2^-12 .. 2^0 exactly, then log-uniform ones between, seeded.
std::vector<double> default_scales(std::size_t count = 64, std::uint64_t seed = 1);

}  // namespace obz
