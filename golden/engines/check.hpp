// The comparison: every engine on every job against the golden, tolerance zero. There is no parameter for it.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "golden/engines/engine.hpp"
#include "golden/sets/vector_set.hpp"
#include "ref/execute/inputs.hpp"

namespace obz {

enum class Verdict : std::uint8_t {
  match,        ///< compared and equal
  mismatch,     ///< compared and different somewhere
  unsupported,  ///< the engine cannot do this job
  skipped,      ///< the engine's tool or device is absent
};

/// One engine on one layer (or one set of cases), over all samples.
struct Cell {
  Verdict verdict = Verdict::skipped;
  std::string why;     ///< unsupported, skipped
  std::string partly;  ///< LayerResult::partly
  std::int64_t compared = 0, differ = 0;
  std::string first;                                 ///< mismatch: "[0,3,5,17] want 6 got 7"
  std::optional<std::int64_t> cycles, ideal_cycles;  ///< over all samples
};

struct CheckRow {
  std::string layer, op, widths;  ///< "conv1", "conv2d 3x3", "8x8"
  std::int64_t outputs = 0;
  std::vector<Cell> cells;  ///< one per engine
};

struct CheckReport {
  std::string subject;     ///< file or folder checked
  std::uint64_t seed = 0;  ///< of generated inputs; 0: inputs were given
  std::int64_t samples = 0;
  std::vector<std::string> engines;
  std::vector<std::string> skipped;  ///< "gpu: skipped, no CUDA device"
  std::vector<CheckRow> rows;

  std::int64_t compared() const;
  std::int64_t differ() const;
  bool anything_compared() const { return compared() > 0; }
};

using Engines = std::vector<std::unique_ptr<Engine>>;
/// Called after each job: (done, total).
using Progress = std::function<void(std::int64_t, std::int64_t)>;

/// Each node of `net` alone, on the reference's own inputs to it, against the reference's output.
CheckReport check_net(const IntNet& net, const InputSet& inputs, std::int64_t samples, Engines& engines,
                      const Progress& progress);

/// A vector set against its stored outputs: here `ref` is compared like every other engine.
CheckReport check_set(const std::filesystem::path& folder, Engines& engines, const Progress& progress);

/// "conv2d 3x3/2", "8x4": what the table says of a node.
std::string describe(const Operator& op);
std::string widths(const IntNet& net, const Node& node);

}  // namespace obz
