// The requantizer at the end of a layer, cut out of it: what an accumulator goes through, channel by channel, and which
// accumulators the layer can produce.
#pragma once

#include <optional>
#include <vector>

#include "golden/complete/staircase.hpp"
#include "ref/net/net.hpp"

namespace obz {

struct LayerRequant {
  Recipe recipe;
  std::vector<Channel> channels;
  std::vector<AccRange> ranges;  ///< per channel; from the real weights for conv2d, conv_transpose2d and dense
  IntType out;
};

/// nullopt: the layer ends in no requantizer, or in one of a sum in floats.
std::optional<LayerRequant> layer_requant(const IntNet& net, const Node& node);

}  // namespace obz
