#include "golden/explain/theory.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <optional>

#include <fmt/format.h>

namespace obz {
namespace {

/// What the theory multiplies with: the case's numbers or altered ones.
Channel effective(const Theory& t, const Channel& given, const Channel& before) {
  Channel c = given;
  switch (t.multiplier) {
    case MultiplierIs::given:
    case MultiplierIs::float32:
    case MultiplierIs::float64: break;
    case MultiplierIs::rounded_16:
      c.multiplier = std::min<std::int64_t>((c.multiplier + (1 << 15)) >> 16, 0x7FFF);
      c.shift -= 16;
      break;
    case MultiplierIs::truncated_16:
      c.multiplier >>= 16;
      c.shift -= 16;
      break;
    case MultiplierIs::rounded_8: {
      const int width = 64 - std::countl_zero(static_cast<std::uint64_t>(std::max<std::int64_t>(c.multiplier, 1)));
      const int drop = std::max(0, width - 8);
      c.multiplier = shift_right(c.multiplier, drop, Rounding::half_up);
      c.shift -= drop;
      break;
    }
    case MultiplierIs::neighbours:
      c.multiplier = before.multiplier;
      c.shift = before.shift;
      break;
  }
  if (c.shift < 0) {  // a shift register cannot go below zero: the excess joins the multiplier
    c.multiplier <<= -c.shift;
    c.shift = 0;
  }
  c.shift = std::clamp(c.shift + t.extra_shift, 0, 63);
  return c;
}

std::int64_t narrowed(AccumulatorIs how, std::int64_t acc) {
  switch (how) {
    case AccumulatorIs::full: return acc;
    case AccumulatorIs::wraps_24: return wrap(acc, 24);
    case AccumulatorIs::wraps_20: return wrap(acc, 20);
    case AccumulatorIs::wraps_16: return wrap(acc, 16);
    case AccumulatorIs::saturates_24: return narrow(acc, 24, Overflow::saturate);
    case AccumulatorIs::saturates_20: return narrow(acc, 20, Overflow::saturate);
    case AccumulatorIs::saturates_16: return narrow(acc, 16, Overflow::saturate);
  }
  return acc;
}

/// A real number with |x| < 2^62 rounded to an integer.
std::int64_t round_real(double x, Rounding mode) {
  const double q = std::floor(x), fraction = x - q;
  return round_fraction(static_cast<std::int64_t>(q),
                        fraction < 0.5   ? -1
                        : fraction > 0.5 ? 1
                                         : 0,
                        fraction == 0, mode);
}

std::int64_t wrapped(std::int64_t v, IntType out) {
  if (out.is_signed) return wrap(v, out.bits);
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(v) & ((std::uint64_t{1} << out.bits) - 1));
}

Recipe recipe_of(const Theory& t) {
  Recipe r{.rounding = t.rounding};
  if (t.stages != Stages::one) {
    r.first_bits = 31;
    r.first_rounding = t.stages == Stages::two ? Rounding::half_up : Rounding::floor;
    r.first_overflow = Overflow::saturate;
    r.left_overflow = Overflow::wrap;
  }
  if (t.zero_point == ZeroPointIs::before_rounding) r.zero_point = ZeroPointAt::before_rounding;
  if (t.zero_point == ZeroPointIs::before_scaling) r.zero_point = ZeroPointAt::before_scaling;
  return r;
}

/// The scaled value plus zero point, before the clamp.
RequantTrace scaled_and_summed(const Theory& t, std::int64_t acc, Channel c, const Channel& before,
                               std::int64_t& joins) {
  const std::int64_t zp = c.zero_point;
  c = effective(t, c, before);
  c.lo = INT64_MIN / 4;
  c.hi = INT64_MAX / 4;
  joins = t.zero_point == ZeroPointIs::after ? zp : t.zero_point == ZeroPointIs::negated ? -zp : 0;
  if (t.multiplier == MultiplierIs::float32) {
    const float scale = static_cast<float>(std::ldexp(static_cast<double>(c.multiplier), -c.shift));
    float real = static_cast<float>(t.zero_point == ZeroPointIs::before_scaling ? acc + zp : acc) * scale;
    if (t.zero_point == ZeroPointIs::before_rounding) real += static_cast<float>(zp);
    constexpr float reach = 4.6e18F;
    RequantTrace trace;
    trace.scaled = round_real(static_cast<double>(std::clamp(real, -reach, reach)), t.rounding);
    return trace;
  }
  if (t.multiplier == MultiplierIs::float64) {
    const std::int64_t entering = t.zero_point == ZeroPointIs::before_scaling ? acc + zp : acc;
    double real = std::ldexp(static_cast<double>(entering) * static_cast<double>(c.multiplier), -c.shift);
    if (t.zero_point == ZeroPointIs::before_rounding) real += static_cast<double>(zp);
    constexpr double reach = 4.6e18;
    RequantTrace trace;
    trace.scaled = round_real(std::clamp(real, -reach, reach), t.rounding);
    return trace;
  }
  c.zero_point = t.zero_point == ZeroPointIs::before_rounding || t.zero_point == ZeroPointIs::before_scaling
                     ? static_cast<std::int32_t>(zp)
                     : 0;
  return trace_requantize(acc, recipe_of(t), c);
}

template <class E>
constexpr std::array<E, EnumNames<E>::values.size()> all_of() {
  std::array<E, EnumNames<E>::values.size()> all{};
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<E>(i);
  return all;
}

}  // namespace

