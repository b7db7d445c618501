// The engines that stand outside golden, for the verbs that take --engines.
#pragma once

#include "golden/engines/engine.hpp"
#include "rtl/dut/dut_engine.hpp"
#include "sim/machine.hpp"

namespace obz::cli {

/// ptx, gpu, rtl, sysc, dut:FILE.sv with its map beside it; nullptr for other names.
std::unique_ptr<Engine> outside_engine(const std::string& name);

/// The same with options for `dut:` and `sysc`.
EngineSource outside_engines(const rtl::DutOptions& dut, const sim::Machine& machine = {});

}  // namespace obz::cli
