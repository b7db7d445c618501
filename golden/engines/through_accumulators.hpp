// Layers on an engine that has a requantizer only: the reference forms the accumulators, the engine does the rest.
#pragma once

#include <functional>
#include <span>

#include "golden/engines/engine.hpp"

namespace obz {

/// Requantizer of an operator whose outputs each come from one accumulator, and the channel of every output.
struct RequantView {
  const Requant* requant = nullptr;    ///< nullptr: there is none
  std::vector<std::int64_t> channels;  ///< in output order
};

RequantView view_of(const LayerJob& job);

/// `requantize(recipe, cases)`: an output per case. Requires a view with a requantizer.
LayerResult run_through_accumulators(
    const LayerJob& job,
    const std::function<std::vector<std::int64_t>(const Recipe&, std::span<const RequantCase>)>& requantize);

}  // namespace obz
