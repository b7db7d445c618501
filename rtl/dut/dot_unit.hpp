// Layers on a user's dot unit: their sums by the unit, chunk by chunk, the rest by the reference.
#pragma once

#include "golden/engines/engine.hpp"
#include "rtl/dut/build.hpp"

namespace obz::rtl {

/// matmul, dense and conv2d whose values, zero points subtracted, fit the lanes.
Support supports_dots(const PortMap& map, const Wrapper& wrapper, const LayerJob& job);

/// With a port c the chunks of one output are chained through it, the bias first; without one their outputs are summed
/// here, in 64 bits.
LayerResult run_dots(const PortMap& map, const Wrapper& wrapper, const Simulator& simulate, const LayerJob& job);

}  // namespace obz::rtl
