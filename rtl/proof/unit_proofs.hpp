// Everything that can be proved of the RTL: a unit, its proofs, and the changes of its text that they must notice.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "rtl/proof/prove.hpp"

namespace obz::rtl {

using Profiles = std::vector<const Profile*>;

struct ProofUnit {
  std::string name;     ///< "add"
  std::string summary;  ///< a line for people
  bool by_profile;      ///< false: its proofs have no profile
  /// Integer profiles, or none: the unit's own choice.
  std::vector<Proof> (*proofs)(const Profiles& profiles);
  const std::vector<RtlMutant>& (*mutants)();
  /// The proofs that must notice a mutant, by RtlMutant::noticed_by.
  std::vector<Proof> (*noticing)(const std::string& noticed_by);
};

std::span<const ProofUnit> proof_units();

/// Error naming the units when there is none of this name.
const ProofUnit& find_proof_unit(const std::string& name);

/// obz_add_lane is the sum that a profile fills into an Add: for every operand, zero point, product and shift.
std::vector<Proof> add_proofs(const Profile& profile);
const std::vector<RtlMutant>& add_mutants();

/// obz_round_divide divides by this count, with every rounding, every sum of so many values of at most 8 bits.
std::vector<Proof> average_proofs(int count);
const std::vector<RtlMutant>& average_mutants();

/// obz_narrow keeps, wraps and saturates at every width.
std::vector<Proof> narrow_proofs();
const std::vector<RtlMutant>& narrow_mutants();

/// obz_tensor_core, for one output: every mma gives its own sum, after the promised cycles, in order.
std::vector<Proof> core_proofs();
const std::vector<RtlMutant>& core_mutants();

/// The multiplier array of one output: groups for every pair of lanes, their sum, the phases. `which`: the one of this
/// name, or all.
std::vector<Proof> dot_proofs(const std::string& which = "");
const std::vector<RtlMutant>& dot_mutants();

}  // namespace obz::rtl
