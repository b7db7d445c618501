#include "golden/compare/distinguish.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "golden/cases/requant_case.hpp"
#include "ref/arith/apply.hpp"
#include "ref/base/error.hpp"
#include "ref/base/philox.hpp"

namespace obz {

ChannelVerdict distinguish_channels(const Profile& a, const Channel& ca, const Profile& b, const Channel& cb,
                                    AccRange range) {
  ChannelVerdict v;
  v.a = ca;
  v.b = cb;
  for (const auto& [p, c] : {std::pair{&a, &ca}, std::pair{&b, &cb}}) {
    const auto defined = monotone_range(*p, *c, range);
    if (!defined) {
      v.refused = fmt::format("{} is not defined for multiplier {} shift {}", p->id, c->multiplier, c->shift);
      return v;
    }
    range = *defined;
  }
  v.range = range;
  v.difference = difference(staircase(a.recipe, ca, range), staircase(b.recipe, cb, range));
  v.out_a = apply_recipe(v.difference.at, a.recipe, ca);
  v.out_b = apply_recipe(v.difference.at, b.recipe, cb);
  OBZ_CHECK((v.difference.count > 0) == (v.out_a != v.out_b));
  return v;
}

ChannelVerdict distinguish_scale(const Profile& a, const Profile& b, double scale, std::int32_t zero_point, IntType out,
                                 AccRange range) {
  try {
    const Channel ca = channel_of_scale(a, scale, zero_point, out), cb = channel_of_scale(b, scale, zero_point, out);
    return distinguish_channels(a, ca, b, cb, range);
  } catch (const Error& e) {
    ChannelVerdict v;
    v.refused = e.what();
    return v;
  }
}

bool same_function(const Profile& a, const Profile& b) {
  return a.recipe == b.recipe && a.scale == b.scale && a.has_zero_point == b.has_zero_point &&
         a.has_addend == b.has_addend;
}

std::vector<double> default_scales(std::size_t count, std::uint64_t seed) {
  constexpr int lowest = -12;
  std::vector<double> scales;
  for (int k = lowest; k <= 0 && scales.size() < count; ++k) scales.push_back(std::ldexp(1.0, k));
  for (std::uint64_t i = 0; scales.size() < count; ++i) {
    CaseRandom rng(seed, i);
    const double unit = std::ldexp(static_cast<double>(rng.bits64() >> 11), -53);
    scales.push_back(static_cast<double>(static_cast<float>(std::exp2(lowest * (1 - unit)))));
  }
  return scales;
}

}  // namespace obz
