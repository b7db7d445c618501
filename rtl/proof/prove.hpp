// Proofs about the RTL by yosys: the unit and a specification made from a recipe give the same output for every input.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ref/arith/profile.hpp"

namespace obz::rtl {

/// A replacement in one file of the RTL.
struct RtlEdit {
  std::string file, from, to;
};

enum class Prover : std::uint8_t {
  yosys_sat,
  abc_bdd,  ///< few inputs that multiply: yosys-abc collapses `bad` to a constant; SAT finds the counterexample
};

/// One obligation: files that stand alone in a folder. Module `miter` of `spec` holds the unit and its specification.
struct Proof {
  std::string subject;        ///< "hawq-v3/exact"
  std::string part;           ///< "scale"
  std::string claim;          ///< one sentence
  std::string covers;         ///< which inputs
  std::string assumes;        ///< what is taken as it is; "": nothing
  std::string spec;           ///< specification and miter, SystemVerilog
  bool tensor_core = false;   ///< reads the tensor core's files, and no others
  std::vector<RtlEdit> cuts;  ///< where the unit is cut: these wires lose their drivers
  std::string prepare;        ///< yosys commands on the flattened miter: what drives them instead, what is to be seen
  std::vector<std::string> goals = {"-prove bad 0"};  ///< questions to `sat`, all of which must have no model
  Prover prover = Prover::yosys_sat;

  std::string name() const { return subject + " " + part; }
};

/// What enters the multiplier, and everything behind the product, for this recipe. Together with the `*` between them
/// they are the requantizer; the product itself is not in question (simulation covers it).
std::vector<Proof> requant_proofs(const Profile& profile);

/// A change of the RTL's text that some proof must notice.
struct RtlMutant {
  std::string name, file, from, to;
  std::string noticed_by;  ///< a profile's id, a count: ProofUnit::noticing
};

const std::vector<RtlMutant>& requant_mutants();

enum class Outcome : std::uint8_t {
  proved,
  refuted,  ///< by an input that shows it
  open,     ///< an induction that does not close: a bug, or an invariant that no longer holds
};

struct ProofResult {
  Outcome outcome = Outcome::proved;
  double seconds = 0;
  std::vector<std::pair<std::string, std::string>> inputs;  ///< refuted: names and bits
  std::string counterexample;                               ///< refuted: "product_i = ..., shift_i = ..."
};

/// The version line; nullopt: there is no yosys.
std::optional<std::string> yosys_version();

/// Writes RTL (perhaps with a mutant), specification and script into the folder and runs it there. Error when yosys
/// ends with neither a proof nor a counterexample.
ProofResult run_proof(const Proof& proof, const std::filesystem::path& folder, const RtlMutant* mutant = nullptr);

}  // namespace obz::rtl
