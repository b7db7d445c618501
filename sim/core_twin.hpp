// The SystemC tensor core as a Core: drives its signals, and lets time pass.
#pragma once

#include <memory>

#include "sim/core.hpp"
#include "sim/core_timing.hpp"

namespace obz::sim {

/// All twins of a process are made before the first settle() of any: SystemC elaborates once.
class CoreTwin final : public Core {
 public:
  /// MissingTool where the build had no SystemC.
  explicit CoreTwin(const CoreTiming& timing = {});
  ~CoreTwin() override;
  CoreTwin(const CoreTwin&) = delete;
  CoreTwin& operator=(const CoreTwin&) = delete;

  const CoreOutputs& settle(const CoreInputs& inputs) override;
  void edge() override;

 private:
  struct Model;
  std::unique_ptr<Model> model_;
};

}  // namespace obz::sim