template <>
struct EnumNames<Stages> {
  static constexpr std::array<std::string_view, 3> values{
      "one rounding", "two roundings (half-up at bit 31, then this)", "two stages (floor at bit 31, then this)"};
};
template <>
struct EnumNames<MultiplierIs> {
  static constexpr std::array<std::string_view, 7> values{"the multiplier given",
                                                          "a multiplier rounded to 16 bits",
                                                          "a multiplier truncated to 16 bits",
                                                          "a multiplier rounded to 8 bits",
                                                          "the multiplier of the case before",
                                                          "a float32 scale",
                                                          "a product kept as float64 (53 bits)"};
};
template <>
struct EnumNames<ZeroPointIs> {
  static constexpr std::array<std::string_view, 5> values{"zero point after rounding", "zero point before rounding",
                                                          "zero point before scaling", "zero point missing",
                                                          "zero point subtracted"};
};
template <>
struct EnumNames<ClampIs> {
  static constexpr std::array<std::string_view, 4> values{"clamp after the zero point", "clamp before the zero point",
                                                          "saturates to the type only", "wraps instead of saturating"};
};
template <>
struct EnumNames<AccumulatorIs> {
  static constexpr std::array<std::string_view, 7> values{"full accumulator",
                                                          "accumulator wraps at 24 bits",
                                                          "accumulator wraps at 20 bits",
                                                          "accumulator wraps at 16 bits",
                                                          "accumulator saturates at 24 bits",
                                                          "accumulator saturates at 20 bits",
                                                          "accumulator saturates at 16 bits"};
};

int departures(const Theory& t, const Theory& from) {
  return (t.rounding != from.rounding) + (t.stages != from.stages) + (t.multiplier != from.multiplier) +
         (t.zero_point != from.zero_point) + (t.clamp != from.clamp) + (t.accumulator != from.accumulator) +
         (t.extra_shift != from.extra_shift);
}

std::vector<Theory> theory_space(const Theory& from, bool zero_points, bool doubles) {
  std::vector<Theory> all;
  for (const Rounding rounding : all_of<Rounding>()) {
    for (const Stages stages : all_of<Stages>()) {
      for (const MultiplierIs multiplier : all_of<MultiplierIs>()) {
        const bool real = multiplier == MultiplierIs::float32 || multiplier == MultiplierIs::float64;
        if (real && stages != Stages::one) continue;  // a float unit has no bit 31
        if (multiplier == MultiplierIs::float64 && !doubles) continue;
        for (const ZeroPointIs zero_point : all_of<ZeroPointIs>()) {
          if (!zero_points && zero_point != ZeroPointIs::after) continue;
          for (const ClampIs clamp : all_of<ClampIs>()) {
            if (!zero_points && clamp == ClampIs::before_zero_point) continue;
            for (const AccumulatorIs accumulator : all_of<AccumulatorIs>()) {
              if (multiplier == MultiplierIs::float64 && accumulator != AccumulatorIs::full) continue;  // below 2^53
              for (const std::int8_t extra : {std::int8_t{0}, std::int8_t{-1}, std::int8_t{1}}) {
                all.push_back({rounding, stages, multiplier, zero_point, clamp, accumulator, extra});
              }
            }
          }
        }
      }
    }
  }
  std::stable_sort(all.begin(), all.end(),
                   [&](const Theory& a, const Theory& b) { return departures(a, from) < departures(b, from); });
  return all;
}

