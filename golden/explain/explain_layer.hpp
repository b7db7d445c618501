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

/// Outputs that no theory explains, read as the right ones of a wrong accumulator.
struct NearSums {
  std::int64_t outputs = 0;          ///< that another accumulator would give
  std::int64_t least = 0, most = 0;  ///< how far it is from the right one
  std::int64_t smallest_sum = 0;     ///< of the right accumulators among them, by absolute value
};

struct LayerExplanation {
  std::int64_t observed = 0, explained = 0;  ///< output values
  std::vector<LayerTheory> best;             ///< all that explain that many of the same sum, fewest departures first
  NearSums near;                             ///< of what the first of them leaves
};

/// `layer`: a net of one conv2d, dense or matmul with a dyadic requantizer; nullopt for others, and where no sample was
/// seen exactly.
std::optional<LayerExplanation> explain_layer(const IntNet& layer, const InputSet& inputs,
                                              const std::vector<SeenRow>& seen);

}  // namespace obz
