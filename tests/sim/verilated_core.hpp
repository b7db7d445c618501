// The Verilated obz_tensor_core as a Core.
#pragma once

#include <memory>

#include "sim/core.hpp"

namespace obz::test {

class VerilatedCore final : public sim::Core {
 public:
  /// MissingTool where the build had no Verilator.
  VerilatedCore();
  ~VerilatedCore() override;

  const sim::CoreOutputs& settle(const sim::CoreInputs& inputs) override;
  void edge() override;

 private:
  struct Model;
  std::unique_ptr<Model> model_;
};

}  // namespace obz::test
