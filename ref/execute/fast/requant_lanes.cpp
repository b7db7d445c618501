// The proofs. `bound` and everything derived from it are magnitudes: |value| <= bound.
#include "ref/execute/fast/requant_lanes.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

#include "ref/arith/apply.hpp"

namespace obz::fast {
namespace {

constexpr std::uint64_t kTop = std::uint64_t{1} << 63;
constexpr std::uint64_t kInt32Max = (std::uint64_t{1} << 31) - 1;

std::uint64_t magnitude(std::int64_t v) {
  return v < 0 ? ~static_cast<std::uint64_t>(v) + 1 : static_cast<std::uint64_t>(v);
}

/// True when a register of this width holds every |value| <= bound, so that nothing wraps or saturates.
bool fits(std::uint64_t bound, int bits, Overflow overflow = Overflow::wrap) {
  return overflow == Overflow::exact || bits == 64 || bound <= (std::uint64_t{1} << (bits - 1)) - 1;
}

/// 0 or 2^(shift-1): what half_up adds, and the most that any mode but trunc adds.
std::uint64_t half_of(int shift) { return shift == 0 ? 0 : std::uint64_t{1} << (shift - 1); }

/// The tail that the dyadic forms share: scaled value and zero point in their register, then the clamp.
bool fill_tail(RequantLanes& l, std::int64_t i, const Recipe& r, const Channel& c, std::uint64_t scaled) {
  const std::int64_t zero_point = r.zero_point == ZeroPointAt::after_rounding ? c.zero_point : 0;
  const std::uint64_t sum = scaled + magnitude(zero_point);
  if (sum > kInt32Max || !fits(sum, r.scaled_bits, r.scaled_overflow) || !kInt32.holds(c.lo) || !kInt32.holds(c.hi))
    return false;
  l.after[i] = static_cast<std::int32_t>(zero_point);
  l.lo[i] = static_cast<std::int32_t>(c.lo);
  l.hi[i] = static_cast<std::int32_t>(c.hi);
  return true;
}

void fill_product(RequantLanes& l, std::int64_t i, std::int64_t multiplier, std::int64_t addend, int shift,
                  Rounding mode) {
  const std::uint64_t tie = shift == 0 ? 0 : 1;
  l.multiplier[i] = multiplier;
  l.addend[i] = static_cast<std::uint64_t>(addend);
  l.shift[i] = static_cast<std::uint64_t>(shift);
  l.offset[i] = kTop;
  l.nudge[i] = 0;
  switch (mode) {
    case Rounding::floor: break;
    case Rounding::trunc: l.nudge[i] = tie * ((std::uint64_t{1} << shift) - 1); break;
    case Rounding::half_up: l.offset[i] += half_of(shift); break;
    case Rounding::half_away:
      l.offset[i] += half_of(shift);
      l.nudge[i] = 0 - tie;
      break;
    case Rounding::half_even:
      l.offset[i] += half_of(shift) - tie;
      l.nudge[i] = tie;
      break;
  }
}

bool fill_one_stage(RequantLanes& l, std::int64_t i, const Recipe& r, const Channel& c, std::uint64_t bound) {
  // (acc + zp) * m + addend = acc * m + (zp * m + addend)
  std::int64_t addend = c.addend;
  if (r.zero_point == ZeroPointAt::before_scaling) addend += c.zero_point * c.multiplier;
  const std::uint64_t product = bound * magnitude(c.multiplier) + magnitude(addend);
  if (product + half_of(c.shift) >= kTop || !fits(product, r.product_bits)) return false;
  const std::uint64_t scaled = (product >> c.shift) + 1;
  if (scaled > kInt32Max || !fill_tail(l, i, r, c, scaled)) return false;
  fill_product(l, i, c.multiplier, addend, c.shift, r.rounding);
  const auto undo = static_cast<std::uint32_t>(kTop >> c.shift);
  l.after[i] = static_cast<std::int32_t>(static_cast<std::uint32_t>(l.after[i]) - undo);
  return true;
}

bool fill_two_stage(RequantLanes& l, std::int64_t i, const Recipe& r, const Channel& c, std::uint64_t bound) {
  if (r.zero_point == ZeroPointAt::before_scaling && c.zero_point != 0) return false;
  const int left = c.shift < r.first_bits ? r.first_bits - c.shift : 0;
  const int right = c.shift > r.first_bits ? c.shift - r.first_bits : 0;
  if (left > 31 || right > 31) return false;
  if (bound << left > kInt32Max) {  // leaves the register: shifting 32-bit lanes wraps, and does nothing else
    if (left > 0 && r.left_overflow != Overflow::wrap) return false;
    bound = kInt32Max + 1;
  } else {
    bound <<= left;
  }
  const std::uint64_t product = bound * magnitude(c.multiplier) + magnitude(c.addend);
  if (product + half_of(r.first_bits) >= kTop || !fits(product, r.product_bits)) return false;
  const std::uint64_t first = (product + half_of(r.first_bits)) >> r.first_bits;
  if (first > kInt32Max || !fill_tail(l, i, r, c, (first >> right) + (right > 0 ? 1 : 0))) return false;
  fill_product(l, i, c.multiplier, c.addend, r.first_bits, Rounding::half_up);
  l.left[i] = left;
  l.right[i] = right;
  l.mask[i] = static_cast<std::int32_t>((std::uint32_t{1} << right) - 1);
  return true;
}

bool fill_float32(RequantLanes& l, std::int64_t i, const Recipe& r, const Channel& c) {
  constexpr std::int64_t exact_in_float = 1 << 24;
  const bool early = r.zero_point == ZeroPointAt::before_rounding;
  const std::int64_t late = early ? 0 : c.zero_point, lowest = c.lo - late, highest = c.hi - late;
  const auto scale = static_cast<float>(c.scale);
  if (!std::isfinite(scale) || lowest < -exact_in_float || highest > exact_in_float) return false;
  l.scale[i] = scale;
  l.early[i] = early ? static_cast<float>(c.zero_point) : 0.0F;
  l.lowest[i] = static_cast<float>(lowest);
  l.highest[i] = static_cast<float>(highest);
  l.after[i] = static_cast<std::int32_t>(late);
  return true;
}

/// Whether the recipe rises with the accumulator. Where fill_lane() accepted the channel, only a left shift can wrap.
bool rises(const Recipe& r, const Channel& c, std::uint64_t bound) {
  if (r.arithmetic == Arithmetic::float32_scale) return c.scale > 0;
  const int left = std::max(r.first_bits - c.shift, 0);
  return c.multiplier > 0 && (r.first_bits == 0 || bound << left <= kInt32Max);
}

/// The staircase of the vector code, step by step the same operations.
struct Stairs {
  float scale = 0, above = 0, below = 0;
  std::int32_t after = 0;

