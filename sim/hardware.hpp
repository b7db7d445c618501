// What the engine `sysc` simulates. SystemC elaborates once in a process, so there is one of it, made on first use and
// given layers as jobs.
#pragma once

#include "sim/layer_twin.hpp"
#include "sim/units_twin.hpp"

namespace obz::sim {

struct Hardware {
  LayerTwin layer;
  UnitsTwin units;
};

Hardware& hardware();

}  // namespace obz::sim
