// Executes a float network in float32, for calibration and as the accuracy to compare with. Every output is one sum in
// a fixed order without fused multiply-add, so the same network gives the same bits on every machine and every number
// of threads, and so do the scales derived from it.
#pragma once

#include <functional>

#include "ref/real/float_net.hpp"

namespace obz {

/// Called with each value as it becomes known, the input first.
using FloatTap = std::function<void(int value, const FloatTensor&)>;

/// One sample (batch 1) through the network; the output value. Error when x has not the input's shape or is not finite.
FloatTensor run_float(const FloatNet& net, const FloatTensor& x, const FloatTap& tap = nullptr);

/// One node. `inputs` in the node's order.
FloatTensor run_float(const FloatNode& node, std::span<const FloatTensor* const> inputs, const Shape& y);

}  // namespace obz
