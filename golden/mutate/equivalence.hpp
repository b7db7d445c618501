// Faults that vectors leave alive: is there an input that shows them, or a proof that there is none?
#pragma once

#include <cstdint>
#include <string>

#include "golden/complete/complete_layer.hpp"
#include "golden/mutate/unit.hpp"

namespace obz {

enum class Fate : std::uint8_t {
  killed,      ///< some vector shows it
  survived,    ///< no vector shows it, some input would
  equivalent,  ///< no input at all shows it: proved
  undecided,   ///< neither a killing input nor a proof was found; counts as survived
};

struct MutantResult {
  Fault fault;
  Fate fate = Fate::undecided;
  std::string why;  ///< equivalent: the proof; survived: an input that would kill it
};

/// Requires that the vectors at hand do not show the fault. Proofs: the damaged wire never carries a word that changes;
/// every accumulator tried; both sums affine and equal on a basis; bounds; exhaustive sets.
MutantResult decide(const RequantUnit& unit, const Fault& fault);
MutantResult decide(const LayerUnit& unit, const CompleteInputs& complete, const Fault& fault, std::uint64_t seed);

}  // namespace obz
