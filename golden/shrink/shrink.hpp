// A failure made small: the layer or the requantization on which an engine differs from the reference, cut down while
// the two still differ. Delta debugging (Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input",
// IEEE TSE 2002) over the dimensions of the layer, then over its numbers. A pure function of case and engine.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "golden/engines/engine.hpp"
#include "golden/shrink/layer_case.hpp"

namespace obz {

struct ShrinkOptions {
  std::int64_t most_runs = 2000;  ///< of the engine; what is reached by then is the result
  /// Called after each run of the engine: (runs, outputs of the smallest failure so far, its activations).
  std::function<void(std::int64_t runs, std::int64_t outputs, std::int64_t activations)> progress;
};

struct Shrunk {
  LayerCase layer;
  Tensor want, got;                ///< the reference's and the engine's output; they differ
  std::vector<std::string> steps;  ///< what was reduced, "output channels 16 -> 1", in order
  std::int64_t runs = 0;
  bool complete = true;  ///< false: most_runs ended it before nothing more could go
  bool has_cuts = true;  ///< false: the operator has no cuts, so only its numbers became simpler

  /// Flat index of the first output that differs.
  std::size_t first_difference() const;
};

/// `inputs` in the order of the node's inputs, constants included. nullopt: the engine equals the reference here. An
/// Error of the engine on the whole case passes on; on a smaller one it counts as "does not fail".
std::optional<Shrunk> shrink(const IntNet& one_layer, std::vector<Tensor> inputs, Engine& engine,
                             const ShrinkOptions& options = {});

struct ShrunkRequant {
  const Profile* profile = nullptr;
  IntType out = kInt8;
  RequantCase original, reduced;
  std::int64_t want = 0, got = 0;
  bool alone = true;  ///< false: no case fails when it is asked alone, so nothing could be reduced
  std::vector<std::string> steps;
  std::int64_t runs = 0;
  bool complete = true;
};

/// The first case that fails, alone if one does, with simpler numbers. nullopt: all are equal.
std::optional<ShrunkRequant> shrink(const Profile& profile, IntType out, std::span<const RequantCase> cases,
                                    Engine& engine, const ShrinkOptions& options = {});

}  // namespace obz
