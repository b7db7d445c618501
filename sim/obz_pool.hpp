// The twin of rtl/obz_pool.sv: the same ports, the same cycle for everything that shows on them. Where the RTL
// multiplies with a reciprocal the twin divides, and checks that the reciprocal is exact for that sum.
#pragma once

#include "sim/elementwise_unit.hpp"

namespace obz::sim {

class obz_pool : public elementwise_unit {
 public:
  sc_core::sc_in<bool> first_i{"first_i"}, last_i{"last_i"};
  sc_core::sc_in<LanesWide> x_i{"x_i"};
  sc_core::sc_in<ChannelWide> channel_i{"channel_i"};
  sc_core::sc_in<std::uint32_t> count_i{"count_i"};
  sc_core::sc_in<std::uint64_t> reciprocal_i{"reciprocal_i"};
  sc_core::sc_in<std::uint8_t> reciprocal_shift_i{"reciprocal_shift_i"};

  sc_core::sc_in<std::uint8_t> mode_i{"mode_i"};  ///< accel::PoolMode
  sc_core::sc_in<std::int32_t> zero_point_i{"zero_point_i"};
  sc_core::sc_in<std::uint8_t> acc_bits_i{"acc_bits_i"};          ///< 1..64
  sc_core::sc_in<std::uint8_t> acc_overflow_i{"acc_overflow_i"};  ///< Overflow
  sc_core::sc_in<RecipeWide> recipe_i{"recipe_i"};

  obz_pool(const sc_core::sc_module_name& name, const UnitTiming& timing);

 private:
  bool take(accel::Lanes& y) override;
  std::int64_t result(std::int64_t acc, std::int32_t largest) const;
  std::int64_t divided(std::int64_t acc) const;

  std::array<std::int64_t, accel::kUnitLanes> sum_{};
  accel::Lanes largest_{};
};

}  // namespace obz::sim