  std::int64_t operator()(std::int64_t acc) const {
    const float real = static_cast<float>(static_cast<std::int32_t>(acc)) * scale + (acc < 0 ? below : above);
    const auto bits = static_cast<std::uint32_t>(std::bit_cast<std::int32_t>(real + kRoundToInteger));
    return static_cast<std::int32_t>(bits + static_cast<std::uint32_t>(after));
  }
};

/// Accumulators at which the staircases differ, and by how much.
struct Strays {
  int count = 0;
  std::int32_t acc[kStrays] = {}, missing[kStrays] = {};

  bool add(std::int64_t at, std::int32_t by) {
    for (int i = 0; i < count; ++i) {
      if (acc[i] == at) return missing[i] += by, true;
    }
    if (count == kStrays) return false;
    acc[count] = static_cast<std::int32_t>(at);
    missing[count++] = by;
    return true;
  }
};

/// The accumulators that occur, and the least of them that reaches each output above the lowest.
struct Steps {
  std::int64_t first = 0, last = 0;  ///< accumulators
  std::int64_t lo = 0;
  std::vector<std::int64_t> at;  ///< of lo + 1, lo + 2, ...; last + 1: none does
};

/// `guess` maps an output to about where its step is.
template <class Guess>
Steps steps_of(const Recipe& r, const Channel& c, std::int64_t bound, const Guess& guess) {
  Steps s{-bound, bound, c.lo, {}};
  const auto reaches = [&](std::int64_t acc, std::int64_t y) { return apply_recipe(acc, r, c) >= y; };
  for (std::int64_t y = c.lo + 1; y <= c.hi; ++y) {
    // Doubling strides from the guess find an interval with the step in it, halving finds the step.
    std::int64_t at = std::clamp(guess(y), s.first, s.last), below = at, stride = 1;
    if (reaches(at, y)) {
      while (at > s.first && reaches(below = std::max(at - stride, s.first), y)) at = below, stride *= 2;
      if (at == s.first) below = s.first - 1;
    } else {
      while (at <= s.last && !reaches(at, y))
        below = at, at = at == s.last ? at + 1 : std::min(at + stride, s.last), stride *= 2;
    }
    while (at - below > 1) {
      const std::int64_t middle = below + (at - below) / 2;
      (reaches(middle, y) ? at : below) = middle;
    }
    s.at.push_back(at);
  }
  return s;
}

/// Offsets worth a try, for accumulators >= 0 and < 0: what a first rounding amounts to, and what takes the float32
/// rounding, nearest and ties to even, to another mode. `little` is less than the distance of two accumulators.
std::vector<std::pair<double, double>> offsets_of(Rounding mode, double half, double little) {
  std::vector<std::pair<double, double>> offsets{{half, half}};  // the same on both sides is quicker
  if (half > 0) offsets.emplace_back(half, -half);
  switch (mode) {
    case Rounding::floor: offsets.emplace_back(little - 0.5, little - 0.5); break;
    case Rounding::trunc: offsets.emplace_back(little - 0.5, 0.5 - little); break;
    case Rounding::half_up: offsets.emplace_back(little, little); break;
    case Rounding::half_away: offsets.emplace_back(little, -little); break;
    case Rounding::half_even: break;
  }
  return offsets;
}

/// Where these stairs differ from the steps; nullopt: at too many accumulators.
std::optional<Strays> strays_of(const Stairs& stairs, const Steps& steps) {
  Strays strays;
  std::int64_t y = steps.lo;
  for (const std::int64_t at : steps.at) {
    ++y;
    for (std::int64_t acc = at - 1; acc >= steps.first && stairs(acc) >= y; --acc) {
      if (!strays.add(acc, -1)) return std::nullopt;
    }
    for (std::int64_t acc = at; acc <= steps.last && stairs(acc) < y; ++acc) {
      if (!strays.add(acc, 1)) return std::nullopt;
    }
  }
  return strays;
}

}  // namespace

bool fill_stairs(RequantLanes& lanes, std::int64_t i, const Recipe& r, const Channel& c, std::uint64_t bound) {
  constexpr double room = 1 << 21;  // keeps float(acc) * scale + 1.5 * 2^23 where a unit is the last bit
  const bool is_float = r.arithmetic == Arithmetic::float32_scale;
  if (bound > kInt32Max || c.hi - c.lo > UINT8_MAX || !kInt32.holds(c.lo) || !kInt32.holds(c.hi)) return false;
  if (!rises(r, c, bound) || std::abs(c.zero_point) > 1 << 20) return false;
  const double real = is_float ? c.scale : std::ldexp(static_cast<double>(c.multiplier), -c.shift);
  if (!(real > 0) || real * static_cast<double>(bound) >= room) return false;
  const auto guess = [&](std::int64_t y) {
    return static_cast<std::int64_t>(std::clamp((static_cast<double>(y - c.zero_point) - 0.5) / real, -4e9, 4e9));
  };
  const Steps steps = steps_of(r, c, static_cast<std::int64_t>(bound), guess);
  const auto unbias = -static_cast<std::int64_t>(std::bit_cast<std::int32_t>(kRoundToInteger));
  const bool twice = !is_float && r.first_bits > 0 && c.shift > r.first_bits;
  const double half = twice ? std::ldexp(0.5, r.first_bits - c.shift) : 0;
  std::optional<Strays> best;
  Stairs chosen;
  for (const auto& [above, below] : offsets_of(r.rounding, half, real / 4)) {
    for (const int ulps : {0, 1, -1, 2, -2}) {
      Stairs stairs{static_cast<float>(real), static_cast<float>(above), static_cast<float>(below),
                    static_cast<std::int32_t>(unbias + c.zero_point)};
      for (int k = 0; k < std::abs(ulps); ++k) stairs.scale = std::nextafter(stairs.scale, ulps > 0 ? 1e9F : 0.0F);
      const auto strays = strays_of(stairs, steps);
      if (strays && (!best || strays->count < best->count)) {
        best = strays;
        chosen = stairs;
      }
      if (best && best->count == 0) break;
    }
    if (best && best->count == 0) break;
  }
  if (!best) return false;
  lanes.scale[i] = chosen.scale;
  lanes.above[i] = chosen.above;
  lanes.below[i] = chosen.below;
  lanes.has_offset = lanes.has_offset || chosen.above != 0 || chosen.below != 0;
  lanes.has_sides = lanes.has_sides || chosen.above != chosen.below;
  lanes.after[i] = chosen.after;
  lanes.lo[i] = static_cast<std::int32_t>(c.lo);
  lanes.hi[i] = static_cast<std::int32_t>(c.hi);
  lanes.strays = std::max(lanes.strays, best->count);
  for (int k = 0; k < kStrays; ++k) {
    lanes.stray[k][i] = best->acc[k];
    lanes.correction[k][i] = best->missing[k];
  }
  return true;
}

std::optional<RequantForm> vector_form(const Recipe& r) {
  if (r.arithmetic == Arithmetic::float32_scale) return RequantForm::float32;
  if (r.arithmetic != Arithmetic::dyadic || r.zero_point == ZeroPointAt::before_rounding) return std::nullopt;
  if (r.first_bits == 0) return RequantForm::one_stage;
  // Up to 31 bits 2^63 >> first_bits has no low 32 bits, so stage one needs nothing undone.
  if (r.first_bits <= 31 && r.first_rounding == Rounding::half_up) return RequantForm::two_stage;
  return std::nullopt;
}

bool fill_lane(RequantLanes& lanes, std::int64_t i, const Recipe& r, const Channel& c, std::uint64_t bound) {
  constexpr std::uint64_t small = std::uint64_t{1} << 61;  // keeps every sum of magnitudes below inside 64 bits
  if (bound > kInt32Max + 1 || magnitude(c.multiplier) > kInt32Max || magnitude(c.addend) > small) return false;
  switch (lanes.form) {
    case RequantForm::one_stage: return fill_one_stage(lanes, i, r, c, bound);
    case RequantForm::two_stage: return fill_two_stage(lanes, i, r, c, bound);
    case RequantForm::float32: return fill_float32(lanes, i, r, c);
    case RequantForm::stairs: break;
  }
  return false;
}

}  // namespace obz::fast
