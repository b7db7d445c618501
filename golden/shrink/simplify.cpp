#include "golden/shrink/simplify.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace obz {
namespace {

using ChannelTest = std::function<bool(const Channel&)>;

std::uint64_t magnitude(std::int64_t v) {
  return v < 0 ? ~static_cast<std::uint64_t>(v) + 1 : static_cast<std::uint64_t>(v);
}

/// Tries the channel with one field replaced; keeps it when it still fails.
template <class T>
bool try_field(Channel& c, T Channel::*field, T value, const ChannelTest& fails) {
  if (c.*field == value) return false;
  Channel next = c;
  next.*field = value;
  if (!fails(next)) return false;
  c = next;
  return true;
}

template <class T>
void bisect_field(Channel& c, T Channel::*field, T target, const ChannelTest& fails) {
  simplify_towards(c.*field, target, [&](std::int64_t v) { return try_field(c, field, static_cast<T>(v), fails); });
}

/// Clears set bits below the top one: all, then runs of halving length.
void clear_bits(Channel& c, const ChannelTest& fails) {
  const bool negative = c.multiplier < 0;
  const auto with = [&](std::uint64_t m) {
    const auto value = static_cast<std::int64_t>(m);
    return try_field(c, &Channel::multiplier, negative ? -value : value, fails);
  };
  const int top = 63 - std::countl_zero(magnitude(c.multiplier));
  if (top < 1 || with(std::uint64_t{1} << top)) return;
  for (int run = top / 2; run >= 1; run /= 2) {
    for (int bit = 0; bit < top; bit += run) {
      const std::uint64_t m = magnitude(c.multiplier);
      const std::uint64_t mask = ((std::uint64_t{1} << std::min(run, top - bit)) - 1) << bit;
      if ((m & mask) != 0) with(m & ~mask);
    }
  }
}

void simplify_multiplier(Channel& c, const Profile* profile, const ChannelTest& fails) {
  if (c.multiplier == 0) return;
  clear_bits(c, fails);
  const bool normalised = profile != nullptr && profile->scale.mantissa_bits > 0;
  if (!normalised) {  // the same scale from a shorter multiplier
    const int spare = std::min(std::countr_zero(magnitude(c.multiplier)), c.shift);
    for (int k = spare; k >= 1; k /= 2) {
      Channel next = c;
      next.multiplier >>= k;
      next.shift -= k;
      if (!fails(next)) continue;
      c = next;
      break;
    }
  }
  // A scale of 1 or just below it keeps the other numbers small.
  const int width = 63 - std::countl_zero(magnitude(c.multiplier));
  const int lowest = profile == nullptr ? 0 : std::max<int>(0, profile->scale.min_shift);
  if (c.shift > std::max(width, lowest)) bisect_field(c, &Channel::shift, std::max(width, lowest), fails);
}

void simplify_scale(Channel& c, const ChannelTest& fails) {
  if (c.scale <= 0) return;
  if (try_field(c, &Channel::scale, 1.0, fails) || c.scale == 1.0) return;
  int exponent = 0;
  const double mantissa = std::frexp(c.scale, &exponent);
  for (const int bits : {1, 2, 3, 4, 6, 8, 12, 16}) {
    const double shorter = std::ldexp(std::floor(std::ldexp(mantissa, bits)), exponent - bits);
    if (shorter >= c.scale) return;
    if (try_field(c, &Channel::scale, shorter, fails)) return;
  }
}

}  // namespace

std::int64_t simplify_towards(std::int64_t value, std::int64_t target, const std::function<bool(std::int64_t)>& fails) {
  if (value == target || fails(target)) return target;
  std::int64_t good = target;  // does not fail
  while (magnitude(value - good) > 1) {
    const std::int64_t middle = good + (value - good) / 2;
    if (fails(middle)) {
      value = middle;
    } else {
      good = middle;
    }
  }
  // Failures that follow the low bits, as ties do, are not monotone: fewer high bits, then fewer bits.
  const auto at = [&](std::uint64_t distance) {
    return value < target ? target - static_cast<std::int64_t>(distance) : target + static_cast<std::int64_t>(distance);
  };
  const auto distance = [&] { return magnitude(value - target); };
  for (int bits = 1; bits < 63 && (std::uint64_t{1} << bits) <= distance(); ++bits) {
    const std::uint64_t low = distance() & ((std::uint64_t{1} << bits) - 1);
    if ((low >> (bits - 1)) == 0 || !fails(at(low))) continue;  // the same as with fewer bits
    value = at(low);
    break;
  }
  for (int bit = 63 - std::countl_zero(distance()); bit >= 0; --bit) {
    const std::uint64_t fewer = distance() & ~(std::uint64_t{1} << bit);
    if (fewer == 0 || fewer == distance() || !fails(at(fewer))) continue;
    value = at(fewer);
  }
  return value;
}

Channel simplify_channel(Channel c, const Profile* profile, bool uses_multiplier, IntType out,
                         const ChannelTest& fails) {
  try_field(c, &Channel::lo, out.min(), fails);
  try_field(c, &Channel::hi, out.max(), fails);
  if (uses_multiplier) {
    simplify_multiplier(c, profile, fails);
  } else {
    simplify_scale(c, fails);
  }
  if (c.addend != 0) bisect_field(c, &Channel::addend, std::int64_t{0}, fails);
  if (c.zero_point != 0) bisect_field(c, &Channel::zero_point, 0, fails);
  return c;
}

}  // namespace obz
