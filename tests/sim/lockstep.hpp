// Two tensor cores on the same inputs, every output port compared in every cycle.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "sim/core.hpp"

namespace obz::test {

/// The first difference.
struct Difference {
  std::uint64_t cycle = 0;
  std::string port;    ///< "d_o", and where it is not the other core's: "d_o, not A x B + C"
  unsigned index = 0;  ///< of the element of d_o
  std::int64_t want = 0, got = 0;

  std::string text() const;
};

/// What happened, so that a test can demand that it did.
struct LockstepTally {
  std::uint64_t cycles = 0, accepted = 0, results = 0, stalls = 0, resets = 0, overflows = 0;
  std::uint64_t lane_pairs[5][5] = {};  ///< accepted, [log2 of A's lanes][log2 of B's]
};

/// Neither core has had a result yet. Results of `want` are also compared with plain_mma().
std::optional<Difference> lockstep(sim::Core& want, sim::Core& got, std::uint64_t cycles, std::uint64_t seed,
                                   LockstepTally& tally);

}  // namespace obz::test
