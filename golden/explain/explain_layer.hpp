// A layer whose requantizer departs in several ways at once, or whose sum is wrong as well: the accumulators are known
// from the inputs, so every output is an observation for the theories of golden/explain/theory.hpp.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "golden/explain/explain_net.hpp"
#include "golden/explain/theory.hpp"

namespace obz {

/// A fault of the sum, and what is done with it then.
struct LayerTheory {
  Fault sum{};
  Theory requant{};
};

struct LayerExplanation {
  std::int64_t observed = 0, explained = 0;  ///< output values
  std::vector<LayerTheory> best;             ///< all that explain that many of the same sum, fewest departures first
};

/// `layer`: a net of one conv2d, dense or matmul with a dyadic requantizer; nullopt for others, and where no sample was
/// seen exactly.
std::optional<LayerExplanation> explain_layer(const IntNet& layer, const InputSet& inputs,
                                              const std::vector<SeenRow>& seen);

}  // namespace obz
