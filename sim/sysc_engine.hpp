// The engine `sysc`: layers on the SystemC twins of the RTL, cycle by cycle.
#pragma once

#include <memory>

#include "golden/engines/engine.hpp"

namespace obz::sim {

/// absent() where the build had no SystemC.
std::unique_ptr<Engine> make_sysc_engine();

}  // namespace obz::sim
