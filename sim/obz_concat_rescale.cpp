#include "sim/obz_concat_rescale.hpp"

#include "ref/arith/apply.hpp"

namespace obz::sim {

obz_concat_rescale::obz_concat_rescale(const sc_core::sc_module_name& name, const UnitTiming& timing)
    : elementwise_unit(name, timing) {}

bool obz_concat_rescale::take(accel::Lanes& y) {
  const accel::Lanes& x = x_i.read().value;
  for (std::size_t i = 0; i < y.size(); ++i) {
    const std::int64_t centred = std::int64_t{x[i]} - zero_point_i.read();
    y[i] = static_cast<std::int32_t>(apply_recipe(centred, recipe_i.read().value, channel_i.read().value[i]));
  }
  return true;
}

}  // namespace obz::sim
