// The engines that stand outside golden, for the verbs that take --engines.
#pragma once

#include "golden/engines/engine.hpp"
#include "rtl/dut/dut_engine.hpp"

namespace obz::cli {

/// rtl, sysc, dut:FILE.sv with its map beside it; nullptr for other names.
std::unique_ptr<Engine> outside_engine(const std::string& name);

/// The same with options for `dut:`.
EngineSource outside_engines(const rtl::DutOptions& dut);

}  // namespace obz::cli
