#include "golden/compare/disagreement.hpp"

#include <cmath>

#include <tbb/blocked_range.h>
#include <tbb/parallel_reduce.h>

#include "golden/cases/requant_case.hpp"
#include "ref/arith/apply.hpp"
#include "ref/base/error.hpp"
#include "ref/base/philox.hpp"

namespace obz {
namespace {

float draw_scale(CaseRandom& rng, ScaleRange range) {
  if (range == ScaleRange::powers_of_two) return std::ldexp(1.0F, -static_cast<int>(rng.between(5, 12)));
  const double lo = range == ScaleRange::layers ? -12 : -4, hi = range == ScaleRange::layers ? -5 : 0;
  const double unit = std::ldexp(static_cast<double>(rng.bits64() >> 11), -53);
  return static_cast<float>(std::exp2(lo + (hi - lo) * unit));
}

/// The profile's numbers for a real scale; false when it refuses.
bool encode(const Profile& p, float scale, Channel& c) {
  try {
    c = encode_scale(p.scale, form_scale(p.scale, scale, 1.0F, 1.0F));
    return true;
  } catch (const Error&) {
    return false;
  }
}

template <class Draw>
Disagreement measure(const Profile& a, const Profile& b, std::int64_t samples, std::uint64_t seed, Draw&& draw) {
  const auto one_block = [&](const tbb::blocked_range<std::int64_t>& block, Disagreement sum) {
    for (std::int64_t i = block.begin(); i < block.end(); ++i) {
      CaseRandom rng(seed, static_cast<std::uint64_t>(i));
      const float scale = draw(rng);
      RequantCase ca, cb;
      if (!encode(a, scale, ca.channel) || !encode(b, scale, cb.channel)) continue;
      const auto limit = static_cast<std::int64_t>(128.0 / static_cast<double>(scale));
      ca.acc = cb.acc = rng.between(-limit, limit);
      if (!in_domain(a, ca) || !in_domain(b, cb)) continue;
      ++sum.compared;
      if (apply_recipe(ca.acc, a.recipe, ca.channel) != apply_recipe(cb.acc, b.recipe, cb.channel)) ++sum.differ;
    }
    return sum;
  };
  return tbb::parallel_reduce(tbb::blocked_range<std::int64_t>(0, samples), Disagreement{}, one_block,
                              [](Disagreement x, const Disagreement& y) {
                                x.compared += y.compared;
                                x.differ += y.differ;
                                return x;
                              });
}

}  // namespace

Disagreement measure_disagreement(const Profile& a, const Profile& b, ScaleRange range, std::int64_t samples,
                                  std::uint64_t seed) {
  return measure(a, b, samples, seed, [range](CaseRandom& rng) { return draw_scale(rng, range); });
}

Disagreement measure_at_shift(const Profile& a, const Profile& b, int right_shift, std::int64_t samples,
                              std::uint64_t seed) {
  return measure(a, b, samples, seed, [right_shift](CaseRandom& rng) {
    const std::int64_t mantissa = rng.between(1 << 23, (1 << 24) - 1);
    return std::ldexp(static_cast<float>(mantissa), -24 - right_shift);
  });
}

}  // namespace obz
