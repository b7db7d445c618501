// The SystemC layer unit as a device: drives its signals, and lets time pass.
#pragma once

#include <memory>

#include "accel/layer_device.hpp"
#include "sim/core_timing.hpp"

namespace obz::sim {

/// All twins of a process are made before the first settle() of any: SystemC elaborates once.
class LayerTwin final : public accel::LayerDevice {
 public:
  /// MissingTool where the build had no SystemC.
  explicit LayerTwin(const CoreTiming& timing = {}, const accel::Scratchpads& pads = {});
  ~LayerTwin() override;
  LayerTwin(const LayerTwin&) = delete;
  LayerTwin& operator=(const LayerTwin&) = delete;

  void describe(const accel::LayerProgram& program) override;
  void load(std::size_t address, const accel::Word128& word) override;
  void load(std::size_t address, const accel::WeightWord& word) override;
  void load(std::size_t address, const accel::TileParameters& word) override;
  const accel::LayerOutputs& settle(const accel::LayerInputs& inputs) override;
  void edge() override;

 private:
  struct Model;
  std::unique_ptr<Model> model_;
};

}  // namespace obz::sim
