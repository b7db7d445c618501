#include "golden/complete/complete.hpp"

#include <algorithm>
#include <bit>
#include <set>

#include <fmt/format.h>

#include "ref/arith/apply.hpp"
#include "ref/base/error.hpp"

namespace obz {
namespace {

__extension__ using Wide = __int128;

/// Inverse of an odd number modulo 2^64: each step doubles the correct bits, 3 to begin with.
std::uint64_t inverse_of_odd(std::uint64_t m) {
  std::uint64_t x = m * 3 ^ 2;
  for (int i = 0; i < 4; ++i) x *= 2 - m * x;
  return x;
}

/// The accumulators that no clamp hides, as far as they lie in `range`; `range` when there are none.
AccRange unclamped(const Channel& c, AccRange range) {
  if (c.multiplier <= 0) return range;
  const auto at = [&](std::int64_t out) {
    const Wide x = ((static_cast<Wide>(out - c.zero_point) << c.shift) - c.addend) / c.multiplier;
    return static_cast<std::int64_t>(x < range.lo ? range.lo : x > range.hi ? range.hi : x);
  };
  const AccRange seen{at(c.lo), at(c.hi)};
  return seen.hi > seen.lo ? seen : range;
}

/// Where a last stage of this rounding changes its mind: at a half, or at whole numbers.
std::int64_t boundary(Rounding rounding, int shift) {
  return rounding == Rounding::floor || rounding == Rounding::trunc ? 0 : std::int64_t{1} << (shift - 1);
}

/// A rounding that treats the boundary itself by sign or parity: one bit more or less in the product decides there.
bool minds_the_boundary(Rounding rounding) { return rounding != Rounding::floor && rounding != Rounding::half_up; }

/// The boundary of a right shift, one unit of the product on either side, and each single bit beyond it where that
/// matters.
/// `early_zero_point`: joins before the rounding, so signs and parities are those of the sum.
void add_ties(const Channel& c, int shift, Rounding rounding, AccRange range, std::int64_t early_zero_point,
              std::set<std::int64_t>& points) {
  if (shift < 1 || c.multiplier == 0) return;
  const std::int64_t at = boundary(rounding, shift);
  // Both signs of what is rounded: on either side of where it is 0.
  const Wide zero = -(static_cast<Wide>(early_zero_point) << shift) / c.multiplier;
  const auto middle = static_cast<std::int64_t>(zero < range.lo ? range.lo : zero > range.hi ? range.hi : zero);
  const auto add = [&](std::int64_t d, int most) {
    for (const AccRange side : {AccRange{range.lo, middle - 1}, AccRange{middle, range.hi}}) {
      if (side.lo > side.hi) continue;
      for (const std::int64_t x : solve_residue(c.multiplier, c.addend, shift, at + d, side, most)) points.insert(x);
    }
  };
  constexpr int most = 4, most_per_bit = 2;
  for (const std::int64_t d : {-1, 0, 1}) add(d, most);
  for (int bit = 1; minds_the_boundary(rounding) && bit < shift; ++bit) {
    add(std::int64_t{1} << bit, most_per_bit);
    add(-(std::int64_t{1} << bit), most_per_bit);
  }
}

/// Accumulators at which the scaled value, with and without the zero point, reaches a power of two: where registers
/// behind the multiplier end.
void add_registers(const Channel& c, AccRange range, std::set<std::int64_t>& points) {
  if (c.multiplier <= 0) return;
  constexpr int widest = 40;
  for (int bit = 0; bit <= widest; ++bit) {
    for (const std::int64_t sign : {-1, 1}) {
      for (const std::int64_t zero_point : {std::int64_t{0}, std::int64_t{c.zero_point}}) {
        const Wide scaled = static_cast<Wide>(sign * (std::int64_t{1} << bit) - zero_point) << c.shift;
        const Wide x = (scaled - c.addend) / c.multiplier;
        for (const Wide near : {x - 1, x, x + 1}) {
          if (near >= range.lo && near <= range.hi) points.insert(static_cast<std::int64_t>(near));
        }
      }
    }
  }
}

/// The first case of a channel is the one that a device with a late channel index answers with the numbers of the
/// channel before: puts one there on which that shows, all of them or only multiplier and shift taken from before.
void lead_with_a_difference(const Profile& profile, std::vector<RequantCase>& cases, std::size_t first) {
  const Channel before = cases[first - 1].channel, own = cases[first].channel;
  Channel mixed = own;
  mixed.multiplier = before.multiplier;
  mixed.shift = before.shift;
  mixed.scale = before.scale;
  const auto differences = [&](std::int64_t acc) {
    const std::int64_t want = apply_recipe(acc, profile.recipe, own);
    const auto shows = [&](const Channel& c) {
      return in_domain(profile, {acc, c}) && apply_recipe(acc, profile.recipe, c) != want;
    };
    return (shows(before) ? 1 : 0) + (shows(mixed) ? 1 : 0);
  };
  std::size_t best = first;
  int most = differences(cases[first].acc);
  for (std::size_t i = first + 1; i < cases.size() && most < 2; ++i) {
    const int d = differences(cases[i].acc);
    if (d <= most) continue;
    most = d;
    best = i;
  }
  const auto at = [&](std::size_t i) { return cases.begin() + static_cast<std::ptrdiff_t>(i); };
  std::rotate(at(first), at(best), at(best + 1));
}

}  // namespace

std::vector<std::int64_t> solve_residue(std::int64_t multiplier, std::int64_t addend, int shift, std::int64_t remainder,
                                        AccRange range, int most) {
  std::vector<std::int64_t> found;
  if (shift < 0 || shift > 62 || multiplier == 0) return found;
  // x * m = r (mod 2^s): with m = odd * 2^t a solution needs 2^t | r, and then x is unique modulo 2^(s - t).
  const auto m = static_cast<std::uint64_t>(multiplier);
  const std::uint64_t mask = (std::uint64_t{1} << shift) - 1;
  const std::uint64_t r = (static_cast<std::uint64_t>(remainder) - static_cast<std::uint64_t>(addend)) & mask;
  const int twos = std::min(std::countr_zero(m), shift);
  if ((r & ((std::uint64_t{1} << twos) - 1)) != 0) return found;
  const int period_bits = shift - twos;
  const std::uint64_t x0 = ((r >> twos) * inverse_of_odd(m >> twos)) & ((std::uint64_t{1} << period_bits) - 1);
  // Outwards from zero: x0, x0 - period, x0 + period, ...
  const Wide period = Wide{1} << period_bits;
  Wide up = static_cast<Wide>(x0), down = static_cast<Wide>(x0) - period;
  while (static_cast<int>(found.size()) < most && (up <= range.hi || down >= range.lo)) {
    const bool take_up = up <= range.hi && (down < range.lo || up <= -down);
    const Wide x = take_up ? up : down;
    (take_up ? up : down) += take_up ? period : -period;
    if (x >= range.lo && x <= range.hi) found.push_back(static_cast<std::int64_t>(x));
  }
  return found;
}

void append_complete(const Profile& profile, const Channel& channel, AccRange range, std::vector<RequantCase>& cases,
                     Certificate& certificate) {
  const auto defined = monotone_range(profile, channel, range);
  if (!defined) {
    throw Error(
        fmt::format("{}: multiplier {} shift {} zero point {} is outside the profile's domain even at the "
                    "accumulator nearest zero",
                    profile.id, channel.multiplier, channel.shift, channel.zero_point));
  }
  const Staircase stairs = staircase(profile.recipe, channel, *defined);
  const std::vector<std::int64_t> needed = determining_points(stairs);
  std::set<std::int64_t> directed;
  if (profile.is_dyadic()) {
    const int first = profile.recipe.first_bits;
    Channel c = channel;
    if (profile.recipe.zero_point == ZeroPointAt::before_scaling) c.addend += c.zero_point * c.multiplier;
    const std::int64_t early =
        profile.recipe.zero_point == ZeroPointAt::before_rounding ? std::int64_t{c.zero_point} : 0;
    const AccRange seen = unclamped(channel, *defined);
    add_ties(c, channel.shift, profile.recipe.rounding, seen, early, directed);
    if (first > 0 && channel.shift > first) add_ties(c, first, profile.recipe.first_rounding, seen, 0, directed);
    add_registers(c, *defined, directed);
  }
  for (std::int64_t bit = 1; bit > 0 && bit <= std::max(std::abs(defined->lo), defined->hi); bit <<= 1) {
    for (const std::int64_t x : {bit - 1, bit, bit + 1, -bit - 1, -bit, 1 - bit}) directed.insert(x);
  }
  directed.insert({-1, 0, 1});
  for (const std::int64_t x : needed) directed.erase(x);

  const std::size_t first = cases.size();
  const auto append = [&](std::int64_t x) { cases.push_back({x, channel}); };
  std::for_each(needed.begin(), needed.end(), append);
  for (const std::int64_t x : directed) {
    if (x < defined->lo || x > defined->hi) continue;
    append(x);
    ++certificate.directed;
  }
  if (first > 0) lead_with_a_difference(profile, cases, first);
  ++certificate.channels;
  certificate.steps += static_cast<std::int64_t>(stairs.steps.size());
  certificate.determining += static_cast<std::int64_t>(needed.size());
  certificate.narrowed += *defined == range ? 0 : 1;
}

std::vector<RequantCase> complete_cases(const Profile& profile, const std::vector<Channel>& channels, AccRange range,
                                        Certificate& certificate) {
  certificate.range = range;
  std::vector<RequantCase> cases;
  for (const Channel& c : channels) append_complete(profile, c, range, cases, certificate);
  return cases;
}

}  // namespace obz
