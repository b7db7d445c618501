// The Verilated elementwise units as a UnitsDevice. The only header that the rest of the project sees of them.
#pragma once

#include <memory>

#include "accel/units_device.hpp"

namespace obz::rtl {

class Units final : public accel::UnitsDevice {
 public:
  Units();
  ~Units() override;
  Units(const Units&) = delete;
  Units& operator=(const Units&) = delete;

  void describe(const Add& op) override;
  void describe(const accel::PoolSetting& setting) override;
  void describe(const accel::ScaleSetting& setting) override;
  void drive(const accel::AddBeat& beat) override;
  void drive(const accel::PoolBeat& beat) override;
  void drive(const accel::ScaleBeat& beat) override;
  const accel::UnitsOutputs& settle(const accel::UnitsInputs& inputs) override;
  void edge() override;

 private:
  struct Model;
  std::unique_ptr<Model> model_;
};

}  // namespace obz::rtl
