// The times of a tensor core that can be chosen.
#pragma once

#include "sim/parameters.hpp"

namespace obz::sim {

/// In cycles, as MmaLatency and MmaInterval of rtl/obz_pkg.sv. Other values are for tests that must see a difference.
struct CoreTiming {
  unsigned latency = kMmaLatency;  ///< >= interval + 3: the arithmetic's own
  unsigned interval = kMmaInterval;
};

}  // namespace obz::sim
