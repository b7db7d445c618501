// What a node of a network under construction can give: tighter than its clamp, because the inputs are known to be.
// Beside ref/net/bounds.hpp, which reads ranges off clamps alone.
#pragma once

#include <string>
#include <vector>

#include "ref/net/bounds.hpp"

namespace obz {

/// All values of the node's output, from those of its inputs (`ranges` by tensor) and its real weights. Only operators
/// that quantizers emit: layers, sums, concatenations, rescales, averages, movements, max pools; requantizers are
/// monotone. Error opening with `where` and naming the layer when a sum can leave its accumulator: nothing would bound
/// it then.
Range output_bounds(const Node& node, const std::vector<Range>& ranges, const std::string& where);

}  // namespace obz
