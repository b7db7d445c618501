// Layers on the elementwise units: add, concat, rescale, avg_pool, max_pool, mean. Addresses are formed here; the units
// see streams of elements.
#pragma once

#include <optional>
#include <string>

#include "accel/unit_streams.hpp"
#include "golden/engines/engine.hpp"

namespace obz::accel {

/// Why the units cannot run this layer, a clause; nullopt: they can.
std::optional<std::string> unit_refusal(const LayerJob& job);

/// Requires no refusal. Cycles are those of the unit, from the first element in to the last result out.
LayerResult run_on_units(UnitsDevice& device, const LayerJob& job, const Pauses& pauses = nullptr);

}  // namespace obz::accel
