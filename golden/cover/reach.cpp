#include "golden/cover/reach.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <set>

#include <fmt/format.h>

#include "golden/complete/complete.hpp"
#include "golden/complete/staircase.hpp"
#include "ref/arith/apply.hpp"

namespace obz {
namespace {

__extension__ using Wide = __int128;

/// The bins that are still undecided, and what is tried on them.
class Search {
 public:
  Search(const CoverSpace& space, const std::vector<Bin>& bins, std::vector<Decision>& decisions)
      : space_(space), bins_(bins), decisions_(decisions) {
    for (std::size_t i = 0; i < bins.size(); ++i)
      if (decisions[i].reach == Reach::open) missing_.push_back(i);
  }

  bool done() const { return missing_.empty(); }

  /// Tries a case, alone or after `previous`, on every bin without a witness.
  void operator()(const RequantCase& rc, const RequantCase* previous = nullptr) {
    if (done() || !belongs(rc) || (previous != nullptr && !belongs(*previous))) return;
    const CaseFacts facts = facts_of(space_.profile, rc, previous);
    std::erase_if(missing_, [&](std::size_t i) {
      if (!bins_[i].hit(facts)) return false;
      Decision& d = decisions_[i];
      d.reach = Reach::reachable;
      if (previous != nullptr) d.witness.push_back(*previous);
      d.witness.push_back(rc);
      return true;
    });
  }
  void operator()(std::int64_t acc, const Channel& c) { (*this)(RequantCase{acc, c}); }

  const std::vector<std::size_t>& missing() const { return missing_; }

 private:
  /// Given channels are tried within their own ranges only, so the domain is what is left to ask.
  bool belongs(const RequantCase& rc) const {
    return space_.is_fixed() ? in_domain(space_.profile, rc) : in_space(space_, rc);
  }

