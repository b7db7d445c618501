#include "sim/obz_pool.hpp"

#include "ref/arith/apply.hpp"
#include "ref/base/error.hpp"

namespace obz::sim {

__extension__ using Int128 = __int128;

obz_pool::obz_pool(const sc_core::sc_module_name& name, const UnitTiming& timing) : elementwise_unit(name, timing) {}

bool obz_pool::take(accel::Lanes& y) {
  const accel::Lanes& x = x_i.read().value;
  const bool first = first_i.read(), last = last_i.read();
  const Channel& clamp = channel_i.read().value;
  for (std::size_t i = 0; i < y.size(); ++i) {
    const std::int64_t centred = std::int64_t{x[i]} - zero_point_i.read();
    const std::uint64_t before = first ? 0 : static_cast<std::uint64_t>(sum_[i]);
    sum_[i] = static_cast<std::int64_t>(before + static_cast<std::uint64_t>(centred));
    largest_[i] = first || x[i] > largest_[i] ? x[i] : largest_[i];
    if (!last) continue;
    const std::int64_t acc = narrow(sum_[i], acc_bits_i.read(), static_cast<Overflow>(acc_overflow_i.read()));
    y[i] = static_cast<std::int32_t>(saturate(result(acc, largest_[i]), clamp.lo, clamp.hi));
  }
  return last;
}

std::int64_t obz_pool::result(std::int64_t acc, std::int32_t largest) const {
  switch (static_cast<accel::PoolMode>(mode_i.read())) {
    case accel::PoolMode::requant: return apply_recipe(acc, recipe_i.read().value, channel_i.read().value);
    case accel::PoolMode::divide: return divided(acc);
    default: return largest;
  }
}

/// Requires what rtl/obz_round_divide.sv requires.
std::int64_t obz_pool::divided(std::int64_t acc) const {
  const std::int64_t count = count_i.read(), most = std::int64_t{1} << 31;
  const Int128 one = Int128{1} << reciprocal_shift_i.read();
  const Int128 excess = Int128{reciprocal_i.read()} * count - one;
  OBZ_CHECK(-most <= acc && acc <= most && count > 0);
  OBZ_CHECK(excess >= 0 && excess < count && (acc < 0 ? -acc : acc) * excess < one);
  return divide(acc, count, recipe_i.read().value.rounding);
}

}  // namespace obz::sim
