#include "golden/complete/staircase.hpp"

#include <algorithm>

#include "golden/cases/requant_case.hpp"
#include "ref/arith/apply.hpp"
#include "ref/base/error.hpp"

namespace obz {
namespace {

/// True when no register of the recipe changes a value by wrapping: the trace equals that of registers without end.
bool registers_hold(const Recipe& r, const Channel& c, std::int64_t acc) {
  if (r.arithmetic != Arithmetic::dyadic) return true;  // float recipes have no integer registers before the clamp
  Recipe endless = r;
  endless.product_bits = 64;
  const auto unless_saturating = [](Overflow o) { return o == Overflow::saturate ? o : Overflow::exact; };
  endless.left_overflow = unless_saturating(r.left_overflow);
  endless.first_overflow = unless_saturating(r.first_overflow);
  endless.scaled_overflow = unless_saturating(r.scaled_overflow);
  const RequantTrace a = trace_requantize(acc, r, c), b = trace_requantize(acc, endless, c);
  return a.input == b.input && a.product == b.product && a.first == b.first && a.scaled == b.scaled && a.sum == b.sum;
}

/// The value of [lo, hi] farthest from `from` in the direction of `to` up to which `holds` stays true. `holds` is true
/// at `from` and false from some point on.
template <class Predicate>
std::int64_t farthest(std::int64_t from, std::int64_t to, Predicate&& holds) {
  if (holds(to)) return to;
  std::int64_t good = from, bad = to;
  while (bad - good > 1 || good - bad > 1) {
    const std::int64_t mid = good + (bad - good) / 2;
    (holds(mid) ? good : bad) = mid;
  }
  return good;
}

void descend(const Recipe& r, const Channel& c, std::int64_t lo, std::int64_t at_lo, std::int64_t hi,
             std::int64_t at_hi, std::vector<Step>& steps) {
  if (at_lo == at_hi) return;
  if (hi - lo == 1) {
    steps.push_back({hi, at_lo, at_hi});
    return;
  }
  const std::int64_t mid = lo + (hi - lo) / 2;
  const std::int64_t at_mid = apply_recipe(mid, r, c);
  descend(r, c, lo, at_lo, mid, at_mid, steps);
  descend(r, c, mid, at_mid, hi, at_hi, steps);
}

}  // namespace

std::optional<AccRange> monotone_range(const Profile& profile, const Channel& channel, AccRange range) {
  OBZ_CHECK(range.lo <= range.hi);
  const auto holds = [&](std::int64_t acc) {
    return in_domain(profile, {acc, channel}) && registers_hold(profile.recipe, channel, acc);
  };
  const std::int64_t origin = std::clamp<std::int64_t>(0, range.lo, range.hi);
  if (!holds(origin)) return std::nullopt;
  return AccRange{farthest(origin, range.lo, holds), farthest(origin, range.hi, holds)};
}

Staircase staircase(const Recipe& recipe, const Channel& channel, AccRange range) {
  Staircase s{range, apply_recipe(range.lo, recipe, channel), {}};
  descend(recipe, channel, range.lo, s.first, range.hi, apply_recipe(range.hi, recipe, channel), s.steps);
  return s;
}

Difference difference(const Staircase& a, const Staircase& b) {
  OBZ_CHECK(a.range == b.range);
  Difference d;
  std::int64_t at = a.range.lo, va = a.first, vb = b.first;
  std::size_t ia = 0, ib = 0;
  while (true) {
    // [at, next) is a stretch without steps of either.
    std::int64_t last = a.range.hi;
    if (ia < a.steps.size()) last = std::min(last, a.steps[ia].at - 1);
    if (ib < b.steps.size()) last = std::min(last, b.steps[ib].at - 1);
    if (va != vb) {
      const std::int64_t nearest = std::clamp<std::int64_t>(0, at, last);
      if (d.count == 0 || std::abs(nearest) < std::abs(d.at)) d.at = nearest;
      d.count += last - at + 1;
    }
    if (last == a.range.hi) return d;
    at = last + 1;
    if (ia < a.steps.size() && a.steps[ia].at == at) va = a.steps[ia++].above;
    if (ib < b.steps.size() && b.steps[ib].at == at) vb = b.steps[ib++].above;
  }
}

std::vector<std::int64_t> determining_points(const Staircase& s) {
  std::vector<std::int64_t> points{s.range.lo, s.range.hi};
  for (const Step& step : s.steps) {
    points.push_back(step.at - 1);
    points.push_back(step.at);
  }
  std::sort(points.begin(), points.end());
  points.erase(std::unique(points.begin(), points.end()), points.end());
  return points;
}

}  // namespace obz
