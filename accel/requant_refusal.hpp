// Which requantizers rtl/obz_requant.sv has.
#pragma once

#include <optional>
#include <string>

#include "ref/ops/requant.hpp"

namespace obz::accel {

/// Why its ports cannot carry this, a clause; nullopt: they can.
std::optional<std::string> requant_refusal(const Recipe& recipe, const Channel& channel);

/// The same for those of a unit: there the clamp has 32 bits.
std::optional<std::string> requant_refusal(const Requant& requant);

}  // namespace obz::accel
