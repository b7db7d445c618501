// What can execute a job. The one interface behind which reference, fast engine, RTL, SystemC, PTX, GPU and the user's
// own program stand; there is no arrow between engines.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "golden/cases/requant_case.hpp"
#include "ref/net/net.hpp"

namespace obz {

/// One node with all its integer parameters and its inputs.
struct LayerJob {
  const IntNet* net = nullptr;  ///< the node's network: alive and unchanged as long as the engine, or until forget()
  const Node* node = nullptr;
  std::vector<const Tensor*> inputs;
  const TensorInfo* output = nullptr;  ///< shape and type of the result
};

struct LayerResult {
  Tensor output;
  std::optional<std::int64_t> cycles;        ///< engines that model time
  std::optional<std::int64_t> ideal_cycles;  ///< of them, what the arithmetic takes when nothing waits
  std::string partly = {};  ///< what alone the engine did of the layer, and why, a clause; empty: all of it
};

/// Cases that share a recipe: the requantizer alone.
struct RequantJob {
  const Profile* profile = nullptr;  ///< names the stream's fields; the recipe is `recipe`
  Recipe recipe;
  IntType out = kInt8;
  std::span<const RequantCase> cases;
};

/// Whether an engine can do a job, and if not, why: a clause for "unsupported: ...".
struct Support {
  bool yes = true;
  std::string why;

  static Support no(std::string reason) { return {false, std::move(reason)}; }
};

class Engine {
 public:
  virtual ~Engine() = default;
  virtual std::string name() const = 0;

  /// Absent tool or device: a clause for "skipped: ...". Asked once, before any job.
  virtual std::optional<std::string> absent() const { return std::nullopt; }

  /// The networks of earlier jobs may be gone or changed: drop what was prepared for them.
  virtual void forget() {}

  virtual Support supports(const LayerJob&) const { return Support::no("runs no layers"); }
  virtual LayerResult run(const LayerJob&) { throw std::logic_error("unsupported job"); }
  virtual Support supports(const RequantJob&) const { return Support::no("runs whole layers only"); }
  virtual std::vector<std::int64_t> run(const RequantJob&) { throw std::logic_error("unsupported job"); }
};

/// Engines of other folders: nullptr for a name that is not theirs.
using EngineSource = std::function<std::unique_ptr<Engine>(const std::string& name)>;

/// The engine of this name: ref, fast, faulty:NAME (golden/device/fault.hpp), pipe:COMMAND, or one of `others`. Error
/// listing the names otherwise. `timeout_s`: how long a pipe may stay silent.
std::unique_ptr<Engine> make_engine(const std::string& name, int timeout_s = 60, const EngineSource& others = nullptr);

/// Comma-separated names; a comma inside pipe:'...' needs its own --engines.
std::vector<std::unique_ptr<Engine>> make_engines(const std::vector<std::string>& names, int timeout_s = 60,
                                                  const EngineSource& others = nullptr);

}  // namespace obz
