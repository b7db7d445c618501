// A counterexample on the other front end: what yosys says is wrong, asked of Verilator.
#pragma once

#include "rtl/proof/prove.hpp"

namespace obz::rtl {

/// Whether the miter that run_proof left in the folder is bad for this counterexample when Verilator reads the same
/// files. nullopt: there is nothing to replay (an induction, a unit that was cut, no counterexample). MissingTool
/// without Verilator; Error when it cannot build the miter.
std::optional<bool> replay(const Proof& proof, const std::filesystem::path& folder, const ProofResult& result);

}  // namespace obz::rtl
