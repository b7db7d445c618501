// What a launch counted, as text and JSON.
#pragma once

#include <string>

#include "gpu/ptx/counters.hpp"
#include "gpu/ptx/module.hpp"

namespace obz::cli {

/// `lines`: also a row per line of the PTX text.
std::string counters_text(const ptx::Counters& c, bool lines);
/// What ended the launch, as JSON.
std::string fault_json(const std::string& kernel, const std::string& sentence);
std::string counters_json(const ptx::Counters& c, const std::string& kernel);

/// A row per kernel: its parameters, shared memory, and whether it can run.
std::string kernels_text(const ptx::Module& module);
std::string kernels_json(const ptx::Module& module);

}  // namespace obz::cli