  const CoverSpace& space_;
  const std::vector<Bin>& bins_;
  std::vector<Decision>& decisions_;
  std::vector<std::size_t> missing_;
};

std::vector<std::int64_t> inside(std::vector<std::int64_t> values, std::int64_t lo, std::int64_t hi) {
  std::erase_if(values, [&](std::int64_t v) { return v < lo || v > hi; });
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  return values;
}

/// 0, the powers of two and their neighbours of both signs, the ends of the range.
std::vector<std::int64_t> landmarks(AccRange range) {
  std::vector<std::int64_t> v{0, range.lo, range.lo + 1, range.hi, range.hi - 1};
  for (int i = 0; i < 62; ++i) {
    const std::int64_t bit = std::int64_t{1} << i;
    v.insert(v.end(), {bit - 1, bit, bit + 1, -bit - 1, -bit, 1 - bit});
  }
  return inside(std::move(v), range.lo, range.hi);
}

/// The accumulator nearest to where `scaled` comes out, for channels of a multiplier and a shift.
std::int64_t accumulator_for(std::int64_t scaled, const Channel& c) {
  if (c.multiplier == 0) return 0;
  const Wide at = (Wide{scaled} << c.shift) / c.multiplier;
  constexpr Wide limit = Wide{1} << 60;
  return static_cast<std::int64_t>(std::clamp(at, -limit, limit));
}

constexpr int kResidues = 8;

/// Both signs of the solutions of acc * m + addend = r (mod 2^shift), nearest to zero first.
/// `all` becomes false when there are more than were returned.
std::vector<std::int64_t> residues(const Channel& c, std::int64_t addend, int shift, std::int64_t r, AccRange range,
                                   bool& all) {
  std::vector<std::int64_t> found;
  for (const AccRange part : {AccRange{std::max<std::int64_t>(range.lo, 0), range.hi},
                              AccRange{range.lo, std::min<std::int64_t>(range.hi, -1)}}) {
    if (part.lo > part.hi) continue;
    const auto some = solve_residue(c.multiplier, addend, shift, r, part, kResidues);
    if (static_cast<int>(some.size()) == kResidues) all = false;
    found.insert(found.end(), some.begin(), some.end());
  }
  return found;
}

/// What was solved for completely.
struct Solved {
  bool first = true, last = true;
};

/// Accumulators at ties of either stage, one unit beside them, and at exact results.
std::vector<std::int64_t> residue_points(const Profile& p, const Channel& c, AccRange range, Solved& all) {
  std::vector<std::int64_t> points;
  if (!p.is_dyadic()) all = {false, false};
  if (!p.uses_multiplier() || c.multiplier == 0) return points;
  const Recipe& r = p.recipe;
  const auto take = [&](const Channel& of, int shift, bool& complete) {
    if (shift < 1) return;
    if (shift > 62) {
      complete = false;
      return;
    }
    std::int64_t addend = of.addend;
    if (r.zero_point == ZeroPointAt::before_scaling) addend += of.zero_point * of.multiplier;
    const std::int64_t half = std::int64_t{1} << (shift - 1);
    for (const std::int64_t at : {half - 1, half, half + 1, std::int64_t{0}}) {
      for (const std::int64_t x : residues(of, addend, shift, at, range, complete)) points.push_back(x);
    }
  };
  if (r.first_bits == 0) {
    take(c, c.shift, all.last);
    if (r.product_bits < 64 || r.zero_point == ZeroPointAt::before_rounding) all.last = false;
    return points;
  }
  Channel shifted = c;  // a left shift of the accumulator is one of the multiplier, as far as residues go
  if (c.shift < r.first_bits) shifted.multiplier = c.multiplier << (r.first_bits - c.shift);
  take(shifted, r.first_bits, all.first);
  const int last = c.shift - r.first_bits;
  if (last < 1) return points;
  // Stage one's result near k * 2^last and (k + 1/2) * 2^last; it grows by at most one unit per accumulator, so each of
  // its values within reach is hit, and what the last stage does depends on that value alone.
  const Wide half = Wide{1} << (last - 1),
             most = std::max(Wide{std::abs(range.lo)}, Wide{std::abs(range.hi)}) * std::abs(c.multiplier) +
                    std::abs(c.addend);
  for (int k = -kResidues; k <= kResidues; ++k) {
    for (const Wide d : {Wide{0}, half - 1, half, half + 1}) {
      const Wide product = ((Wide{k} << last) + d) << r.first_bits;
      const Wide x = (product - c.addend) / c.multiplier;
      for (const int beside : {-2, -1, 0, 1, 2}) {
        const Wide at = x + beside;
        if (at >= range.lo && at <= range.hi) points.push_back(static_cast<std::int64_t>(at));
      }
    }
  }
  const bool within = most < ((Wide{kResidues} << last) << r.first_bits);
  const bool unit_steps =
      std::abs(c.multiplier) <= std::int64_t{1} << r.first_bits && r.zero_point == ZeroPointAt::after_rounding;
  all.last = all.last && within && unit_steps;
  return points;
}

/// Clamps worth having around a zero point.
std::vector<std::pair<std::int64_t, std::int64_t>> clamps(IntType out, std::int64_t zp) {
  const std::int64_t lo = out.min(), hi = out.max(), at = std::clamp(zp, lo, hi);
  return {{lo, hi}, {at, hi}, {std::max(lo, at - 3), std::min(hi, at + 5)}, {std::min(at + 1, hi), hi}, {lo, hi - 1}};
}

void set_output(Channel& c, IntType out, std::int64_t zp) {
  c.zero_point = static_cast<std::int32_t>(zp);
  c.lo = out.min();
  c.hi = out.max();
}

/// Some pair of channels that differ in one field each, on one accumulator.
void try_neighbours(Search& search, const Channel& base, const std::vector<Channel>& others,
                    const std::vector<std::int64_t>& accs) {
  for (const Channel& other : others) {
    for (const std::int64_t acc : accs) {
      const RequantCase a{acc, base}, b{acc, other};
      search(b, &a);
      search(a, &b);
    }
  }
}

std::vector<std::int64_t> zero_points(const CoverSpace& s) {
  return inside({0, 1, 2, 3, -1, -2, -3, s.out.min(), s.out.max(), s.out.min() + 1, s.out.max() - 1, s.zero_point_lo,
                 s.zero_point_hi},
                s.zero_point_lo, s.zero_point_hi);
}

// --- any channel of a scale rule -------------------------------------------------------------------------------------

/// A channel of usual scale, about 1/2, with a short multiplier: every event of the output is near accumulator 0.
Channel usual_channel(const CoverSpace& s, std::int64_t multiplier, int more_shift) {
  Channel c{.multiplier = multiplier};
  c.shift = std::clamp(s.mantissa_bits + more_shift, s.shift_lo, s.shift_hi);
  set_output(c, s.out, s.zero_point_lo > 0 || s.zero_point_hi < 0 ? s.zero_point_lo : 0);
  return c;
}

std::vector<std::int64_t> multipliers(const CoverSpace& s) {
  std::vector<std::int64_t> m{
      s.multiplier_lo,     s.multiplier_lo + 1,        s.multiplier_hi,
      s.multiplier_hi - 1, (s.multiplier_lo << 1) - 1, s.multiplier_lo + (s.multiplier_lo >> 1)};
  for (int i = 0; i < s.mantissa_bits; ++i) {
    m.push_back(s.multiplier_lo + (std::int64_t{1} << i));
    m.push_back(2 * s.multiplier_lo - 1 - (std::int64_t{1} << i));
  }
  return inside(std::move(m), s.multiplier_lo, s.multiplier_hi);
}

void search_outputs(Search& search, const CoverSpace& s) {
  constexpr std::int64_t near = 70;
  for (const std::int64_t m : inside({s.multiplier_lo, s.multiplier_lo + 1, s.multiplier_hi}, 1, s.multiplier_hi)) {
    for (const int more : {0, 1, 3, 4}) {
      for (const std::int64_t zp : zero_points(s)) {
        Channel c = usual_channel(s, m, more);
        for (const auto& [lo, hi] : clamps(s.out, zp)) {
          set_output(c, s.out, zp);
          c.lo = lo;
          c.hi = hi;
          const std::int64_t middle = accumulator_for(
              -(s.profile.recipe.zero_point == ZeroPointAt::after_rounding ? zp - std::clamp<std::int64_t>(0, lo, hi)
                                                                           : 0),
              c);
          for (std::int64_t x = -near; x <= near; ++x) search(x, c);
          for (std::int64_t x = -near; x <= near; ++x) search(middle + x, c);
          if (search.done()) return;
        }
      }
    }
  }
}

void search_shifts(Search& search, const CoverSpace& s) {
  const std::vector<std::int64_t> ms =
      inside({s.multiplier_lo, s.multiplier_lo + 1, s.multiplier_hi, s.multiplier_hi - 1, s.multiplier_lo * 3 / 2}, 1,
             s.multiplier_hi);
  for (int k = s.shift_lo; k <= s.shift_hi; ++k) {
    for (const std::int64_t m : ms) {
      for (const std::int64_t zp : zero_points(s)) {
        Channel c{.multiplier = m, .shift = k};
        set_output(c, s.out, zp);
        for (const std::int64_t x : {1, -1, 2, -2}) search(x, c);
        for (const std::int64_t r : {1, -1, 2, -2, 5, -5}) {
          const std::int64_t x = accumulator_for(r, c);
          for (const std::int64_t d : {-1, 0, 1}) search(x + d, c);
        }
        // The domain's own ends: TOSA takes |v| < 2^(shift - 1).
        const std::int64_t half = k >= 1 && k < 60 ? std::int64_t{1} << (k - 1) : s.acc.hi;
        for (const std::int64_t x : {s.acc.lo, s.acc.hi, -half, half - 1}) search(x, c);
      }
    }
    if (search.done()) return;
  }
}

void search_residues(Search& search, const CoverSpace& s) {
  for (const std::int64_t m : multipliers(s)) {
    for (int more = -2; more <= 34; ++more) {
      Channel c = usual_channel(s, m, more);
      Solved solved;
      for (const std::int64_t x : residue_points(s.profile, c, s.acc, solved)) search(x, c);
      if (search.done()) return;
    }
  }
}

void search_operands(Search& search, const CoverSpace& s) {
  for (const std::int64_t m : multipliers(s)) {
    const Channel c = usual_channel(s, m, 2);
    for (const std::int64_t x : {1, -1, 5, -5, 1000, -1000}) search(x, c);
    Channel negative = c;
    negative.multiplier = -m;
    for (const std::int64_t x : {1, -1, 5, -5, 1000, -1000}) search(x, negative);
  }
  for (const int k : {s.shift_lo, 0, 1, 16, 31, 32, 33, 40, 62, s.shift_hi}) {
    if (k < s.shift_lo || k > s.shift_hi) continue;
    for (const std::int64_t m : inside({s.multiplier_lo, s.multiplier_hi}, 1, s.multiplier_hi)) {
      for (const std::int64_t zp : inside({0, s.out.max(), s.out.min()}, s.zero_point_lo, s.zero_point_hi)) {
        Channel c{.multiplier = m, .shift = k};
        set_output(c, s.out, zp);
        for (const std::int64_t x : landmarks(s.acc)) search(x, c);
      }
    }
  }
  if (s.zero_multiplier) {
    Channel c{.multiplier = 0, .shift = s.zero_shift};
    set_output(c, s.out, s.zero_point_lo);
    for (const std::int64_t x : {0, 1, -1, 1000}) search(x, c);
  }
  if (s.profile.has_addend) {
    for (const std::int64_t a : {1, -1, 1000, -1000}) {
      Channel c = usual_channel(s, s.multiplier_lo, 2);
      c.addend = a;
      for (const std::int64_t x : {0, 1, -1, 50}) search(x, c);
    }
    // An addend alone makes any product: large shifts stay readable with it.
    for (int k = s.shift_lo; k <= s.shift_hi; ++k) {
      Channel c{.multiplier = s.multiplier_lo, .shift = k};
      set_output(c, s.out, 0);
      for (const std::int64_t r : {1, 2, -1, -2}) {
        if (k > 60) continue;
        c.addend = (r << k) - 3 * c.multiplier;
        search(3, c);
      }
      if (k > 60) {
        c.addend = (std::int64_t{1} << k) - 3 * c.multiplier;
        search(3, c);
      }
    }
  }
}

void search_multiplier_neighbours(Search& search, const CoverSpace& s) {
  const Channel base = usual_channel(s, s.multiplier_lo, 2);
  std::vector<Channel> others(6, base);
  others[0].multiplier = s.multiplier_hi;
  others[1].shift = std::max(base.shift - 1, s.shift_lo);
  others[2].zero_point = static_cast<std::int32_t>(std::min<std::int64_t>(s.zero_point_hi, 40));
  others[3].lo = std::max<std::int64_t>(0, s.out.min() + 3);
  others[4].hi = std::min(std::max<std::int64_t>(s.out.min() + 1, 1), s.out.max() - 1);
  others[5].addend = std::int64_t{16} << base.shift;
  if (s.zero_multiplier) {
    others.push_back(base);
    others.back().multiplier = 0;
    others.back().shift = s.zero_shift;
  }
  const std::int64_t small = accumulator_for(3, base), large = accumulator_for(1000, base);
  try_neighbours(search, base, others, {1,  2,  3,  4,  5,  6,     7,      8,          -1,    -2,     -3,
                                        -4, -5, -6, -7, -8, small, -small, 10 * small, large, -large, large * 40});
}

// --- any float scale -------------------------------------------------------------------------------------------------

void search_floats(Search& search, const CoverSpace& s) {
  const auto channel = [&](double scale, std::int64_t zp) {
    Channel c{.multiplier = 0, .scale = scale};
    set_output(c, s.out, zp);
    return c;
  };
  constexpr int most_exponent = 8, least_exponent = -24;
  // Values around ties, clamps and zero: scales of 1/2, and of k + 1/2 with a little more or less.
  std::vector<double> scales{0.5, 0.25, 0.75, 1.5, 2.5, 0.3F, 0.1F};
  for (const double at : {0.5, 1.5, 2.5, 3.5})
    for (const double beside : {-0x1p-20, 0x1p-20}) scales.push_back(at + beside);
  for (const double scale : scales) {
    for (const std::int64_t zp : zero_points(s)) {
      for (const auto& [lo, hi] : clamps(s.out, zp)) {
        Channel c = channel(scale, zp);
        c.lo = lo;
        c.hi = hi;
        for (std::int64_t x = -80; x <= 80; ++x) search(x, c);
        for (const std::int64_t edge : {lo, hi}) {
          const auto at = static_cast<std::int64_t>(static_cast<double>(edge - zp) / scale);
          for (std::int64_t x = -12; x <= 12; ++x) search(at + x, c);
        }
        if (search.done()) return;
      }
    }
  }
  for (int e = least_exponent; e <= most_exponent; ++e) {
    for (const double mantissa : {1.0, 1.5, static_cast<double>(0x1.fffffep0F)}) {
      const double scale = std::ldexp(mantissa, e);
      for (const std::int64_t zp : zero_points(s)) {
        const Channel c = channel(scale, zp);
        for (const std::int64_t r : {1, -1, 2, -2, 3, -3}) {
          const auto at = static_cast<std::int64_t>(static_cast<double>(r) / scale);
          for (const std::int64_t d : {-1, 0, 1}) search(at + d, c);
        }
      }
    }
  }
  for (int i = 0; i < 23; ++i) {
    for (const double mantissa : {1.0 + std::ldexp(1.0, i - 23), 0x1.fffffep0 - std::ldexp(1.0, i - 23)}) {
      for (const std::int64_t x : {1, -1, 5, 99}) search(x, channel(mantissa / 4, 0));
    }
  }
  for (const std::int64_t x : landmarks(s.acc))
    for (const double scale : {0x1p-24, 0x1.fffffep-20, static_cast<double>(0.3F)}) search(x, channel(scale, 0));
  const Channel base = channel(0.25, 0);
  std::vector<Channel> others(4, base);
  others[0].scale = 0.75;
  others[1].zero_point = static_cast<std::int32_t>(std::min<std::int64_t>(s.zero_point_hi, 40));
  others[2].lo = std::max<std::int64_t>(0, s.out.min() + 3);
  others[3].hi = std::min(std::max<std::int64_t>(s.out.min() + 1, 1), s.out.max() - 1);
  try_neighbours(search, base, others, {1, 2, 3, 4, 6, -1, -2, -3, -4, -6, 12, -12, 100000, -100000});
}

// --- given channels --------------------------------------------------------------------------------------------------

/// What the tried accumulators prove about bins that stay without a witness.
struct Tried {
  Solved residues;             ///< every tie, near tie and exact result was among them
  bool registers_hold = true;  ///< no register leaves anywhere in the ranges, so the result is monotone
  bool everything = false;     ///< all accumulators of all channels
  Wide accumulators = 0;
};

/// The accumulators on both sides of every value of `wanted` crossing, by bisection on a monotone channel.
void crossings(const Profile& p, const Channel& c, AccRange range, std::vector<std::int64_t>& points) {
  Channel wide = c;
  wide.lo = kInt32.min();
  wide.hi = kInt32.max();
  const auto value = [&](std::int64_t x) { return apply_recipe(x, p.recipe, wide); };
  const std::int64_t at_lo = value(range.lo), at_hi = value(range.hi);
  const bool rising = at_lo <= at_hi;
  const std::int64_t zp = c.zero_point;
  for (const std::int64_t want : {c.lo - 1, c.lo, c.lo + 1, c.lo + 2, c.hi - 1, c.hi, c.hi + 1, c.hi + 2, zp - 1, zp,
                                  zp + 1, std::int64_t{-1}, std::int64_t{0}, std::int64_t{1}}) {
    // First accumulator whose value is at least `want` (rising) or at most (falling).
    const auto reached = [&](std::int64_t x) { return rising ? value(x) >= want : value(x) <= want; };
    if (!reached(range.hi)) continue;
    std::int64_t lo = range.lo, hi = range.hi;
    while (lo < hi) {
      const std::int64_t mid = lo + (hi - lo) / 2;
      reached(mid) ? hi = mid : lo = mid + 1;
    }
    points.push_back(lo);
    if (lo > range.lo) points.push_back(lo - 1);
  }
}

Tried search_fixed(Search& search, const CoverSpace& s, std::int64_t tried_whole) {
  Tried tried;
  for (const ChannelRange& f : s.fixed) tried.accumulators += Wide{f.range.hi} - f.range.lo + 1;
  constexpr std::int64_t near = 64;
  const ChannelRange* previous = nullptr;
  for (const ChannelRange& f : s.fixed) {
    const auto holds = monotone_range(s.profile, f.channel, f.range);
    tried.registers_hold = tried.registers_hold && holds && *holds == f.range;
    std::vector<std::int64_t> points = landmarks(f.range);
    const std::int64_t origin = std::clamp<std::int64_t>(0, f.range.lo, f.range.hi);
    for (std::int64_t x = -near; x <= near; ++x) points.push_back(origin + x);
    for (const std::int64_t x : residue_points(s.profile, f.channel, f.range, tried.residues)) points.push_back(x);
    crossings(s.profile, f.channel, f.range, points);
    points = inside(std::move(points), f.range.lo, f.range.hi);
    for (const std::int64_t x : points) {
      search(x, f.channel);
      if (previous != nullptr && x >= previous->range.lo && x <= previous->range.hi) {
        const RequantCase before{x, previous->channel}, here{x, f.channel};
        search(here, &before);
        search(before, &here);
      }
    }
    previous = &f;
  }
  if (!search.done() && tried.accumulators <= tried_whole) {
    tried.everything = true;
    for (const ChannelRange& f : s.fixed)
      for (std::int64_t x = f.range.lo; x <= f.range.hi && !search.done(); ++x) search(x, f.channel);
  }
  return tried;
}

/// Why no given channel can hit the bin: by its channel or its accumulators alone.
std::string excluded(const CoverSpace& s, const Bin& bin) {
  const auto fits = [&](const ChannelRange& f) { return bin.channel == nullptr || bin.channel(f.channel); };
  if (std::none_of(s.fixed.begin(), s.fixed.end(), fits)) return "no channel of the set has it";
  AccRange reach{INT64_MAX, INT64_MIN};
  for (const ChannelRange& f : s.fixed) {
    if (!fits(f)) continue;
    if (f.range.lo <= bin.accumulators.hi && f.range.hi >= bin.accumulators.lo) return "";
    reach = {std::min(reach.lo, f.range.lo), std::max(reach.hi, f.range.hi)};
  }
  return fmt::format("the accumulators of these channels stay in [{}, {}]", reach.lo, reach.hi);
}

void conclude(const CoverSpace& s, const std::vector<Bin>& bins, const Search& search, const Tried& tried,
              std::vector<Decision>& decisions) {
  for (const std::size_t i : search.missing()) {
    Decision& d = decisions[i];
    const bool pair = bins[i].group == "neighbour";
    if (tried.everything && !pair) {
      d.reason = fmt::format("all {} accumulators of the {} channel(s) were tried",
                             static_cast<std::int64_t>(tried.accumulators), s.fixed.size());
    } else if ((bins[i].kind == BinKind::first_residue && tried.residues.first) ||
               (bins[i].kind == BinKind::last_residue && tried.residues.last)) {
      d.reason = "every accumulator of these channels whose product has this residue was tried";
    } else if (bins[i].kind == BinKind::threshold && tried.registers_hold) {
      d.reason = bins[i].group == "register"
                     ? "every register holds at both ends of every channel's range, and is monotone in between"
                     : "the result is monotone over each channel's range, and both sides of the crossing were tried";
    }
    if (!d.reason.empty()) d.reach = Reach::unreachable;
  }
}

}  // namespace

std::vector<Decision> decide(const CoverSpace& space, const std::vector<Bin>& bins, std::int64_t tried_whole) {
  std::vector<Decision> decisions(bins.size());
  for (std::size_t i = 0; i < bins.size(); ++i) {
    Decision& d = decisions[i];
    if (bins[i].proof) d.reason = bins[i].proof(space);
    if (d.reason.empty() && space.is_fixed()) d.reason = excluded(space, bins[i]);
    if (!d.reason.empty()) d.reach = Reach::unreachable;
  }
  Search search(space, bins, decisions);
  if (space.is_fixed()) {
    const Tried tried = search_fixed(search, space, tried_whole);
    conclude(space, bins, search, tried, decisions);
  } else if (space.profile.uses_multiplier()) {
    for (const auto part :
         {search_operands, search_outputs, search_multiplier_neighbours, search_shifts, search_residues}) {
      if (!search.done()) part(search, space);
    }
  } else {
    search_floats(search, space);
  }
  return decisions;
}

}  // namespace obz