std::optional<Theory> theory_of(const Profile& p) {
  const Recipe& r = p.recipe;
  Theory t{.rounding = r.rounding};
  if (r.arithmetic == Arithmetic::float32_scale) {
    t.multiplier = MultiplierIs::float32;
  } else if (r.arithmetic == Arithmetic::float64_scale) {
    return std::nullopt;
  }
  if (r.first_bits > 0) t.stages = Stages::two;
  if (r.zero_point == ZeroPointAt::before_rounding) t.zero_point = ZeroPointIs::before_rounding;
  if (r.zero_point == ZeroPointAt::before_scaling) t.zero_point = ZeroPointIs::before_scaling;
  return t;
}

RequantTrace trace_theory(const Theory& t, std::int64_t acc, const Channel& c, const Channel& before, IntType out) {
  std::int64_t joins = 0;
  RequantTrace trace = scaled_and_summed(t, narrowed(t.accumulator, acc), c, before, joins);
  constexpr std::int64_t far = std::int64_t{1} << 62;
  const std::int64_t scaled = saturate(trace.scaled, -far, far);
  trace.sum = scaled + joins;
  switch (t.clamp) {
    case ClampIs::after_zero_point: trace.out = saturate(trace.sum, c.lo, c.hi); break;
    case ClampIs::before_zero_point: trace.out = wrapped(saturate(scaled, c.lo, c.hi) + joins, out); break;
    case ClampIs::type_only: trace.out = saturate(trace.sum, out.min(), out.max()); break;
    case ClampIs::wraps: trace.out = wrapped(trace.sum, out); break;
  }
  return trace;
}

std::int64_t predict(const Theory& t, std::int64_t acc, const Channel& c, const Channel& before, IntType out) {
  return trace_theory(t, acc, c, before, out).out;
}

Channel effective_channel(const Theory& theory, const Channel& channel, const Channel& before) {
  return effective(theory, channel, before);
}

std::string describe(const Theory& t) {
  static constexpr std::array<std::string_view, 5> roundings{"floor", "truncation towards zero", "ties up",
                                                             "ties away from zero", "ties to even"};
  std::string text(roundings[static_cast<std::size_t>(t.rounding)]);
  const auto add = [&](std::string_view part) { text += fmt::format(", {}", part); };
  if (t.multiplier != MultiplierIs::float32 && t.multiplier != MultiplierIs::float64) add(name_of(t.stages));
  if (t.multiplier != MultiplierIs::given) add(name_of(t.multiplier));
  if (t.extra_shift != 0) add(t.extra_shift > 0 ? "shift one too many" : "shift one too few");
  if (t.zero_point != ZeroPointIs::after) add(name_of(t.zero_point));
  if (t.clamp != ClampIs::after_zero_point) add(name_of(t.clamp));
  if (t.accumulator != AccumulatorIs::full) add(name_of(t.accumulator));
  return text;
}

std::vector<std::string> profiles_like(const Theory& theory) {
  std::vector<std::string> ids;
  for (const Profile& p : profile_catalogue()) {
    auto same = theory_of(p);
    if (theory.multiplier == MultiplierIs::float64) {
      if (p.recipe.arithmetic != Arithmetic::float64_dyadic) continue;
      same->multiplier = MultiplierIs::float64;
    }
    if (same && *same == theory) ids.emplace_back(p.id);
  }
  return ids;
}

}  // namespace obz
