#include "golden/cover/bins.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "ref/arith/apply.hpp"
#include "ref/tensor/type_text.hpp"

namespace obz {
namespace {

using Facts = CaseFacts;
using Space = CoverSpace;

constexpr const char* kOneStage = "the recipe has one rounding stage";
constexpr const char* kNoRegister = "the recipe scales in floating point: there is no such register";

std::string when(bool holds, std::string why) { return holds ? std::move(why) : std::string(); }

const char* sign_text(int sign) { return sign > 0 ? "positive" : sign < 0 ? "negative" : "zero"; }

// --- roundings -------------------------------------------------------------------------------------------------------

using StageOf = const RoundingFacts& (*)(const Facts&);
const RoundingFacts& first_of(const Facts& f) { return f.first; }
const RoundingFacts& last_of(const Facts& f) { return f.last; }

void add_ties(std::vector<Bin>& bins) {
  for (const int sign : {1, -1}) {
    for (const int parity : {0, 1}) {
      bins.push_back(
          {"tie", fmt::format("last stage, {}, floor {}", sign_text(sign), parity == 0 ? "even" : "odd"),
           [=](const Facts& f) { return f.last.tie() && f.last.sign == sign && (f.last.floor & 1) == parity; }});
      bins.back().kind = BinKind::last_residue;
    }
  }
  for (const int sign : {1, -1}) {
    bins.push_back({"tie", fmt::format("first stage, {}", sign_text(sign)),
                    [=](const Facts& f) { return f.first.tie() && f.first.sign == sign; },
                    [](const Space& s) { return when(s.profile.recipe.first_bits == 0, kOneStage); }});
    bins.back().kind = BinKind::first_residue;
  }
  for (const int side : {-1, 1}) {
    const char* text = side < 0 ? "below" : "above";
    for (const int sign : {1, -1}) {
      bins.push_back({"near tie", fmt::format("last stage, one unit {}, {}", text, sign_text(sign)),
                      [=](const Facts& f) { return f.last.from_tie == side && f.last.sign == sign; }});
      bins.back().kind = BinKind::last_residue;
    }
    bins.push_back({"near tie", fmt::format("first stage, one unit {}", text),
                    [=](const Facts& f) { return f.first.from_tie == side; },
                    [](const Space& s) { return when(s.profile.recipe.first_bits == 0, kOneStage); }});
    bins.back().kind = BinKind::first_residue;
  }
}

std::string no_such_rounding(Rounding mode, bool up, int sign) {
  if (mode == Rounding::floor && up) return "floor never rounds up";
  if (mode == Rounding::trunc && up && sign > 0) return "truncation rounds positive values down";
  if (mode == Rounding::trunc && !up && sign < 0) return "truncation rounds negative values up";
  return "";
}

void add_roundings(std::vector<Bin>& bins) {
  for (const bool first : {false, true}) {
    const StageOf stage = first ? first_of : last_of;
    const char* name = first ? "first" : "last";
    for (const int sign : {1, -1}) {
      const auto add = [&](const char* what, auto&& happened, auto&& proof) {
        bins.push_back({"rounding", fmt::format("{} stage {}, {}", name, what, sign_text(sign)),
                        [=](const Facts& f) {
                          const RoundingFacts& r = stage(f);
                          return r.present && r.sign == sign && happened(r);
                        },
                        [=](const Space& s) {
                          if (first && s.profile.recipe.first_bits == 0) return std::string(kOneStage);
                          return proof(first ? s.profile.recipe.first_rounding : s.profile.recipe.rounding);
                        }});
        if (std::string_view(what) == "exact")
          bins.back().kind = first ? BinKind::first_residue : BinKind::last_residue;
      };
      add(
          "exact", [](const RoundingFacts& r) { return r.exact; }, [](Rounding) { return std::string(); });
      add(
          "rounds down", [](const RoundingFacts& r) { return !r.exact && !r.up; },
          [=](Rounding mode) { return no_such_rounding(mode, false, sign); });
      add(
          "rounds up", [](const RoundingFacts& r) { return !r.exact && r.up; },
          [=](Rounding mode) { return no_such_rounding(mode, true, sign); });
    }
  }
}

// --- registers -------------------------------------------------------------------------------------------------------

/// Stage one at both ends of every operand: monotone in between.
bool first_stage_fits(const Space& s) {
  const Recipe& r = s.profile.recipe;
  const std::int64_t least = s.negative_multiplier ? -s.multiplier_hi : std::min<std::int64_t>(0, s.multiplier_lo);
  for (const std::int64_t m : {least, s.multiplier_hi}) {
    for (const std::int64_t x : {kInt32.min(), kInt32.max()}) {
      if (!kInt32.holds(shift_right(x * m, r.first_bits, r.first_rounding))) return false;
    }
  }
  return true;
}

void add_registers(std::vector<Bin>& bins, const Space& space) {
  const Recipe& recipe = space.profile.recipe;
  const auto add = [&](std::string name, bool Facts::*fact, std::function<std::string(const Space&)> dyadic_proof) {
    bins.push_back({"register", std::move(name), [=](const Facts& f) { return f.*fact; },
                    [proof = std::move(dyadic_proof)](const Space& s) {
                      return s.profile.is_dyadic() ? proof(s) : std::string(kNoRegister);
                    }});
    bins.back().kind = BinKind::threshold;
  };
  add("left shift", &Facts::left, [](const Space& s) {
    if (s.profile.recipe.first_bits == 0) return std::string(kOneStage);
    return when(s.shift_lo >= s.profile.recipe.first_bits && !s.zero_multiplier && !s.is_fixed(),
                fmt::format("the scale rule's shifts begin at {}, so nothing is shifted left", s.shift_lo));
  });
  bins.back().channel = [first = recipe.first_bits](const Channel& c) { return c.shift < first; };
  bins.back().kind = BinKind::other;
  add("left shift leaves 32 bits", &Facts::left_leaves, [](const Space& s) {
    const Recipe& r = s.profile.recipe;
    if (r.first_bits == 0) return std::string(kOneStage);
    if (r.left_overflow == Overflow::exact) return std::string("the recipe's left shift has no narrow register");
    if (r.left_overflow == Overflow::wrap)
      return std::string("a left shift that leaves 32 bits is undefined in this system: outside the domain");
    return when(s.shift_lo >= r.first_bits && !s.zero_multiplier && !s.is_fixed(),
                fmt::format("the scale rule's shifts begin at {}, so nothing is shifted left", s.shift_lo));
  });
  bins.back().channel = [first = recipe.first_bits](const Channel& c) { return c.shift < first; };
  add(fmt::format("product leaves {} bits", recipe.product_bits), &Facts::product_leaves, [](const Space& s) {
    return when(s.profile.recipe.product_bits >= 64, "the domain keeps products inside 64 bits");
  });
  add("stage one leaves 32 bits", &Facts::first_leaves, [](const Space& s) {
    const Recipe& r = s.profile.recipe;
    if (r.first_bits == 0) return std::string(kOneStage);
    if (r.first_overflow == Overflow::exact) return std::string("the recipe keeps stage one's result whole");
    return when(!s.is_fixed() && first_stage_fits(s),
                fmt::format("only -2^31 * -2^31 leaves it, and multipliers lie in {}..{}",
                            s.negative_multiplier ? -s.multiplier_hi : s.multiplier_lo, s.multiplier_hi));
  });
  add(fmt::format("scaled value leaves {} bits", recipe.scaled_bits), &Facts::scaled_leaves, [](const Space& s) {
    const Recipe& r = s.profile.recipe;
    if (r.scaled_bits >= 64 || r.scaled_overflow == Overflow::exact)
      return std::string("the recipe has no narrow register for the scaled value");
    const bool first_fits = r.first_overflow != Overflow::exact || (!s.is_fixed() && first_stage_fits(s));
    return when(r.first_bits > 0 && r.scaled_bits >= 32 && first_fits && r.zero_point != ZeroPointAt::before_rounding,
                "stage one's result has 32 bits, and a right shift does not widen it");
  });
  add("scaled + zero point leaves its register", &Facts::sum_leaves, [](const Space& s) {
    const Recipe& r = s.profile.recipe;
    if (r.clamp == ClampAt::before_zero_point) return std::string("the clamp comes before the zero point");
    if (r.scaled_overflow == Overflow::exact) return std::string("the recipe's sum has no narrow register");
    if (r.zero_point != ZeroPointAt::after_rounding) return std::string("nothing is added after the rounding");
    if (s.is_fixed()) return std::string();
    if (s.zero_point_lo == 0 && s.zero_point_hi == 0) return std::string("the profile's zero point is 0");
    const IntType scaled{r.scaled_bits, true}, sum{std::max<std::uint8_t>(r.scaled_bits, 32), true};
    AccRange reach{scaled.min(), scaled.max()};
    const bool bounded = s.profile.avg_pool == AvgPoolRule::reciprocal && s.shift_lo >= 1;
    if (bounded) {  // |acc| <= 2^(shift - 1), so the scaled value is at most half a multiplier, plus one for roundings
      const std::int64_t most = s.multiplier_hi / 2 + 1;
      reach = {std::max(reach.lo, -most), std::min(reach.hi, most)};
    }
    return when(sum.holds(reach.lo + s.zero_point_lo) && sum.holds(reach.hi + s.zero_point_hi),
                fmt::format("scaled values lie in {}..{}, so sums with {}..{} have at most {} bits", reach.lo, reach.hi,
                            s.zero_point_lo, s.zero_point_hi, sum.bits));
  });
}

// --- shifts and multipliers ------------------------------------------------------------------------------------------

/// Scaled values that leave the output strictly inside the widest clamp, over all zero points that join late.
AccRange readable(const Space& s) {
  const bool late = s.profile.recipe.zero_point != ZeroPointAt::before_scaling;
  const std::int64_t zp_lo = late ? s.zero_point_lo : 0, zp_hi = late ? s.zero_point_hi : 0;
  return {s.out.min() + 1 - zp_hi, s.out.max() - 1 - zp_lo};
}

bool is_readable(const Facts& f) {
  return f.registers_hold() && f.scaled != 0 && f.value > f.channel().lo && f.value < f.channel().hi;
}

/// The scaled value of one product, through the recipe's own stages, clamps and zero points out of the way.
std::int64_t scaled_of(const Space& s, std::int64_t acc, Channel c) {
  Profile p = s.profile;
  p.recipe.left_overflow = p.recipe.first_overflow = p.recipe.scaled_overflow = Overflow::exact;
  p.recipe.product_bits = 64;
  c.zero_point = 0;
  c.lo = kInt32.min();
  c.hi = kInt32.max();
  return facts_of(p, {acc, c}, nullptr).scaled;
}

/// True when [lo, hi] holds a value other than 0 that the clamp leaves alone.
bool some_readable(const Space& s, std::int64_t lo, std::int64_t hi) {
  const AccRange inside = readable(s);
  return std::max<std::int64_t>(lo, std::max<std::int64_t>(inside.lo, 1)) <= std::min(hi, inside.hi) ||
         std::max(lo, inside.lo) <= std::min<std::int64_t>(hi, std::min<std::int64_t>(inside.hi, -1));
}

/// No case gives a nonzero scaled value inside the clamp with this shift (or float scale): the least products are
/// beyond it already, or the largest round to 0. The scaled value is monotone in the accumulator and in the multiplier.
std::string unreadable(const Space& s, const Channel& least, const Channel& most) {
  const Recipe& r = s.profile.recipe;
  if (r.product_bits < 64 && r.first_bits == 0) {
    const IntType reg{r.product_bits, true};
    const std::int64_t lo = shift_right(reg.min(), most.shift, r.rounding);
    const std::int64_t hi = shift_right(reg.max(), most.shift, r.rounding);
    if (!some_readable(s, lo, hi))
      return fmt::format("a product of {} bits is scaled to {}..{}", r.product_bits, lo, hi);
  }
  if (s.profile.has_addend) return "";
  const AccRange inside = readable(s);
  const std::int64_t up = scaled_of(s, 1, least), down = scaled_of(s, -1, least);
  if (up > 0 && down < 0 && up > inside.hi && down < inside.lo) {
    return fmt::format("an accumulator of 1 is scaled beyond {} already", type_text(s.out));
  }
  const bool early = r.zero_point == ZeroPointAt::before_scaling;
  AccRange acc = s.acc;
  if (r.first_bits > 0 && least.shift < r.first_bits) return "";
  if (s.profile.avg_pool == AvgPoolRule::reciprocal && most.shift >= 1 && most.shift < 60) {
    const std::int64_t half = std::int64_t{1} << (most.shift - 1);
    acc = {std::max(acc.lo, -half), std::min(acc.hi, half - 1)};
  }
  std::int64_t lo = scaled_of(s, acc.lo + (early ? s.zero_point_lo : 0), most);
  std::int64_t hi = scaled_of(s, acc.hi + (early ? s.zero_point_hi : 0), most);
  if (s.negative_multiplier) {
    lo = std::min(lo, -hi);
    hi = std::max(hi, -lo);
  }
  if (!some_readable(s, lo, hi)) return fmt::format("even the largest accumulators are scaled to {}..{}", lo, hi);
  return "";
}

void add_shifts(std::vector<Bin>& bins) {
  constexpr int shifts = 64;
  const auto formed = [](const Space& s, int k) {
    if (s.is_fixed()) return std::string();
    return when(k < s.shift_lo || k > s.shift_hi,
                fmt::format("the scale rule forms shifts {}..{}", s.shift_lo, s.shift_hi));
  };
  for (int k = 0; k < shifts; ++k) {
    bins.push_back({"shift", fmt::format("shift {}", k),
                    [=](const Facts& f) { return f.channel().shift == k && !f.product_is_zero; },
                    [=](const Space& s) { return formed(s, k); }, [=](const Channel& c) { return c.shift == k; }});
  }
  for (int k = 0; k < shifts; ++k) {
    bins.push_back({"shift readable", fmt::format("shift {}", k),
                    [=](const Facts& f) { return f.channel().shift == k && is_readable(f); },
                    [=](const Space& s) {
                      if (s.is_fixed()) return std::string();
                      if (std::string why = formed(s, k); !why.empty()) return why;
                      return unreadable(s, {.multiplier = s.multiplier_lo, .shift = k},
                                        {.multiplier = s.multiplier_hi, .shift = k});
                    },
                    [=](const Channel& c) { return c.shift == k; }});
    bins.back().kind = BinKind::threshold;
  }
}

bool is_power_of_two(std::int64_t m) { return m > 0 && std::has_single_bit(static_cast<std::uint64_t>(m)); }

void add_multipliers(std::vector<Bin>& bins, const Space& space) {
  const int n = space.mantissa_bits;
  const std::int64_t bottom = std::int64_t{1} << (n - 1), top = std::int64_t{1} << n;
  const auto add = [&](const char* group, std::string name, auto&& holds, auto&& proof) {
    bins.push_back({group, std::move(name),
                    [=](const Facts& f) {
                      return holds(f.channel().multiplier) && (f.channel().multiplier == 0 || !f.product_is_zero);
                    },
                    [=](const Space& s) { return s.is_fixed() ? std::string() : std::string(proof(s)); },
                    [=](const Channel& c) { return holds(c.multiplier); }});
  };
  const auto never = [](const Space&) { return std::string(); };
  const auto no_top = [](const Space& s) -> std::string {
    if (s.multiplier_hi >= std::int64_t{1} << s.mantissa_bits) return "";
    const ScaleRule& rule = s.profile.scale;
    if (rule.power_of_two_only) return "the only multiplier is 1";
    if (rule.reduce_to_16) return "the reduced multiplier is capped at 2^15 - 1";
    if (rule.mantissa_rounding == MantissaRounding::truncate)
      return fmt::format("the mantissa is truncated and stays below 2^{}", s.mantissa_bits);
    return fmt::format("the scale rule renormalises 2^{0}, so the multiplier stays below it", s.mantissa_bits);
  };
  add(
      "multiplier", fmt::format("2^{}, the smallest", n - 1), [=](std::int64_t m) { return m == bottom; }, never);
  add(
      "multiplier", fmt::format("2^{} - 1", n), [=](std::int64_t m) { return m == top - 1; }, never);
  add(
      "multiplier", fmt::format("2^{}", n), [=](std::int64_t m) { return m == top; }, no_top);
  add("multiplier", "power of two", is_power_of_two, never);
  add(
      "multiplier", "odd", [](std::int64_t m) { return (m & 1) != 0; }, never);
  add(
      "multiplier", "even", [](std::int64_t m) { return m != 0 && (m & 1) == 0; },
      [](const Space& s) { return when(s.multiplier_hi == 1, "the only multiplier is 1"); });
  add(
      "multiplier", "negative", [](std::int64_t m) { return m < 0; },
      [](const Space& s) { return when(!s.negative_multiplier, "scales are > 0, so multipliers are"); });
  add(
      "multiplier", "zero", [](std::int64_t m) { return m == 0; },
      [](const Space& s) {
        return when(!s.zero_multiplier, "the scale rule refuses scales too small or too large for its shifts");
      });
  const bool keeps = space.multiplier_hi == top;
  for (int i = 0; i < n + (keeps ? 1 : 0); ++i) {
    const auto bit = [i](std::int64_t m) { return (std::abs(m) >> i & 1) != 0; };
    add("multiplier bit", fmt::format("bit {} set", i), bit, never);
    add(
        "multiplier bit", fmt::format("bit {} clear", i), [=](std::int64_t m) { return m != 0 && !bit(m); },
        [=](const Space& s) {
          return when(i == s.mantissa_bits - 1 && s.multiplier_hi < std::int64_t{1} << s.mantissa_bits,
                      fmt::format("multipliers are 2^{} or more and below 2^{}", i, i + 1));
        });
  }
}

// --- float scales ----------------------------------------------------------------------------------------------------

int exponent_of(const Channel& c) { return c.scale > 0 ? std::ilogb(c.scale) : INT_MIN; }
std::int64_t mantissa_of(const Channel& c) {
  return c.scale > 0 ? static_cast<std::int64_t>(std::ldexp(c.scale, 23 - exponent_of(c))) : 0;
}

void add_float_scales(std::vector<Bin>& bins) {
  constexpr int least = -24, most = 7;
  const auto formed = [](const Space& s, int e) {
    const ScaleRule& rule = s.profile.scale;
    if (s.is_fixed()) return std::string();
    return when(e < rule.float_from || e >= rule.float_below,
                fmt::format("the profile takes scales in [2^{}, 2^{})", rule.float_from, rule.float_below));
  };
  for (int e = least; e <= most; ++e) {
    bins.push_back({"scale", fmt::format("scale in [2^{}, 2^{})", e, e + 1),
                    [=](const Facts& f) { return exponent_of(f.channel()) == e && !f.product_is_zero; },
                    [=](const Space& s) { return formed(s, e); },
                    [=](const Channel& c) { return exponent_of(c) == e; }});
  }
  for (int e = least; e <= most; ++e) {
    bins.push_back({"scale readable", fmt::format("scale in [2^{}, 2^{})", e, e + 1),
                    [=](const Facts& f) { return exponent_of(f.channel()) == e && is_readable(f); },
                    [=](const Space& s) {
                      if (s.is_fixed()) return std::string();
                      if (std::string why = formed(s, e); !why.empty()) return why;
                      return unreadable(s, {.multiplier = 0, .scale = std::ldexp(1.0, e)},
                                        {.multiplier = 0, .scale = std::ldexp(0x1.fffffep0, e)});
                    },
                    [=](const Channel& c) { return exponent_of(c) == e; }});
    bins.back().kind = BinKind::threshold;
  }
  const auto add = [&](const char* group, std::string name, auto&& holds) {
    bins.push_back({group, std::move(name),
                    [=](const Facts& f) { return !f.product_is_zero && holds(mantissa_of(f.channel())); }, nullptr,
                    [=](const Channel& c) { return holds(mantissa_of(c)); }});
  };
  add("mantissa", "2^23: a power of two", [](std::int64_t m) { return m == std::int64_t{1} << 23; });
  add("mantissa", "2^24 - 1", [](std::int64_t m) { return m == (std::int64_t{1} << 24) - 1; });
  for (int i = 0; i < 23; ++i) {
    add("mantissa", fmt::format("bit {} set", i), [i](std::int64_t m) { return (m >> i & 1) != 0; });
    add("mantissa", fmt::format("bit {} clear", i), [i](std::int64_t m) { return m != 0 && (m >> i & 1) == 0; });
  }
}

void add_inexact(std::vector<Bin>& bins) {
  bins.push_back({"float", "accumulator rounded to float32", [](const Facts& f) { return f.acc_inexact; },
                  [](const Space& s) {
                    if (s.profile.recipe.arithmetic != Arithmetic::float32_scale)
                      return std::string("a double holds every accumulator");
                    constexpr std::int64_t limit = std::int64_t{1} << 24;
                    const auto held = [](const ChannelRange& f) { return f.range.lo >= -limit && f.range.hi <= limit; };
                    return when(s.is_fixed() && std::all_of(s.fixed.begin(), s.fixed.end(), held),
                                "float32 holds every integer up to 2^24, and no accumulator is larger");
                  }});
  bins.push_back({"float", "product rounded", [](const Facts& f) { return f.product_inexact; }});
}

// --- clamps, accumulators, zero points -------------------------------------------------------------------------------

void add_clamps(std::vector<Bin>& bins, IntType out) {
  const auto add = [&](const char* name, auto&& holds) {
    bins.push_back({"clamp", name, [=](const Facts& f) { return holds(f.value, f.channel()); }});
    bins.back().kind = BinKind::threshold;
  };
  add("clamped below", [](std::int64_t v, const Channel& c) { return v < c.lo; });
  add("clamped above", [](std::int64_t v, const Channel& c) { return v > c.hi; });
  add("exactly the lower clamp", [](std::int64_t v, const Channel& c) { return v == c.lo; });
  add("exactly the upper clamp", [](std::int64_t v, const Channel& c) { return v == c.hi; });
  add("one below the lower clamp", [](std::int64_t v, const Channel& c) { return v == c.lo - 1; });
  add("one above the upper clamp", [](std::int64_t v, const Channel& c) { return v == c.hi + 1; });
  add("strictly inside", [](std::int64_t v, const Channel& c) { return v > c.lo && v < c.hi; });
  bins.back().channel = [](const Channel& c) { return c.hi - c.lo >= 2; };
  bins.back().proof = [](const Space& s) {
    return when(s.out.max() - s.out.min() < 2, fmt::format("{} has no value between its ends", type_text(s.out)));
  };
  add("clamped below by a clamp tighter than the type",
      [=](std::int64_t v, const Channel& c) { return v < c.lo && c.lo > out.min() && v >= out.min(); });
  bins.back().channel = [=](const Channel& c) { return c.lo > out.min(); };
  add("clamped above by a clamp tighter than the type",
      [=](std::int64_t v, const Channel& c) { return v > c.hi && c.hi < out.max() && v <= out.max(); });
  bins.back().channel = [=](const Channel& c) { return c.hi < out.max(); };
}

void add_accumulators(std::vector<Bin>& bins, const Space& space) {
  const auto add = [&](const char* group, std::string name, std::int64_t lo, std::int64_t hi) {
    bins.push_back({group, std::move(name), [=](const Facts& f) { return f.acc() >= lo && f.acc() <= hi; }});
    bins.back().accumulators = {lo, hi};
  };
  const AccRange reg = space.acc;
  const int bits = static_cast<int>(std::bit_width(static_cast<std::uint64_t>(reg.hi))) + 1;
  add("accumulator", "0", 0, 0);
  add("accumulator", "1", 1, 1);
  add("accumulator", "-1", -1, -1);
  add("accumulator", fmt::format("largest of {} bits", bits), reg.hi, reg.hi);
  add("accumulator", fmt::format("smallest of {} bits", bits), reg.lo, reg.lo);
  for (const int width : {16, 20, 24, 31}) {
    const std::int64_t limit = std::int64_t{1} << (width - 1);
    if (width >= bits) continue;
    add("accumulator", fmt::format("positive, beyond {} bits", width), limit, reg.hi);
    add("accumulator", fmt::format("negative, beyond {} bits", width), reg.lo, -limit - 1);
  }
  for (int i = 0; i < bits - 1; ++i) {
    const std::int64_t low = std::int64_t{1} << i;
    add("accumulator bit", fmt::format("highest bit {}, positive", i), low, 2 * low - 1);
    add("accumulator bit", fmt::format("highest bit {}, negative", i), 1 - 2 * low, -low);
  }
}

void add_zero_points(std::vector<Bin>& bins, const Space& space) {
  const IntType out = space.out;
  const auto add = [&](std::string name, auto&& holds, auto&& lo, auto&& hi) {
    // Every zero point that the bin accepts within a range of the output type's size is tried.
    const auto possible = [=](const Space& s) {
      constexpr std::int64_t reach = std::int64_t{1} << 17;
      const std::int64_t from = std::max(s.zero_point_lo, -reach), to = std::min(s.zero_point_hi, reach);
      for (std::int64_t z = from; z <= to; ++z)
        if (holds(z)) return true;
      return false;
    };
    bins.push_back({"zero point", std::move(name),
                    [=](const Facts& f) { return holds(f.channel().zero_point) && f.acc() >= lo && f.acc() <= hi; },
                    [=](const Space& s) {
                      if (s.is_fixed() || possible(s)) return std::string();
                      if (s.zero_point_lo == s.zero_point_hi) return std::string("the profile's zero point is 0");
                      return fmt::format("{} holds no such value", type_text(s.out));
                    },
                    [=](const Channel& c) { return holds(c.zero_point); }});
    bins.back().accumulators = {lo, hi};
  };
  constexpr std::int64_t any_lo = INT64_MIN, any_hi = INT64_MAX;
  add(
      "zero", [](std::int64_t z) { return z == 0; }, any_lo, any_hi);
  add(
      "odd", [](std::int64_t z) { return (z & 1) != 0; }, any_lo, any_hi);
  add(
      "even, not 0", [](std::int64_t z) { return z != 0 && (z & 1) == 0; }, any_lo, any_hi);
  add(
      "smallest of the type", [=](std::int64_t z) { return z == out.min(); }, any_lo, any_hi);
  add(
      "largest of the type", [=](std::int64_t z) { return z == out.max(); }, any_lo, any_hi);
  for (const int sign : {1, -1}) {
    const auto signed_zero_point = [=](std::int64_t z) { return sign > 0 ? z > 0 : z < 0; };
    add(fmt::format("{}, accumulator positive", sign_text(sign)), signed_zero_point, std::int64_t{1}, any_hi);
    add(fmt::format("{}, accumulator negative", sign_text(sign)), signed_zero_point, any_lo, std::int64_t{-1});
  }
}

void add_addends(std::vector<Bin>& bins) {
  const auto add = [&](const char* name, auto&& holds, bool always) {
    bins.push_back({"addend", name, [=](const Facts& f) { return holds(f.channel().addend); },
                    [=](const Space& s) {
                      return when(!always && !s.profile.has_addend && !s.is_fixed(), "the profile has no addend");
                    },
                    [=](const Channel& c) { return holds(c.addend); }});
  };
  add(
      "zero", [](std::int64_t a) { return a == 0; }, true);
  add(
      "positive", [](std::int64_t a) { return a > 0; }, false);
  add(
      "negative", [](std::int64_t a) { return a < 0; }, false);
}

// --- neighbours ------------------------------------------------------------------------------------------------------

/// A device that kept `field` of the previous case would answer something else.
template <class Field>
bool stale_shows(const Facts& f, Field Channel::*field) {
  if (f.previous == nullptr || f.channel().*field == f.previous->channel.*field) return false;
  RequantCase stale = *f.asked;
  stale.channel.*field = f.previous->channel.*field;
  if (!in_domain(*f.profile, stale)) return false;
  const Recipe& r = f.profile->recipe;
  return apply_recipe(stale.acc, r, stale.channel) != apply_recipe(f.acc(), r, f.channel());
}

void add_neighbours(std::vector<Bin>& bins) {
  const auto add = [&](const char* what, auto field, auto&& proof) {
    bins.push_back({"neighbour", fmt::format("the previous case's {} would give another output", what),
                    [=](const Facts& f) { return stale_shows(f, field); },
                    [=](const Space& s) -> std::string {
                      if (!s.is_fixed()) return proof(s);
                      const bool same = std::all_of(s.fixed.begin(), s.fixed.end(), [&](const ChannelRange& c) {
                        return c.channel.*field == s.fixed[0].channel.*field;
                      });
                      return when(same, fmt::format("all channels have the same {}", what));
                    }});
  };
  const auto never = [](const Space&) { return std::string(); };
  const auto no_multiplier = [](const Space& s) { return when(!s.profile.uses_multiplier(), "the scale is a float"); };
  add("multiplier", &Channel::multiplier, [=](const Space& s) {
    return s.multiplier_lo == s.multiplier_hi && !s.zero_multiplier && s.profile.uses_multiplier()
               ? std::string("the only multiplier is 1")
               : no_multiplier(s);
  });
  add("shift", &Channel::shift, no_multiplier);
  add("scale", &Channel::scale,
      [](const Space& s) { return when(s.profile.uses_multiplier(), "the scale is a multiplier and a shift"); });
  add("addend", &Channel::addend,
      [](const Space& s) { return when(!s.profile.has_addend, "the profile has no addend"); });
  add("zero point", &Channel::zero_point,
      [](const Space& s) { return when(s.zero_point_lo == s.zero_point_hi, "the profile's zero point is 0"); });
  add("lower clamp", &Channel::lo, never);
  add("upper clamp", &Channel::hi, never);
  bins.push_back({"neighbour", "the same accumulator on two channels gives two outputs",
                  [](const Facts& f) {
                    if (f.previous == nullptr || f.previous->acc != f.acc()) return false;
                    const Recipe& r = f.profile->recipe;
                    return apply_recipe(f.acc(), r, f.channel()) != apply_recipe(f.acc(), r, f.previous->channel);
                  },
                  [](const Space& s) { return when(s.is_fixed() && s.fixed.size() == 1, "the set has one channel"); }});
}

void add_ends(std::vector<Bin>& bins, const Space& space) {
  if (!space.is_fixed()) return;
  for (const bool first : {true, false}) {
    const Channel c = first ? space.fixed.front().channel : space.fixed.back().channel;
    bins.push_back({"channel", first ? "first channel, not clamped" : "last channel, not clamped",
                    [=](const Facts& f) { return f.channel() == c && f.value >= c.lo && f.value <= c.hi; }, nullptr,
                    [=](const Channel& other) { return other == c; }});
    bins.back().kind = BinKind::threshold;
  }
}

}  // namespace

std::vector<Bin> requant_bins(const CoverSpace& space) {
  std::vector<Bin> bins;
  add_ties(bins);
  add_roundings(bins);
  add_registers(bins, space);
  if (space.profile.uses_multiplier()) {
    add_shifts(bins);
    add_multipliers(bins, space);
  } else {
    add_float_scales(bins);
  }
  if (!space.profile.is_dyadic()) add_inexact(bins);
  add_clamps(bins, space.out);
  add_accumulators(bins, space);
  add_zero_points(bins, space);
  add_addends(bins);
  add_neighbours(bins);
  add_ends(bins, space);
  return bins;
}

}  // namespace obz
