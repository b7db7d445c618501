// What every IntNet satisfies before anything executes it, so that execution itself checks nothing.
#pragma once

#include <string>

#include "ref/net/net.hpp"

namespace obz {

/// Checks the graph (indices, order, unique names), every shape against the operator's own inference, every type and
/// constant, and every requantizer: shifts in 0..63, clamps inside the output type, products inside 64 bits,
/// accumulators inside their register where the node says they are exact. Throws Error opening with `file`.
void validate(const IntNet& net, const std::string& file);

/// The node's output shape from its input shapes.
Shape infer_shape(const Operator& op, std::span<const Shape> inputs, const std::string& where);

}  // namespace obz
