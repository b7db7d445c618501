// The Verilated obz_layer behind a function call. The only header that the rest of the project sees of it.
#pragma once

#include <memory>

#include "accel/layer_device.hpp"

namespace obz::rtl {

class LayerUnit final : public accel::LayerDevice {
 public:
  LayerUnit();
  ~LayerUnit() override;
  LayerUnit(const LayerUnit&) = delete;
  LayerUnit& operator=(const LayerUnit&) = delete;

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

}  // namespace obz::rtl
