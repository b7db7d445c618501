// The cores that the tests of this executable step. SystemC elaborates once: every twin is made here, before any runs.
#pragma once

#include "sim/core_twin.hpp"
#include "sim/layer_twin.hpp"
#include "sim/units_twin.hpp"
#include "tests/sim/verilated_core.hpp"

namespace obz::test {

struct Twins {
  sim::CoreTwin lockstep, damaged, mma;
  sim::CoreTwin early{{.latency = sim::kMmaLatency - 1}}, late{{.latency = sim::kMmaLatency + 1}};
  sim::CoreTwin slow{{.interval = sim::kMmaInterval + 1}};
  sim::LayerTwin layer, lockstep_layer, late_layer{{.latency = sim::kMmaLatency + 1}};
  sim::UnitsTwin lockstep_units, damaged_units, layer_units, late_units{{.stages = 2}};
};

/// MissingTool where the build had no SystemC.
inline Twins& twins() {
  static Twins all;
  return all;
}

}  // namespace obz::test
