#include "golden/cases/requant_case.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include <fmt/format.h>

#include "ref/base/error.hpp"
#include "ref/base/philox.hpp"

namespace obz {
namespace {

__extension__ using Wide = __int128;

/// Where the corners are. One case in kCornerKinds is of each kind.
enum class Corner : std::uint8_t {
  step,            ///< the two accumulators on both sides of one step of the output staircase
  saturation,      ///< likewise at the clamps
  tie,             ///< exactly half way, both signs
  first_tie,       ///< half way at bit 31: two-stage recipes; one-stage ones see an ordinary step
  rail,            ///< accumulator at or next to the ends of its register, or around zero
  shift_extreme,   ///< smallest and largest shift
  multiplier_end,  ///< 2^(b-1), 2^b - 1, and 2^b where the profile keeps it
  zero_crossing,   ///< output around the zero point and around 0
};
constexpr std::uint64_t kCornerKinds = 8;

/// Legal numbers of a profile.
struct Field {
  std::int64_t multiplier_lo, multiplier_hi;
  int shift_lo, shift_hi;
  std::int64_t acc_lo, acc_hi;
};

Field field_of(const Profile& p) {
  const ScaleRule& s = p.scale;
  Field f{};
  const int bits = s.reduce_to_16 ? 15 : s.mantissa_bits;
  f.multiplier_lo = bits <= 1 ? 1 : std::int64_t{1} << (bits - 1);
  f.multiplier_hi = bits <= 1 ? 1 : (std::int64_t{1} << bits) - (s.top == TopCorner::keep ? 0 : 1);
  const int reduced = s.reduce_to_16 ? 16 : 0;
  f.shift_lo = std::max(0, s.min_shift - reduced);
  f.shift_hi = std::min(62, s.max_shift - reduced);
  const int acc_bits = std::min<int>(p.acc_bits, p.recipe.first_bits > 0 ? 32 : 47);
  const IntType acc{static_cast<std::uint8_t>(acc_bits), true};
  f.acc_lo = acc.min();
  f.acc_hi = acc.max();
  return f;
}

std::int64_t clamp_wide(Wide v, const Field& f) {
  return v < f.acc_lo ? f.acc_lo : v > f.acc_hi ? f.acc_hi : static_cast<std::int64_t>(v);
}

Wide floor_divide(Wide n, Wide d) {
  const Wide q = n / d;
  return q - ((n % d != 0 && (n < 0) != (d < 0)) ? 1 : 0);
}

/// Zero point and clamp: the whole type, a fused ReLU, or a narrow band.
void draw_output(CaseRandom& rng, const RequantSpace& space, Channel& c) {
  const IntType out = space.out;
  c.lo = out.min();
  c.hi = out.max();
  const bool any_zero_point = space.profile->has_zero_point;
  const ZeroPointAt at = space.profile->recipe.zero_point;
  if (any_zero_point && out.bits <= 16) {
    constexpr std::uint32_t rarely = 4;
    c.zero_point = static_cast<std::int32_t>(rng.one_in(rarely) ? (rng.one_in(2) ? out.min() : out.max())
                                                                : rng.between(out.min(), out.max()));
  } else if (at == ZeroPointAt::before_scaling) {
    c.zero_point = static_cast<std::int32_t>(rng.between(-1024, 1024));
  }
  constexpr std::uint32_t fused = 4;
  if (rng.one_in(fused)) c.lo = std::clamp<std::int64_t>(any_zero_point ? c.zero_point : 0, c.lo, c.hi);
  if (rng.one_in(fused)) c.hi = rng.between(c.lo, c.hi);
}

/// A multiplier of `significant` bits placed at the top of the field, so that multiples of half a step exist.
std::int64_t short_multiplier(CaseRandom& rng, const Field& f, int significant) {
  const int width = 64 - std::countl_zero(static_cast<std::uint64_t>(f.multiplier_lo));
  const int bits = std::min(significant, width);
  const std::int64_t top = std::int64_t{1} << (bits - 1);
  return rng.between(top, 2 * top - 1) << (width - bits);
}

/// Twice the scaled value at which the output leaves k for k + 1.
Wide step_above(std::int64_t k, Rounding rounding) {
  switch (rounding) {
    case Rounding::floor: return Wide{2} * k + 2;
    case Rounding::trunc: return Wide{2} * k + (k >= 0 ? 2 : 0);
    default: return Wide{2} * k + 1;
  }
}

/// The accumulator at which the scaled value reaches twice / 2, rounded up: the right side of a step.
std::int64_t step_at(Wide twice, const Channel& c, const Field& f) {
  if (c.multiplier == 0) return 0;
  const Wide scaled = twice * (Wide{1} << c.shift) - Wide{2} * c.addend;
  return clamp_wide(-floor_divide(-scaled, Wide{2} * c.multiplier), f);
}

/// The addend is a bias of a few output steps. `unit` keeps ties reachable: with unit = multiplier it acts as so
/// many accumulator units.
void draw_addend(CaseRandom& rng, const RequantSpace& space, Channel& c, std::int64_t unit = 1) {
  if (!space.profile->has_addend) return;
  const std::int64_t most = (std::int64_t{1} << std::min(c.shift + 3, 40)) / unit;
  c.addend = rng.between(-most, most) * unit;
}

/// Output values (zero point removed) worth standing at.
std::int64_t draw_output_value(CaseRandom& rng, const Channel& c) { return rng.between(c.lo - 1, c.hi) - c.zero_point; }

void draw_shift(CaseRandom& rng, const Field& f, const RequantSpace& space, Channel& c) {
  // Typical layers: scales 2^-12 .. 2^-1, i.e. shift = bits of the multiplier + 1 .. + 12.
  const int width = 64 - std::countl_zero(static_cast<std::uint64_t>(std::max<std::int64_t>(c.multiplier, 1)));
  const int spread = space.out.bits <= 8 ? 12 : 8;
  c.shift =
      static_cast<std::int32_t>(std::clamp<std::int64_t>(rng.between(width, width + spread), f.shift_lo, f.shift_hi));
}

RequantCase integer_corner(const RequantSpace& space, std::uint64_t index, CaseRandom& rng) {
  const Field f = field_of(*space.profile);
  const auto kind = static_cast<Corner>(index % kCornerKinds);
  RequantCase rc;
  Channel& c = rc.channel;
  draw_output(rng, space, c);
  c.multiplier = rng.between(f.multiplier_lo, f.multiplier_hi);
  draw_shift(rng, f, space, c);
  const std::int64_t side = rng.one_in(2) ? -1 : 0;
  const Rounding rounding = space.profile->recipe.rounding;
  switch (kind) {
    case Corner::step: break;
    case Corner::saturation: {
      draw_addend(rng, space, c);
      const std::int64_t k = (rng.one_in(2) ? c.lo - 1 : c.hi) - c.zero_point;
      rc.acc = clamp_wide(Wide{step_at(step_above(k, rounding), c, f)} + side, f);
      return rc;
    }
    case Corner::tie:
      c.multiplier = short_multiplier(rng, f, space.out.bits);
      draw_shift(rng, f, space, c);
      draw_addend(rng, space, c, c.multiplier);
      rc.acc = clamp_wide(Wide{step_at(Wide{2} * draw_output_value(rng, c) + 1, c, f)} + side, f);
      return rc;
    case Corner::first_tie: {  // acc * m = (2j + 1) * 2^30, so acc must supply the twos the multiplier lacks
      c.multiplier = short_multiplier(rng, f, static_cast<int>(rng.between(1, 24)));
      draw_shift(rng, f, space, c);
      const int twos = std::countr_zero(static_cast<std::uint64_t>(c.multiplier));
      const int missing = 30 - twos;
      if (missing < 0 || missing > 28) break;
      const std::int64_t odd =
          2 * rng.between(-(std::int64_t{1} << (29 - missing)), (std::int64_t{1} << (29 - missing)) - 1) + 1;
      rc.acc = clamp_wide(Wide{odd} << missing, f);
      return rc;
    }
    case Corner::rail: {
      const std::array<std::int64_t, 8> rails{f.acc_lo, f.acc_lo + 1,    f.acc_hi, f.acc_hi - 1, -1, 0,
                                              1,        f.acc_hi / 2 + 1};
      rc.acc = rails[rng.bits32() % rails.size()];
      draw_addend(rng, space, c);
      return rc;
    }
    case Corner::shift_extreme: c.shift = rng.one_in(2) ? f.shift_lo : f.shift_hi; break;
    case Corner::multiplier_end: {
      const std::array<std::int64_t, 3> ends{f.multiplier_lo, f.multiplier_hi,
                                             std::max(f.multiplier_lo, f.multiplier_hi - 1)};
      c.multiplier = ends[rng.bits32() % ends.size()];
      break;
    }
    case Corner::zero_crossing: {
      draw_addend(rng, space, c);
      const std::int64_t k = rng.one_in(2) ? rng.between(-2, 1) : rng.between(-2, 1) - c.zero_point;
      rc.acc = clamp_wide(Wide{step_at(step_above(k, rounding), c, f)} + side, f);
      return rc;
    }
  }
  draw_addend(rng, space, c);
  rc.acc = clamp_wide(Wide{step_at(step_above(draw_output_value(rng, c), rounding), c, f)} + side, f);
  return rc;
}

RequantCase integer_random(const RequantSpace& space, CaseRandom& rng) {
  const Field f = field_of(*space.profile);
  RequantCase rc;
  Channel& c = rc.channel;
  draw_output(rng, space, c);
  c.multiplier = rng.between(f.multiplier_lo, f.multiplier_hi);
  draw_shift(rng, f, space, c);
  // A little beyond what saturates: outputs of -1.25 to 1.25 times the type's range.
  const Wide reach = ((Wide{space.out.max()} + 1) * 5 / 4) * (Wide{1} << c.shift) / c.multiplier;
  const std::int64_t limit = clamp_wide(reach, f);
  rc.acc = rng.between(std::max(-limit, f.acc_lo), limit);
  draw_addend(rng, space, c);
  return rc;
}

/// float32 scales 2^-12 .. 2^-1; corners stand where acc * scale is next to k + 1/2.
RequantCase float_case(const RequantSpace& space, std::uint64_t index, CaseRandom& rng) {
  RequantCase rc;
  Channel& c = rc.channel;
  draw_output(rng, space, c);
  c.multiplier = 0;
  const bool corners = space.goal == Goal::corners;
  constexpr std::uint64_t short_mantissa_every = 3;
  std::int64_t mantissa = rng.between(std::int64_t{1} << 23, (std::int64_t{1} << 24) - 1);
  if (corners && index % short_mantissa_every == 0) mantissa &= ~((std::int64_t{1} << 16) - 1);
  c.scale = std::ldexp(static_cast<double>(mantissa), -24 - static_cast<int>(rng.between(0, 11)));
  const double range = static_cast<double>(space.out.max()) + 1;
  if (corners) {
    const double k = static_cast<double>(draw_output_value(rng, c)) + 0.5;
    const double at = std::ceil(k / c.scale) - (rng.one_in(2) ? 1 : 0);
    rc.acc = static_cast<std::int64_t>(std::clamp(at, -2147483648.0, 2147483647.0));
    constexpr std::uint32_t beyond_24_bits = 8;
    if (rng.one_in(beyond_24_bits)) rc.acc = rng.between(kInt32.min(), kInt32.max());
  } else {
    const auto limit = static_cast<std::int64_t>(std::min(1.25 * range / c.scale, 2147483647.0));
    rc.acc = rng.between(-limit, limit);
  }
  return rc;
}

bool product_fits(const RequantCase& c) {
  const Wide p = (Wide{c.acc} + c.channel.zero_point) * c.channel.multiplier + c.channel.addend;
  const Wide q = Wide{c.acc} * c.channel.multiplier + c.channel.addend;
  constexpr Wide limit = Wide{1} << 63;
  return p < limit && p > -limit && q < limit && q > -limit;
}

}  // namespace

bool in_domain(const Profile& profile, const RequantCase& rc) {
  const Channel& c = rc.channel;
  if (c.shift < 0 || c.shift > 63 || c.lo > c.hi) return false;
  if (!profile.uses_multiplier()) return std::isfinite(c.scale);
  if (!product_fits(rc)) return false;
  const Recipe& r = profile.recipe;
  if (r.first_bits > 0) {
    if (!kInt32.holds(rc.acc)) return false;
    const int left = std::max(0, r.first_bits - c.shift);
    const bool left_fits = kInt32.holds(rc.acc << left);
    if (!left_fits && r.left_overflow == Overflow::wrap) return false;  // undefined behaviour in the cited kernels
  }
  if (profile.avg_pool == AvgPoolRule::reciprocal && c.shift >= 1) {  // TOSA's value range
    const std::int64_t half = std::int64_t{1} << (c.shift - 1);
    if (rc.acc < -half || rc.acc >= half) return false;
  }
  return true;
}

Channel draw_channel(const RequantSpace& space, std::uint64_t index) {
  RequantSpace random = space;
  random.goal = Goal::random;
  return make_requant_case(random, index).channel;
}

Channel channel_of_scale(const Profile& profile, double scale, std::int32_t zero_point, IntType out) {
  const auto single = static_cast<float>(scale);
  if (!std::isfinite(single) || single <= 0) throw Error(fmt::format("expected a real scale > 0, got {}", scale));
  if (!profile.has_zero_point && zero_point != 0) {
    throw Error(
        fmt::format("{}: expected zero point 0, the only one this profile knows, got {}", profile.id, zero_point));
  }
  try {
    Channel c = encode_scale(profile.scale, form_scale(profile.scale, single, 1.0F, 1.0F));
    c.zero_point = zero_point;
    c.lo = out.min();
    c.hi = out.max();
    return c;
  } catch (const Error& e) {
    throw Error(fmt::format("{}: {}", profile.id, e.what()));
  }
}

RequantCase make_requant_case(const RequantSpace& space, std::uint64_t index) {
  // A corner that falls outside the domain is drawn again under another purpose: still a function of the index.
  constexpr std::uint32_t tries = 16;
  RequantCase rc;
  for (std::uint32_t purpose = 0; purpose < tries; ++purpose) {
    CaseRandom rng(space.seed, index, purpose);
    if (!space.profile->uses_multiplier()) {
      rc = float_case(space, index, rng);
    } else {
      rc = space.goal == Goal::corners ? integer_corner(space, index, rng) : integer_random(space, rng);
    }
    if (in_domain(*space.profile, rc)) return rc;
  }
  rc.acc = 0;
  return rc;
}

}  // namespace obz
