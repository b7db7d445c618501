#include "golden/cover/facts.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "ref/arith/apply.hpp"

namespace obz {
namespace {

__extension__ using Wide = __int128;
__extension__ using UnsignedWide = unsigned __int128;

int sign_of(std::int64_t v) { return v > 0 ? 1 : v < 0 ? -1 : 0; }

/// The rounding of p / 2^shift (+ offset), whose result the caller knows.
RoundingFacts rounding_of(std::int64_t p, int shift, std::int64_t offset, std::int64_t result) {
  RoundingFacts f;
  f.floor = (p >> shift) + offset;
  f.sign = offset == 0 ? sign_of(p) : f.floor < 0 ? -1 : 1;
  if (shift < 1) return f;
  f.present = true;
  const auto fraction = static_cast<std::uint64_t>(p) & ((std::uint64_t{1} << shift) - 1);
  const std::uint64_t half = std::uint64_t{1} << (shift - 1);
  f.exact = fraction == 0;
  f.vs_half = fraction < half ? -1 : fraction > half ? 1 : 0;
  if (shift >= 2) f.from_tie = fraction + 1 == half ? -1 : fraction == half + 1 ? 1 : 0;
  f.up = result > f.floor;
  return f;
}

RoundingFacts rounding_of(double v, std::int64_t result) {
  RoundingFacts f;
  f.present = true;
  f.sign = v > 0 ? 1 : v < 0 ? -1 : 0;
  const double floor = std::floor(v);
  f.floor = static_cast<std::int64_t>(std::clamp(floor, -0x1p62, 0x1p62));
  f.exact = v == floor;
  const double over = v - floor - 0.5;
  f.vs_half = over < 0 ? -1 : over > 0 ? 1 : 0;
  constexpr double near = 0x1p-16;
  if (over != 0 && std::fabs(over) <= near) f.from_tie = over < 0 ? -1 : 1;
  f.up = !f.exact && result > f.floor;
  return f;
}

/// Bits from the highest to the lowest set one.
int significant_bits(Wide v) {
  auto u = v < 0 ? -static_cast<UnsignedWide>(v) : static_cast<UnsignedWide>(v);
  if (u == 0) return 0;
  while ((u & 1) == 0) u >>= 1;
  int bits = 0;
  for (; u != 0; u >>= 1) ++bits;
  return bits;
}

void add_dyadic(CaseFacts& f) {
  const Recipe& r = f.profile->recipe;
  const Channel& c = f.channel();
  f.trace = trace_requantize(f.acc(), r, c);
  const RequantTrace& t = f.trace;
  const std::int64_t entering = r.zero_point == ZeroPointAt::before_scaling ? f.acc() + c.zero_point : f.acc();
  int shift = c.shift;
  if (shift < r.first_bits) {
    f.left = true;
    f.left_leaves = t.input != entering << (r.first_bits - shift);
    shift = r.first_bits;
  }
  const std::int64_t product = t.input * c.multiplier + c.addend;
  f.product_is_zero = product == 0;
  f.product_leaves = t.product != product;
  if (r.first_bits > 0) {
    const std::int64_t first = shift_right(t.product, r.first_bits, r.first_rounding);
    f.first = rounding_of(t.product, r.first_bits, 0, first);
    f.first_leaves = t.first != first;
    shift -= r.first_bits;
  }
  const std::int64_t offset = r.zero_point == ZeroPointAt::before_rounding ? c.zero_point : 0;
  const std::int64_t rounded = shift_right(t.first, shift, r.rounding, offset);
  f.last = rounding_of(t.first, shift, offset, rounded);
  f.scaled_leaves = t.scaled != rounded;
  f.scaled = t.scaled - offset;
  const std::int64_t late = r.zero_point == ZeroPointAt::after_rounding ? c.zero_point : 0;
  if (r.clamp == ClampAt::before_zero_point) {
    f.value = t.scaled + late;
  } else {
    f.value = t.sum;
    f.sum_leaves = t.sum != t.scaled + late;
  }
}

void add_float(CaseFacts& f) {
  const Recipe& r = f.profile->recipe;
  const Channel& c = f.channel();
  double v = 0;
  switch (r.arithmetic) {
    case Arithmetic::float32_scale: {
      v = foreign::unrounded_float32(f.acc(), r, c);
      const float single = static_cast<float>(f.acc());
      f.acc_inexact = static_cast<double>(single) != static_cast<double>(f.acc());
      f.product_inexact = static_cast<double>(single) * c.scale !=
                          static_cast<double>(single * static_cast<float>(c.scale));  // 48 bits: exact in double
      break;
    }
    case Arithmetic::float64_scale: {
      v = foreign::unrounded_float64(f.acc(), r, c);
      int exponent = 0;
      const auto mantissa = static_cast<std::int64_t>(std::ldexp(std::frexp(c.scale, &exponent), 53));
      f.product_inexact = significant_bits(static_cast<Wide>(f.acc()) * mantissa) > 53;
      break;
    }
    default:
      v = foreign::unrounded_float64_dyadic(f.acc(), c);
      f.product_inexact = significant_bits(static_cast<Wide>(f.acc()) * c.multiplier) > 53;
      break;
  }
  f.product_is_zero = f.acc() == 0 || (f.profile->uses_multiplier() ? c.multiplier == 0 : c.scale == 0);
  Channel wide = c;
  wide.lo = kInt32.min();
  wide.hi = kInt32.max();
  f.value = apply_recipe(f.acc(), r, wide);
  f.scaled = f.value - c.zero_point;
  const std::int64_t rounded = foreign::round_half_even(v);
  f.last = rounding_of(v, rounded);
}

}  // namespace

CaseFacts facts_of(const Profile& profile, const RequantCase& asked, const RequantCase* previous) {
  CaseFacts f;
  f.profile = &profile;
  f.asked = &asked;
  f.previous = previous;
  profile.is_dyadic() ? add_dyadic(f) : add_float(f);
  return f;
}

}  // namespace obz
