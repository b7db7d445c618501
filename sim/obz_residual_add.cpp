#include "sim/obz_residual_add.hpp"

#include "ref/arith/apply.hpp"

namespace obz::sim {

obz_residual_add::obz_residual_add(const sc_core::sc_module_name& name, const UnitTiming& timing)
    : elementwise_unit(name, timing) {}

bool obz_residual_add::take(accel::Lanes& y) {
  const accel::Lanes &a = a_i.read().value, &b = b_i.read().value;
  const Recipe &a_recipe = a_recipe_i.read().value, &b_recipe = b_recipe_i.read().value;
  const Recipe& out_recipe = out_recipe_i.read().value;
  const Channel &a_channel = a_channel_i.read().value, &b_channel = b_channel_i.read().value;
  const Channel& out_channel = out_channel_i.read().value;
  const int left = left_shift_i.read();
  const std::int64_t sign = subtract_i.read() ? -1 : 1;
  for (std::size_t i = 0; i < y.size(); ++i) {
    const std::int64_t a_centred = (std::int64_t{a[i]} - a_zero_point_i.read()) << left;
    const std::int64_t b_centred = (std::int64_t{b[i]} - b_zero_point_i.read()) << left;
    const std::int64_t sum =
        apply_recipe(a_centred, a_recipe, a_channel) + sign * apply_recipe(b_centred, b_recipe, b_channel);
    const std::int64_t acc = narrow(sum, acc_bits_i.read(), static_cast<Overflow>(acc_overflow_i.read()));
    y[i] = static_cast<std::int32_t>(apply_recipe(acc, out_recipe, out_channel));
  }
  return true;
}

}  // namespace obz::sim
