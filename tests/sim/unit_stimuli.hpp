// Random operators, beats and traffic for the elementwise units, within what they require of whoever drives them.
#pragma once

#include <set>
#include <string_view>

#include "accel/units_device.hpp"
#include "tests/execute/random_layers.hpp"

namespace obz::test {

/// What happened at a unit, so that a test can demand that it did.
struct UnitTally {
  std::uint64_t beats = 0, results = 0, stalls = 0;
  std::uint64_t inside = 0;  ///< lanes of results that are no rail of any type
};

struct UnitsTally {
  std::uint64_t cycles = 0, resets = 0;
  UnitTally add, pool, scale;
  std::uint64_t modes[3] = {};          ///< beats of each accel::PoolMode
  std::set<std::string_view> profiles;  ///< whose recipes were described
};

/// Drives a device cycle by cycle. How often a beat is offered and a result is taken changes every 256 cycles, from
/// always to seldom, for each unit on its own. Beats may change or vanish before they are taken, settings change
/// between beats, and a reset comes now and then, also inside windows.
class UnitTraffic {
 public:
  explicit UnitTraffic(std::uint64_t seed) : random_(seed) {}

  void step(accel::UnitsDevice& device);

  UnitsTally tally;

 private:
  using Random = testing::Random;

  struct Pace {
    std::int64_t offered = 256, taken = 256;  ///< of 256
    bool renew = true;                        ///< the last beat was taken
  };
  void pace(Pace& pace, accel::UnitInputs& in);
  void count(UnitTally& tally, Pace& pace, const accel::UnitInputs& in, const accel::UnitOutputs& out);

  Recipe draw_recipe();
  Channel draw_channel(const Recipe& recipe, int bits);
  Requant draw_requant(int bits);
  IntType draw_type();
  accel::Lanes draw_lanes(IntType type);
  Add draw_add();
  void renew_add(accel::UnitsDevice& device);
  void renew_pool(accel::UnitsDevice& device);
  void renew_scale(accel::UnitsDevice& device);
  void describe_pool(accel::UnitsDevice& device);
  void draw_reciprocal(accel::PoolBeat& beat);

  Random random_;
  accel::UnitsInputs in_;
  std::int64_t resetting_ = 2;
  Pace add_pace_, pool_pace_, scale_pace_;

  IntType add_type_ = kInt8;

  accel::PoolSetting pool_;
  IntType pool_type_ = kInt8;
  int pool_bits_ = 0;                        ///< of what enters its requantizer or its division
  std::int64_t length_ = 1, in_window_ = 0;  ///< about so many beats; so many so far
  bool fresh_ = true;                        ///< the next beat is a window's first
  accel::PoolBeat pool_beat_;
  Channel pool_channel_;

  accel::ScaleSetting scale_;
  IntType scale_type_ = kInt8;
  int scale_bits_ = 9;
};

}  // namespace obz::test
