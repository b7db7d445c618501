#include "golden/complete.hpp"

#include <algorithm>
#include <bit>
#include <set>

#include <fmt/format.h>

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

/// Half way between two outputs of a right shift, and one unit of the product on either side.
void add_ties(const Channel& c, int shift, AccRange range, std::set<std::int64_t>& points) {
  if (shift < 1 || c.multiplier == 0) return;
  const std::int64_t half = std::int64_t{1} << (shift - 1);
  constexpr int most = 8;
  for (const std::int64_t d : {-1, 0, 1}) {
    for (const std::int64_t x : solve_residue(c.multiplier, c.addend, shift, half + d, range, most)) points.insert(x);
  }
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
    add_ties(c, channel.shift, *defined, directed);
    if (first > 0 && channel.shift > first) add_ties(c, first, *defined, directed);
  }
  for (std::int64_t bit = 1; bit > 0 && bit <= std::max(std::abs(defined->lo), defined->hi); bit <<= 1) {
    for (const std::int64_t x : {bit - 1, bit, bit + 1, -bit - 1, -bit, 1 - bit}) directed.insert(x);
  }
  directed.insert({-1, 0, 1});
  for (const std::int64_t x : needed) directed.erase(x);

  const auto append = [&](std::int64_t x) { cases.push_back({x, channel}); };
  std::for_each(needed.begin(), needed.end(), append);
  for (const std::int64_t x : directed) {
    if (x < defined->lo || x > defined->hi) continue;
    append(x);
    ++certificate.directed;
  }
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
