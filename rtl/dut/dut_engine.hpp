// The engine `dut:FILE.sv`: a user's own requantizer or dot unit, Verilated at run time.
#pragma once

#include <memory>
#include <string>

#include "golden/engines/engine.hpp"

namespace obz::rtl {

struct DutOptions {
  std::string top;  ///< empty: the map's, else the file's stem
  std::string map;  ///< empty: FILE with .json
  int timeout_s = 60;
};

/// Reads map and RTL at once, so that a mistake in either is an Error here; builds when the first job comes. Without
/// Verilator the engine is absent().
std::unique_ptr<Engine> make_dut_engine(const std::string& file, const DutOptions& options);

}  // namespace obz::rtl
