// The twin of rtl/obz_concat_rescale.sv: the same ports, the same cycle for everything that shows on them.
#pragma once

#include "sim/elementwise_unit.hpp"

namespace obz::sim {

/// Of each lane.
using ChannelsWide = Wide<std::array<Channel, accel::kUnitLanes>>;

class obz_concat_rescale : public elementwise_unit {
 public:
  sc_core::sc_in<LanesWide> x_i{"x_i"};
  sc_core::sc_in<ChannelsWide> channel_i{"channel_i"};

  sc_core::sc_in<std::int32_t> zero_point_i{"zero_point_i"};
  sc_core::sc_in<RecipeWide> recipe_i{"recipe_i"};

  obz_concat_rescale(const sc_core::sc_module_name& name, const UnitTiming& timing);

 private:
  bool take(accel::Lanes& y) override;
};

}  // namespace obz::sim
