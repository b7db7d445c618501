// Coverage of layers: the bins of the requantizer over what the weights can reach, and where the operands, windows and
// channels of the layer were exercised.
#pragma once

#include "golden/cover/cover.hpp"

namespace obz {

/// One part per node, in order. Values come from the set; accumulators from running the reference on them.
void cover_net_set(const NetSet& set, std::int64_t goal, CoverReport& report);

}  // namespace obz
