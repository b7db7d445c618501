// Two devices with the elementwise units as one: every call goes to both, every output port is compared in every cycle.
#pragma once

#include <optional>
#include <string>

#include <fmt/format.h>

#include "accel/units_device.hpp"

namespace obz::test {

/// The first difference.
struct UnitDifference {
  std::uint64_t cycle = 0;
  std::string port;  ///< "pool_y_o"
  int lane = -1;     ///< of y_o
  std::int64_t want = 0, got = 0;

  std::string text() const {
    const std::string where = lane < 0 ? port : fmt::format("{} [{}]", port, lane);
    return fmt::format("cycle {}, {}: want {}, got {}", cycle, where, want, got);
  }
};

class BothUnits final : public accel::UnitsDevice {
 public:
  BothUnits(accel::UnitsDevice& want, accel::UnitsDevice& got) : want_(want), got_(got) {}

  void describe(const Add& op) override {
    both([&](auto& device) { device.describe(op); });
  }
  void describe(const accel::PoolSetting& setting) override {
    both([&](auto& device) { device.describe(setting); });
  }
  void describe(const accel::ScaleSetting& setting) override {
    both([&](auto& device) { device.describe(setting); });
  }
  void drive(const accel::AddBeat& beat) override {
    both([&](auto& device) { device.drive(beat); });
  }
  void drive(const accel::PoolBeat& beat) override {
    both([&](auto& device) { device.drive(beat); });
  }
  void drive(const accel::ScaleBeat& beat) override {
    both([&](auto& device) { device.drive(beat); });
  }

  const accel::UnitsOutputs& settle(const accel::UnitsInputs& inputs) override {
    const accel::UnitsOutputs &want = want_.settle(inputs), &got = got_.settle(inputs);
    compare("add_", want.add, got.add);
    compare("pool_", want.pool, got.pool);
    compare("scale_", want.scale, got.scale);
    return want;
  }
  void edge() override {
    both([](auto& device) { device.edge(); });
    ++cycles;
  }

  std::uint64_t cycles = 0;
  std::optional<UnitDifference> difference;

 private:
  template <class Call>
  void both(const Call& call) {
    call(want_);
    call(got_);
  }
  void compare(const std::string& unit, const accel::UnitOutputs& want, const accel::UnitOutputs& got) {
    if (difference) return;
    const auto differ = [&](const char* port, std::int64_t w, std::int64_t g, int lane = -1) {
      if (!difference && w != g) difference = {cycles, unit + port, lane, w, g};
    };
    differ("valid_o", want.valid_o, got.valid_o);
    differ("ready_o", want.ready_o, got.ready_o);
    for (std::size_t i = 0; i < accel::kUnitLanes; ++i) differ("y_o", want.y_o[i], got.y_o[i], static_cast<int>(i));
  }

  accel::UnitsDevice &want_, &got_;
};

}  // namespace obz::test
