#include "rtl/harness/requant_unit.hpp"

#include <Vobz_requant.h>
#include <Vobz_requant_obz_pkg.h>

#include "accel/requant_refusal.hpp"

namespace obz::rtl {
namespace {

using Package = Vobz_requant_obz_pkg;

constexpr bool same(int rtl, Rounding mode) { return rtl == static_cast<int>(mode); }
constexpr bool same(int rtl, Overflow mode) { return rtl == static_cast<int>(mode); }

static_assert(same(Package::RoundFloor, Rounding::floor));
static_assert(same(Package::RoundTrunc, Rounding::trunc));
static_assert(same(Package::RoundHalfUp, Rounding::half_up));
static_assert(same(Package::RoundHalfAway, Rounding::half_away));
static_assert(same(Package::RoundHalfEven, Rounding::half_even));
static_assert(same(Package::OverflowExact, Overflow::exact));
static_assert(same(Package::OverflowWrap, Overflow::wrap));
static_assert(same(Package::OverflowSaturate, Overflow::saturate));

/// Width of multiplier_i.
constexpr int kMultiplierBits = 34;

}  // namespace

struct RequantUnit::Model {
  Vobz_requant top;  // in the default context: a destroyed one of another model would still be the thread's
};

RequantUnit::RequantUnit() : model_(std::make_unique<Model>()) {}
RequantUnit::~RequantUnit() = default;

std::optional<std::string> RequantUnit::refusal(const Recipe& recipe, const Channel& channel) {
  return accel::requant_refusal(recipe, channel);
}

std::int64_t RequantUnit::operator()(std::int64_t acc, const Recipe& recipe, const Channel& channel) {
  Vobz_requant& top = model_->top;
  top.acc_i = static_cast<std::uint64_t>(acc);
  top.multiplier_i = static_cast<std::uint64_t>(channel.multiplier) & ((std::uint64_t{1} << kMultiplierBits) - 1);
  top.shift_i = static_cast<std::uint8_t>(channel.shift);
  top.addend_i = static_cast<std::uint64_t>(channel.addend);
  top.zero_point_i = static_cast<std::uint32_t>(channel.zero_point);
  top.lo_i = static_cast<std::uint64_t>(channel.lo);
  top.hi_i = static_cast<std::uint64_t>(channel.hi);
  top.rounding_i = static_cast<std::uint8_t>(recipe.rounding);
  top.first_bits_i = recipe.first_bits;
  top.first_rounding_i = static_cast<std::uint8_t>(recipe.first_rounding);
  top.first_overflow_i = static_cast<std::uint8_t>(recipe.first_overflow);
  top.left_overflow_i = static_cast<std::uint8_t>(recipe.left_overflow);
  top.product_bits_i = recipe.product_bits;
  top.scaled_bits_i = recipe.scaled_bits;
  top.scaled_overflow_i = static_cast<std::uint8_t>(recipe.scaled_overflow);
  top.zero_point_first_i = recipe.zero_point == ZeroPointAt::before_scaling ? 1 : 0;
  top.clamp_first_i = recipe.clamp == ClampAt::before_zero_point ? 1 : 0;
  top.eval();
  return static_cast<std::int64_t>(top.out_o);
}

}  // namespace obz::rtl
