// Which faults make sense on which operator.
#pragma once

#include <vector>

#include "golden/device/fault.hpp"
#include "ref/net/net.hpp"

namespace obz {

/// Faults of a requantizer alone, `unit` as in Fault. At least 300 for dyadic recipes.
std::vector<Fault> requantizer_faults(const Recipe& recipe, IntType out, int unit = 0);

/// Faults of a whole layer: operands, window, sum, bias, requantizers, outputs. Requires can_be_faulty.
std::vector<Fault> layer_faults(const IntNet& net, const Node& node);

/// "rounding", "multiplier and shift", "partial sum", ...: what a table groups by.
std::string family_of(const Fault& fault);

}  // namespace obz
