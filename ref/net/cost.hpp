// What a layer costs, in units people compare: multiply-accumulates, bit operations, bytes.
#pragma once

#include <cstdint>

#include "ref/net/net.hpp"

namespace obz {

struct LayerCost {
  std::int64_t macs = 0;          ///< padding included, per execution of the declared batch
  std::int64_t bops = 0;          ///< macs * weight bits * activation bits (HAWQ-V3 eq. 9)
  std::int64_t weight_bytes = 0;  ///< weights packed to their bits, without biases
  std::int64_t out_bytes = 0;     ///< the output packed to its bits

  LayerCost& operator+=(const LayerCost& o) {
    macs += o.macs;
    bops += o.bops;
    weight_bytes += o.weight_bytes;
    out_bytes += o.out_bytes;
    return *this;
  }
};

LayerCost cost_of(const IntNet& net, const Node& node);

}  // namespace obz
