#include "golden/cases/coverage.hpp"

#include <algorithm>

#include "ref/arith/apply.hpp"

namespace obz {
namespace {

/// -1 below half, 0 exactly half, 1 above: of p / 2^shift.
int against_half(std::int64_t p, int shift) {
  if (shift == 0) return -1;
  const auto fraction = static_cast<std::uint64_t>(p) & ((std::uint64_t{1} << shift) - 1);
  const std::uint64_t half = std::uint64_t{1} << (shift - 1);
  return fraction < half ? -1 : fraction > half ? 1 : 0;
}

}  // namespace

std::vector<std::pair<std::string, std::int64_t>> count_events(const Profile& profile, IntType out,
                                                               std::span<const RequantCase> cases) {
  std::vector<std::pair<std::string, std::int64_t>> events;
  const auto add = [&](const char* name, auto&& holds) {
    events.emplace_back(name, std::count_if(cases.begin(), cases.end(), holds));
  };
  const Recipe& r = profile.recipe;
  const auto unclamped = [&](const RequantCase& c) {
    Channel wide = c.channel;
    wide.lo = kInt32.min();
    wide.hi = kInt32.max();
    return apply_recipe(c.acc, r, wide);
  };
  if (profile.is_dyadic()) {
    const auto last_is_tie = [&](const RequantCase& c) {
      const RequantTrace t = trace_requantize(c.acc, r, c.channel);
      const int shift = r.first_bits > 0 ? std::max(0, c.channel.shift - r.first_bits) : c.channel.shift;
      return shift > 0 && against_half(t.first, shift) == 0;
    };
    add("tie, positive", [&](const RequantCase& c) { return last_is_tie(c) && c.acc > 0; });
    add("tie, negative", [&](const RequantCase& c) { return last_is_tie(c) && c.acc < 0; });
    if (r.first_bits > 0) {
      add("tie of the first stage", [&](const RequantCase& c) {
        return against_half(trace_requantize(c.acc, r, c.channel).product, r.first_bits) == 0;
      });
      add("left shift", [&](const RequantCase& c) { return c.channel.shift < r.first_bits; });
    }
    std::int64_t lo = INT64_MAX, hi = 0;
    for (const RequantCase& c : cases) {
      lo = std::min(lo, c.channel.multiplier);
      hi = std::max(hi, c.channel.multiplier);
    }
    add("smallest multiplier", [&](const RequantCase& c) { return c.channel.multiplier == lo; });
    add("largest multiplier", [&](const RequantCase& c) { return c.channel.multiplier == hi; });
    add("multiplier 2^31", [](const RequantCase& c) { return c.channel.multiplier == std::int64_t{1} << 31; });
    add("power-of-two multiplier",
        [](const RequantCase& c) { return (c.channel.multiplier & (c.channel.multiplier - 1)) == 0; });
    int least = 63, most = 0;
    for (const RequantCase& c : cases) {
      least = std::min<int>(least, c.channel.shift);
      most = std::max<int>(most, c.channel.shift);
    }
    add("smallest shift", [&](const RequantCase& c) { return c.channel.shift == least; });
    add("largest shift", [&](const RequantCase& c) { return c.channel.shift == most; });
  }
  add("clamped below", [&](const RequantCase& c) { return unclamped(c) < c.channel.lo; });
  add("clamped above", [&](const RequantCase& c) { return unclamped(c) > c.channel.hi; });
  add("at the lower clamp", [&](const RequantCase& c) { return unclamped(c) == c.channel.lo; });
  add("at the upper clamp", [&](const RequantCase& c) { return unclamped(c) == c.channel.hi; });
  add("zero point odd", [](const RequantCase& c) { return (c.channel.zero_point & 1) != 0; });
  add("zero point at a rail",
      [&](const RequantCase& c) { return c.channel.zero_point == out.min() || c.channel.zero_point == out.max(); });
  add("accumulator at a 32-bit rail",
      [](const RequantCase& c) { return c.acc == kInt32.min() || c.acc == kInt32.max(); });
  add("accumulator beyond 24 bits", [](const RequantCase& c) { return c.acc >= 1 << 24 || c.acc < -(1 << 24); });
  return events;
}

}  // namespace obz
