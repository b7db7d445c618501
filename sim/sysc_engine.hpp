// The engine `sysc`: layers on the SystemC twins of the RTL, cycle by cycle.
#pragma once

#include <memory>

#include "golden/engines/engine.hpp"
#include "sim/machine.hpp"

namespace obz::sim {

/// absent() where the build had no SystemC. Cycles of programs of the layer unit are those of `machine`.
std::unique_ptr<Engine> make_sysc_engine(const Machine& machine = {});

}  // namespace obz::sim
