// The twin of rtl/obz_residual_add.sv: the same ports, the same cycle for everything that shows on them.
#pragma once

#include "sim/elementwise_unit.hpp"

namespace obz::sim {

class obz_residual_add : public elementwise_unit {
 public:
  sc_core::sc_in<LanesWide> a_i{"a_i"}, b_i{"b_i"};

  sc_core::sc_in<bool> subtract_i{"subtract_i"};
  sc_core::sc_in<std::int32_t> a_zero_point_i{"a_zero_point_i"}, b_zero_point_i{"b_zero_point_i"};
  sc_core::sc_in<std::uint8_t> left_shift_i{"left_shift_i"};  ///< 0..30
  sc_core::sc_in<RecipeWide> a_recipe_i{"a_recipe_i"}, b_recipe_i{"b_recipe_i"}, out_recipe_i{"out_recipe_i"};
  sc_core::sc_in<ChannelWide> a_channel_i{"a_channel_i"}, b_channel_i{"b_channel_i"}, out_channel_i{"out_channel_i"};
  sc_core::sc_in<std::uint8_t> acc_bits_i{"acc_bits_i"};          ///< 1..64
  sc_core::sc_in<std::uint8_t> acc_overflow_i{"acc_overflow_i"};  ///< Overflow

  obz_residual_add(const sc_core::sc_module_name& name, const UnitTiming& timing);

 private:
  bool take(accel::Lanes& y) override;
};

}  // namespace obz::sim
