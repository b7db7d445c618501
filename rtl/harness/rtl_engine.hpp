// The engine `rtl`: jobs on the Verilated SystemVerilog.
#pragma once

#include <memory>

#include "accel/layer_device.hpp"

namespace obz::rtl {

/// MissingTool where the build had no Verilator.
std::unique_ptr<Engine> make_rtl_engine();

/// The layer unit alone. MissingTool as above.
std::unique_ptr<accel::LayerDevice> make_layer_unit();

}  // namespace obz::rtl
