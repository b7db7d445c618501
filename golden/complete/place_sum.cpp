#include "golden/complete/place_sum.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>

namespace obz {
namespace {

/// Taps by weight: what can make up a rest.
using ByWeight = std::map<std::int64_t, std::vector<std::size_t>>;

bool fits(std::int64_t v, std::int64_t lo, std::int64_t hi) { return v >= lo && v <= hi; }

/// One tap that takes the whole rest.
bool finish_with_one(const ByWeight& taps, std::span<std::int64_t> values, std::int64_t lo, std::int64_t hi,
                     std::int64_t rest, std::size_t except) {
  if (rest == 0) return true;
  for (const auto& [weight, where] : taps) {
    if (weight == 0 || rest % weight != 0) continue;
    for (const std::size_t t : where) {
      if (t == except || !fits(values[t] + rest / weight, lo, hi)) continue;
      values[t] += rest / weight;
      return true;
    }
  }
  return false;
}

}  // namespace

bool place_sum(std::span<const Tap> taps, std::span<std::int64_t> values, std::int64_t lo, std::int64_t hi,
               std::int64_t target, CaseRandom& rng) {
  std::int64_t rest = target, least = 0, most = 0;
  for (std::size_t t = 0; t < taps.size(); ++t) {
    const std::int64_t w = taps[t].weight;
    rest -= w * values[t];
    least += w * (w > 0 ? lo : hi);
    most += w * (w > 0 ? hi : lo);
  }
  if (target < least || target > most) return false;
  // Large weights first on half of the calls, any order on the others: both few and varied taps move.
  std::vector<std::size_t> order(taps.size());
  for (std::size_t t = 0; t < order.size(); ++t) order[t] = t;
  for (std::size_t t = order.size(); t > 1; --t) {
    std::swap(order[t - 1], order[static_cast<std::size_t>(rng.between(0, static_cast<std::int64_t>(t) - 1))]);
  }
  if (rng.one_in(2)) {
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return std::abs(taps[a].weight) > std::abs(taps[b].weight); });
  }
  const auto reduce = [&] {
    for (const std::size_t t : order) {
      const std::int64_t w = taps[t].weight;
      if (w == 0 || std::abs(rest) < std::abs(w)) continue;
      const std::int64_t moved = std::clamp(values[t] + rest / w, lo, hi) - values[t];
      values[t] += moved;
      rest -= w * moved;
    }
  };
  reduce();
  ByWeight by_weight;
  for (const std::size_t t : order) by_weight[taps[t].weight].push_back(t);
  constexpr std::size_t none = SIZE_MAX;
  if (finish_with_one(by_weight, values, lo, hi, rest, none)) return true;
  // Two taps: move one by a little, and look for another that takes what is then left.
  constexpr int tries = 4000, reach = 12;
  for (int i = 0; i < tries; ++i) {
    const auto t = static_cast<std::size_t>(rng.between(0, static_cast<std::int64_t>(taps.size()) - 1));
    const std::int64_t delta = rng.between(-reach, reach);
    if (!fits(values[t] + delta, lo, hi)) continue;
    values[t] += delta;
    if (finish_with_one(by_weight, values, lo, hi, rest - taps[t].weight * delta, t)) return true;
    values[t] -= delta;
    constexpr int shake_every = 500;
    if (i % shake_every != shake_every - 1) continue;
    // Stuck: another starting point.
    const std::int64_t moved = std::clamp(values[t] + rng.between(-64, 64), lo, hi) - values[t];
    values[t] += moved;
    rest -= taps[t].weight * moved;
    reduce();
  }
  return false;
}

}  // namespace obz
