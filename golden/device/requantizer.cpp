#include "golden/device/requantizer.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "ref/arith/apply.hpp"

namespace obz {
namespace {

constexpr std::int64_t kFar = std::int64_t{1} << 60;

std::int64_t wrapped(std::int64_t v, IntType out) {
  if (out.is_signed) return wrap(v, out.bits);
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(v) & ((std::uint64_t{1} << out.bits) - 1));
}

/// The upper `bits` bits of a multiplier of `of` bits, in its place.
void shorten(Channel& c, int bits, Rounding rounding) {
  const int width = 64 - std::countl_zero(static_cast<std::uint64_t>(std::max<std::int64_t>(c.multiplier, 1)));
  const int drop = std::max(0, width - bits);
  c.multiplier = shift_right(c.multiplier, drop, rounding) << drop;
}

/// Everything that is only another number or another choice.
void alter(Quirk quirk, const Lane& lane, IntType out, Recipe& r, Channel& c) {
  switch (quirk) {
    case Quirk::round_floor: r.rounding = Rounding::floor; break;
    case Quirk::round_trunc: r.rounding = Rounding::trunc; break;
    case Quirk::round_half_up: r.rounding = Rounding::half_up; break;
    case Quirk::round_half_away: r.rounding = Rounding::half_away; break;
    case Quirk::round_half_even: r.rounding = Rounding::half_even; break;
    case Quirk::first_stage_added:
      if (r.first_bits == 0) r.first_bits = 31;
      break;
    case Quirk::first_stage_dropped: r.first_bits = 0; break;
    case Quirk::first_stage_floor: r.first_rounding = Rounding::floor; break;
    case Quirk::first_stage_wraps: r.first_overflow = Overflow::wrap; break;
    case Quirk::multiplier_previous: c.multiplier = lane.previous->multiplier; break;
    case Quirk::multiplier_next: c.multiplier = lane.next->multiplier; break;
    case Quirk::multiplier_of_first: c.multiplier = lane.first->multiplier; break;
    case Quirk::multiplier_8_bits: shorten(c, 8, Rounding::half_up); break;
    case Quirk::multiplier_16_bits: shorten(c, 16, Rounding::half_up); break;
    case Quirk::multiplier_16_truncated: shorten(c, 16, Rounding::floor); break;
    case Quirk::multiplier_24_truncated: shorten(c, 24, Rounding::floor); break;
    case Quirk::multiplier_signed: c.multiplier = wrap(c.multiplier, 32); break;
    case Quirk::shift_one_more: c.shift += 1; break;
    case Quirk::shift_one_less: c.shift -= 1; break;
    case Quirk::shift_previous: c.shift = lane.previous->shift; break;
    case Quirk::shift_next: c.shift = lane.next->shift; break;
    case Quirk::shift_modulo_16: c.shift %= 16; break;
    case Quirk::shift_modulo_32: c.shift %= 32; break;
    case Quirk::zero_point_missing: c.zero_point = 0; break;
    case Quirk::zero_point_negated: c.zero_point = -c.zero_point; break;
    case Quirk::zero_point_before_rounding: r.zero_point = ZeroPointAt::before_rounding; break;
    case Quirk::zero_point_before_scaling: r.zero_point = ZeroPointAt::before_scaling; break;
    case Quirk::zero_point_previous: c.zero_point = lane.previous->zero_point; break;
    case Quirk::zero_point_unsigned:
      c.zero_point = static_cast<std::int32_t>(c.zero_point & ((std::int64_t{1} << out.bits) - 1));
      break;
    case Quirk::clamp_ignores_lo: c.lo = out.min(); break;
    case Quirk::clamp_ignores_hi: c.hi = out.max(); break;
    case Quirk::clamp_type_only:
      c.lo = out.min();
      c.hi = out.max();
      break;
    case Quirk::clamp_lo_one_up: c.lo = std::min(c.lo + 1, c.hi); break;
    case Quirk::clamp_hi_one_down: c.hi = std::max(c.hi - 1, c.lo); break;
    case Quirk::clamp_symmetric: c.lo = std::max(c.lo, -c.hi); break;
    case Quirk::clamp_lo_at_zero: c.lo = std::clamp<std::int64_t>(0, c.lo, c.hi); break;
    default: break;
  }
}

/// The last rounding: exact quotient and increment, so that the increment is a wire of its own.
std::int64_t last_rounding(std::int64_t p, int shift, Rounding mode, std::int64_t offset, const Fault& f) {
  if (shift == 0) return damaged(f, Wire::rounding, p + offset);
  const std::int64_t half = std::int64_t{1} << (shift - 1);
  const auto plus = [&](std::int64_t constant) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(p) + static_cast<std::uint64_t>(constant)) >> shift;
  };
  switch (f.quirk) {
    case Quirk::constant_half_minus_one: return plus(half - 1) + offset;
    case Quirk::constant_half_plus_one: return plus(half + 1) + offset;
    case Quirk::constant_quarter: return plus(half >> 1) + offset;
    case Quirk::constant_one: return plus(2 * half) + offset;
    case Quirk::shift_logical: {
      const std::uint64_t whole = static_cast<std::uint64_t>(p) >> shift;
      return shift_right(p, shift, mode, offset) - (p >> shift) +
             static_cast<std::int64_t>(std::min<std::uint64_t>(whole, kFar));
    }
    default: break;
  }
  const std::int64_t floor = (p >> shift) + offset;
  const std::int64_t increment = shift_right(p, shift, mode, offset) - floor;
  return damaged(f, Wire::rounding, added(f, Wire::rounding, floor, increment));
}

