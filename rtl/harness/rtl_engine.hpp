// The engine `rtl`: jobs on the Verilated SystemVerilog.
#pragma once

#include <memory>

#include "golden/engines/engine.hpp"

namespace obz::rtl {

/// MissingTool where the build had no Verilator.
std::unique_ptr<Engine> make_rtl_engine();

}  // namespace obz::rtl
