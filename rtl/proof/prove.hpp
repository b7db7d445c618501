// Proofs about the RTL by yosys: the unit and a specification made from a recipe give the same output for every input.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "ref/arith/profile.hpp"

namespace obz::rtl {

/// One obligation: files that stand alone in a folder.
struct Proof {
  std::string name;    ///< "hawq-v3/exact scale"
  std::string claim;   ///< one sentence
  std::string covers;  ///< which inputs
  std::string spec;    ///< specification and miter, SystemVerilog
};

/// What enters the multiplier, and everything behind the product, for this recipe. Together with the `*` between them
/// they are the requantizer; the product itself is not in question (simulation covers it).
std::vector<Proof> requant_proofs(const Profile& profile);

/// A change of the RTL's text that some proof must notice.
struct RtlMutant {
  std::string name, file, from, to;
  std::string profile;  ///< whose proofs notice it
};

const std::vector<RtlMutant>& requant_mutants();

enum class Outcome : std::uint8_t { proved, refuted };

struct ProofResult {
  Outcome outcome = Outcome::proved;
  double seconds = 0;
  std::string counterexample;  ///< refuted: "product_i = ..., shift_i = ..."
};

/// The version line; nullopt: there is no yosys.
std::optional<std::string> yosys_version();

/// Writes RTL (perhaps with a mutant), specification and script into the folder and runs it there. Error when yosys
/// ends with neither a proof nor a counterexample.
ProofResult run_proof(const Proof& proof, const std::filesystem::path& folder, const RtlMutant* mutant = nullptr);

}  // namespace obz::rtl