std::int64_t clamped(std::int64_t scaled, std::int64_t sum, std::int64_t zero_point, const Recipe& r, const Channel& c,
                     IntType out, const Fault& f) {
  if (f.quirk == Quirk::clamp_wraps) return wrapped(sum, out);
  if (f.quirk == Quirk::clamp_before_zero_point) return wrapped(saturate(scaled, c.lo, c.hi) + zero_point, out);
  if (r.clamp == ClampAt::before_zero_point) {
    return saturate(scaled, c.lo - zero_point, c.hi - zero_point) + zero_point;
  }
  return saturate(sum, c.lo, c.hi);
}

std::int64_t dyadic(std::int64_t acc, const Recipe& r, Channel c, IntType out, const Fault& f) {
  c.multiplier = damaged(f, Wire::multiplier, c.multiplier);
  c.shift = static_cast<std::int32_t>(std::clamp<std::int64_t>(damaged(f, Wire::shift, c.shift), 0, 63));
  if (f.quirk == Quirk::float32_scale) {
    const float scale = static_cast<float>(std::ldexp(static_cast<double>(c.multiplier), -c.shift));
    const double real = std::clamp(static_cast<double>(static_cast<float>(acc) * scale), -0x1p60, 0x1p60);
    return saturate(static_cast<std::int64_t>(std::nearbyint(real)) + c.zero_point, c.lo, c.hi);
  }
  std::int64_t input = r.zero_point == ZeroPointAt::before_scaling ? acc + c.zero_point : acc;
  int shift = c.shift;
  if (shift < r.first_bits) {
    const auto moved = static_cast<std::int64_t>(static_cast<std::uint64_t>(input) << (r.first_bits - shift));
    input = narrow(moved, 32, r.left_overflow);
    shift = r.first_bits;
  }
  const std::uint64_t product = static_cast<std::uint64_t>(input) * static_cast<std::uint64_t>(c.multiplier);
  std::int64_t p = static_cast<std::int64_t>(product + static_cast<std::uint64_t>(c.addend));
  if (r.product_bits < 64) p = wrap(p, r.product_bits);
  p = damaged(f, Wire::scaling, p);
  if (r.first_bits > 0) {
    p = narrow(shift_right(p, r.first_bits, r.first_rounding), 32, r.first_overflow);
    shift -= r.first_bits;
  }
  const bool early = r.zero_point == ZeroPointAt::before_rounding;
  std::int64_t scaled = last_rounding(p, shift, r.rounding, early ? c.zero_point : 0, f);
  scaled = std::clamp(narrow(scaled, r.scaled_bits, r.scaled_overflow), -kFar, kFar);
  const std::int64_t zero_point = r.zero_point == ZeroPointAt::after_rounding ? c.zero_point : 0;
  std::int64_t sum =
      narrow(added(f, Wire::sum, scaled, zero_point), std::max<int>(r.scaled_bits, 32), r.scaled_overflow);
  sum = damaged(f, Wire::sum, sum);
  return clamped(scaled, sum, zero_point, r, c, out, f);
}

}  // namespace

bool altered_numbers(const Fault& fault, const Lane& lane, IntType out, Recipe& recipe, Channel& channel) {
  switch (fault.quirk) {
    case Quirk::none:
    case Quirk::constant_half_minus_one:
    case Quirk::constant_half_plus_one:
    case Quirk::constant_quarter:
    case Quirk::constant_one:
    case Quirk::float32_scale:
    case Quirk::shift_logical:
    case Quirk::clamp_before_zero_point:
    case Quirk::clamp_wraps: return false;
    default: break;
  }
  if (!in_requantizer(fault)) return false;
  alter(fault.quirk, lane, out, recipe, channel);
  channel.shift = std::clamp(channel.shift, 0, 63);
  return true;
}

std::int64_t faulty_requantize(std::int64_t acc, const Recipe& recipe, const Lane& lane, IntType out,
                               const Fault& fault) {
  if (!in_requantizer(fault)) return apply_recipe(acc, recipe, *lane.own);
  Recipe r = recipe;
  Channel c = *lane.own;
  alter(fault.quirk, lane, out, r, c);
  acc = damaged(fault, Wire::acc, acc);
  c.zero_point = static_cast<std::int32_t>(wrap(damaged(fault, Wire::zero_point, c.zero_point), 32));
  c.shift = std::clamp(c.shift, 0, 63);
  const std::int64_t v = r.arithmetic == Arithmetic::dyadic ? dyadic(acc, r, c, out, fault) : apply_recipe(acc, r, c);
  return damaged(fault, Wire::out, v);
}

}  // namespace obz
