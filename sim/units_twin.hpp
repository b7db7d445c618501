// The SystemC elementwise units as a UnitsDevice: drives their signals, and lets time pass.
#pragma once

#include <memory>

#include "accel/units_device.hpp"
#include "sim/unit_timing.hpp"

namespace obz::sim {

/// All twins of a process are made before the first settle() of any: SystemC elaborates once.
class UnitsTwin final : public accel::UnitsDevice {
 public:
  /// MissingTool where the build had no SystemC.
  explicit UnitsTwin(const UnitTiming& timing = {});
  ~UnitsTwin() override;
  UnitsTwin(const UnitsTwin&) = delete;
  UnitsTwin& operator=(const UnitsTwin&) = delete;

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

}  // namespace obz::sim
