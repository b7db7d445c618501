// The elementwise units as their ports show them, cycle by cycle: what the Verilated RTL (rtl/obz_units.sv) and the
// SystemC twins have in common.
#pragma once

#include <array>
#include <cstdint>

#include "ref/ops/add.hpp"

namespace obz::accel {

inline constexpr std::size_t kUnitLanes = 8;
using Lanes = std::array<std::int32_t, kUnitLanes>;

/// What enters in one cycle.
struct AddBeat {
  Lanes a{}, b{};
};
struct ScaleBeat {
  Lanes x{};
  std::array<const Channel*, kUnitLanes> channels{};  ///< nullptr: that lane is not used, and all of its bits are 0
};
struct PoolBeat {
  Lanes x{};
  bool first = false, last = false;  ///< of its window
  const Channel* channel = nullptr;  ///< of the last beat, as are the next three; its clamp holds in every mode
  std::uint32_t count = 1;           ///< division: 1 or more, and a reciprocal that is exact for the sums
  std::int64_t reciprocal = 1;
  int reciprocal_shift = 0;
};

enum class PoolMode : std::uint8_t { max, requant, divide };

/// What stands still while a tensor passes. Of an addition: its operator, with one channel in each requantizer.
struct PoolSetting {
  PoolMode mode = PoolMode::max;
  std::int32_t zero_point = 0;  ///< leaves every element before the sum
  Accumulator accumulator;
  Recipe recipe;  ///< divide: its `rounding` alone
};
struct ScaleSetting {
  std::int32_t zero_point = 0;
  Recipe recipe;
};

/// Names as in rtl/obz_units.sv, behind the unit's prefix.
struct UnitInputs {
  bool valid_i = false, ready_i = false;
};
struct UnitOutputs {
  bool ready_o = false, valid_o = false;
  Lanes y_o{};
};
struct UnitsInputs {
  bool rst_ni = true;
  UnitInputs add, pool, scale;
};
struct UnitsOutputs {
  UnitOutputs add, pool, scale;
};

/// Requires requantizers that accel/requant_refusal.hpp does not refuse.
class UnitsDevice {
 public:
  virtual ~UnitsDevice() = default;

  /// Drives the ports that stand still.
  virtual void describe(const Add& op) = 0;
  virtual void describe(const PoolSetting& setting) = 0;
  virtual void describe(const ScaleSetting& setting) = 0;

  /// Drives the ports of the elements.
  virtual void drive(const AddBeat& beat) = 0;
  virtual void drive(const PoolBeat& beat) = 0;
  virtual void drive(const ScaleBeat& beat) = 0;

  /// A cycle is settle(), then edge(). What stands on the outputs until the next call.
  virtual const UnitsOutputs& settle(const UnitsInputs& inputs) = 0;
  virtual void edge() = 0;
};

}  // namespace obz::accel
