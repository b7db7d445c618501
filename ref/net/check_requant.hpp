// The arithmetic half of validation: operand widths, requantizers, accumulator registers.
#pragma once

#include <string>

#include "ref/net/net.hpp"

namespace obz {

/// Requires a well-formed graph. Throws Error opening with `file` and naming the layer.
void check_arithmetic(const IntNet& net, const std::string& file);

}  // namespace obz
