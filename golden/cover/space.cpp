#include "golden/cover/space.hpp"

#include <algorithm>
#include <cmath>

namespace obz {
namespace {

/// Only scales of this system are documented to carry a sign (LayerNorm's gamma); everywhere else they are > 0.
bool forms_negative_multipliers(const Profile& p) { return p.id == "i-vit/torch"; }

/// What check_requant accepts for offsets that are no values of the output type.
constexpr std::int64_t kOffsetLimit = std::int64_t{1} << 30;

}  // namespace

CoverSpace cover_space(const Profile& profile, IntType out) {
  CoverSpace s{.profile = profile, .out = out, .acc = {}, .fixed = {}};
  const ScaleRule& rule = profile.scale;
  if (profile.uses_multiplier()) {
    const int reduced = rule.reduce_to_16 ? 16 : 0;
    s.mantissa_bits = rule.mantissa_bits - reduced;
    s.multiplier_lo = std::int64_t{1} << (s.mantissa_bits - 1);
    const bool keeps_top =
        rule.top == TopCorner::keep && rule.mantissa_rounding != MantissaRounding::truncate && !rule.power_of_two_only;
    s.multiplier_hi = (std::int64_t{1} << s.mantissa_bits) - (keeps_top ? 0 : 1);
    s.shift_lo = std::max(0, rule.min_shift - reduced);
    s.shift_hi = std::min(63, rule.max_shift - reduced);
    s.zero_multiplier = rule.tiny != TinyScale::refuse || rule.large == LargeScale::zero_at_16;
    s.zero_shift = (rule.tiny == TinyScale::zero ? 31 : 16) - reduced;
    s.negative_multiplier = forms_negative_multipliers(profile);
  }
  constexpr int widest = 47;
  const int bits = std::min<int>(profile.acc_bits, profile.recipe.first_bits > 0 ? 32 : widest);
  const IntType reg{static_cast<std::uint8_t>(bits), true};
  s.acc = {reg.min(), reg.max()};
  if (profile.has_zero_point) {
    s.zero_point_lo = out.min();
    s.zero_point_hi = out.max();
  } else if (profile.recipe.zero_point == ZeroPointAt::before_scaling) {
    s.zero_point_lo = -kOffsetLimit;
    s.zero_point_hi = kOffsetLimit;
  }
  return s;
}

CoverSpace cover_space(const Profile& profile, IntType out, std::vector<ChannelRange> fixed) {
  CoverSpace s = cover_space(profile, out);
  s.fixed = std::move(fixed);
  return s;
}

bool in_space(const CoverSpace& s, const RequantCase& rc) {
  const Channel& c = rc.channel;
  if (!in_domain(s.profile, rc)) return false;
  if (s.is_fixed()) {
    return std::any_of(s.fixed.begin(), s.fixed.end(), [&](const ChannelRange& f) {
      return f.channel == c && rc.acc >= f.range.lo && rc.acc <= f.range.hi;
    });
  }
  if (rc.acc < s.acc.lo || rc.acc > s.acc.hi || c.zero_point < s.zero_point_lo || c.zero_point > s.zero_point_hi ||
      !s.out.holds(c.lo) || !s.out.holds(c.hi) || (c.addend != 0 && !s.profile.has_addend)) {
    return false;
  }
  if (!s.profile.uses_multiplier()) {
    const ScaleRule& rule = s.profile.scale;
    return c.scale > 0 && static_cast<double>(static_cast<float>(c.scale)) == c.scale &&
           c.scale >= std::ldexp(1.0, rule.float_from) && c.scale < std::ldexp(1.0, rule.float_below);
  }
  if (c.multiplier == 0) return s.zero_multiplier && c.shift == s.zero_shift;
  if (c.multiplier < 0 && !s.negative_multiplier) return false;
  const std::int64_t magnitude = std::abs(c.multiplier);
  return magnitude >= s.multiplier_lo && magnitude <= s.multiplier_hi && c.shift >= s.shift_lo && c.shift <= s.shift_hi;
}

}  // namespace obz
