#include "golden/mutate/equivalence.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "golden/cases/layer_requant.hpp"
#include "golden/cases/synth.hpp"
#include "golden/complete/complete.hpp"
#include "golden/device/run_faulty.hpp"
#include "ref/arith/apply.hpp"
#include "ref/base/error.hpp"
#include "ref/base/philox.hpp"
#include "ref/execute/naive.hpp"
#include "ref/net/bounds.hpp"

namespace obz {
namespace {

MutantResult equivalent(const Fault& f, std::string proof) { return {f, Fate::equivalent, std::move(proof)}; }

/// Exhaustive sweeps stop here: about a minute on one core.
constexpr std::int64_t kMostSwept = std::int64_t{1} << 31;

/// A word that is never anything else than what it should be.
template <class Words>
bool harmless(const Fault& f, Wire wire, const Words& words) {
  return f.wire == wire && f.damage != Damage::lost_carry &&
         std::all_of(words.begin(), words.end(), [&](std::int64_t v) { return damaged(f, wire, v) == v; });
}

/// The same over an interval.
bool harmless_on(const Fault& f, Range range) {
  if (f.damage == Damage::lost_carry) return false;
  if (f.damage == Damage::wraps || f.damage == Damage::saturates) {
    const IntType fits{static_cast<std::uint8_t>(f.bit), true};
    return fits.holds(range.lo) && fits.holds(range.hi);
  }
  // Damage to one bit shows within two of its periods, or nowhere.
  const std::int64_t last = f.bit < 40 ? std::min(range.hi, range.lo + (std::int64_t{4} << f.bit)) : range.hi;
  if (last - range.lo > kMostSwept >> 4) return false;
  for (std::int64_t v = range.lo; v <= last; ++v) {
    if (damaged(f, f.wire, v) != v) return false;
  }
  return true;
}

/// A wire whose words stay where the damage does nothing. Every wire is monotone in the accumulator, so its ends bound
/// it.
std::optional<std::string> wire_proof(const RequantUnit& unit, const Fault& f) {
  std::int64_t RequantTrace::*word = nullptr;
  if (f.wire == Wire::scaling) word = &RequantTrace::product;
  if (f.wire == Wire::rounding) word = &RequantTrace::scaled;
  if (f.wire == Wire::sum) word = &RequantTrace::sum;
  const bool known = word != nullptr && unit.recipe.arithmetic == Arithmetic::dyadic &&
                     unit.recipe.clamp == ClampAt::after_zero_point && unit.recipe.product_bits == 64;
  if (f.wire != Wire::acc && !known) return std::nullopt;
  Range words{INT64_MAX, INT64_MIN};
  for (std::size_t c = 0; c < unit.channels.size(); ++c) {
    if (known && unit.channels[c].shift < unit.recipe.first_bits) return std::nullopt;  // the left shift may wrap
    for (const std::int64_t acc : {unit.ranges[c].lo, unit.ranges[c].hi}) {
      const std::int64_t v = known ? trace_requantize(acc, unit.recipe, unit.channels[c]).*word : acc;
      words = {std::min(words.lo, v), std::max(words.hi, v)};
    }
  }
  if (!harmless_on(f, words)) return std::nullopt;
  return fmt::format("that wire stays in {}..{}, where the damage does nothing", words.lo, words.hi);
}

/// Proofs that a fault of a sum of products never shows. nullopt: none applies.
struct SumProof {
  const LayerUnit& unit;
  const Fault& f;

  IntType type(std::size_t input) const {
    return unit.net().tensors[static_cast<std::size_t>(unit.node().inputs[input])].type;
  }
  static std::vector<std::int64_t> values_of(IntType t) {
    std::vector<std::int64_t> values;
    for (std::int64_t v = t.min(); t.bits <= 16 && v <= t.max(); ++v) values.push_back(v);
    return values;
  }
  static std::vector<std::int64_t> values_of(const Tensor& t) { return {t.data.begin(), t.data.end()}; }
  static Range centred(Range r, std::int64_t z) { return {r.lo - z, r.hi - z}; }
  static Range times(Range a, Range b) {
    const auto corners = {a.lo * b.lo, a.lo * b.hi, a.hi * b.lo, a.hi * b.hi};
    return {std::min(corners), std::max(corners)};
  }

  /// Operands, products and sums of a layer with constant weights.
  std::optional<std::string> filter_layer(const Filter& filter, std::int64_t zx) const {
    const IntType tx = type(0);
    if (harmless(f, Wire::x, values_of(tx)) || harmless(f, Wire::w, values_of(filter.weights)) ||
        (!filter.bias.empty() && harmless(f, Wire::bias, filter.bias))) {
      return "no value on that wire changes";
    }
    const Range x = centred({tx.min(), tx.max()}, zx);
    Range products{0, 0}, sums{0, 0};
    const std::int64_t terms = filter.weights.elems() / filter.out_channels();
    for (std::int64_t o = 0; o < filter.out_channels(); ++o) {
      Range sum{std::min<std::int64_t>(0, filter.bias_of(o)), std::max<std::int64_t>(0, filter.bias_of(o))};
      for (std::int64_t k = 0; k < terms; ++k) {
        const std::int64_t w = filter.weights.data[static_cast<std::size_t>(o * terms + k)] - filter.zero_point_of(o);
        const Range p = times({w, w}, x);
        products = {std::min(products.lo, p.lo), std::max(products.hi, p.hi)};
        sum.lo += std::min<std::int64_t>(0, p.lo);
        sum.hi += std::max<std::int64_t>(0, p.hi);
      }
      sums = {std::min(sums.lo, sum.lo), std::max(sums.hi, sum.hi)};
    }
    return on_wires(products, sums);
  }

  std::optional<std::string> on_wires(Range products, Range sums) const {
    if (f.wire == Wire::product && harmless_on(f, products)) {
      return fmt::format("products stay in {}..{}, where that wire is harmless", products.lo, products.hi);
    }
    if (f.wire == Wire::partial && harmless_on(f, sums)) {
      return fmt::format("sums stay in {}..{}, where that wire is harmless", sums.lo, sums.hi);
    }
    if (f.quirk == Quirk::register_saturates || f.quirk == Quirk::register_wraps) {
      return fits_register(sums);
    }
    return std::nullopt;
  }
  std::optional<std::string> fits_register(Range sums) const {
    const int bits = std::visit(
        [](const auto& op) {
          if constexpr (requires { op.accumulator; }) return static_cast<int>(op.accumulator.bits);
          return 64;
        },
        unit.node().op);
    if (signed_bits(sums) <= bits) return fmt::format("sums stay in {}..{}, inside {} bits", sums.lo, sums.hi, bits);
    return std::nullopt;
  }

  std::optional<std::string> operator()(const Conv2d& op) const { return filter_layer(op.filter, op.x_zero_point); }
  std::optional<std::string> operator()(const Dense& op) const { return filter_layer(op.filter, op.x_zero_point); }
  std::optional<std::string> operator()(const MatMul& op) const {
    const IntType ta = type(0), tb = type(1);
    if (harmless(f, Wire::x, values_of(ta)) || harmless(f, Wire::w, values_of(tb))) {
      return "no value on that wire changes";
    }
    const Range p =
        times(centred({ta.min(), ta.max()}, op.a_zero_points[0]), centred({tb.min(), tb.max()}, op.b_zero_points[0]));
    const std::int64_t k = depth(op, unit.net().tensors[static_cast<std::size_t>(unit.node().inputs[0])].shape);
    return on_wires(p, {std::min<std::int64_t>(0, p.lo) * k, std::max<std::int64_t>(0, p.hi) * k});
  }
  std::optional<std::string> operator()(const AvgPool& op) const {
    const IntType t = type(0);
    if (harmless(f, Wire::x, values_of(t))) return "no value on that wire changes";
    const Range x = centred({t.min(), t.max()}, op.by == AverageBy::division ? 0 : op.x_zero_point);
    const std::int64_t k = std::int64_t{op.kernel_h} * op.kernel_w;
    return on_wires({}, {std::min<std::int64_t>(0, x.lo) * k, std::max<std::int64_t>(0, x.hi) * k});
  }
  template <class Op>
  std::optional<std::string> operator()(const Op&) const {
    return std::nullopt;
  }
};

bool is_affine(const Fault& f) {
  return (f.quirk >= Quirk::w_other_sign && f.quirk <= Quirk::count_inside) ||
         (f.quirk >= Quirk::bias_missing && f.quirk <= Quirk::bias_16_bits);
}

/// Both accumulators are affine in the inputs: equal on an affine basis is equal everywhere.
std::optional<std::string> affine_proof(const LayerUnit& unit, const Fault& f) {
  const IntNet& net = unit.net();
  const bool one_free = net.inputs.size() == 1;
  const bool linear = std::holds_alternative<Conv2d>(unit.node().op) || std::holds_alternative<Dense>(unit.node().op) ||
                      std::holds_alternative<AvgPool>(unit.node().op);
  if (!is_affine(f) || !one_free || !linear) return std::nullopt;
  const TensorInfo& info = net.tensors[static_cast<std::size_t>(net.inputs[0])];
  const TensorInfo& out = net.tensors[static_cast<std::size_t>(unit.node().outputs[0])];
  constexpr std::int64_t most = 1 << 14;
  if (info.shape.elems() > most) return std::nullopt;
  Tensor x(info.shape, info.type), want(out.shape, out.type), got(out.shape, out.type);
  std::fill(x.data.begin(), x.data.end(), static_cast<std::int32_t>(info.type.min()));
  const std::vector<const Tensor*> operands(unit.node().inputs.size(), &x);
  for (std::int64_t i = -1; i < x.elems(); ++i) {
    if (i >= 0) x.data[static_cast<std::size_t>(i)] += 1;
    std::vector<std::int64_t> a, b;
    run_naive(unit.node(), operands, want, &a);
    run_faulty(unit.node(), operands, got, f, &b);
    if (a != b || want != got) return std::nullopt;
    if (i >= 0) x.data[static_cast<std::size_t>(i)] -= 1;
  }
  return fmt::format("both sums are affine and agree on a basis of {} inputs", x.elems() + 1);
}

/// The pair sums of vpmaddubsw that this layer can produce.
std::optional<std::string> pair_proof(const LayerUnit& unit, const Fault& f) {
  if (f.quirk != Quirk::pairs_saturate_16) return std::nullopt;
  const auto of_filter = [&](const Filter& filter) -> std::optional<std::string> {
    const IntType t = unit.net().tensors[static_cast<std::size_t>(unit.node().inputs[0])].type;
    const std::int64_t span = t.max() - t.min(), terms = filter.weights.elems() / filter.out_channels();
    for (std::int64_t o = 0; o < filter.out_channels(); ++o) {
      for (std::int64_t k = 0; k < terms; k += 2) {
        std::int64_t lo = 0, hi = 0;
        for (std::int64_t i = k; i < std::min(k + 2, terms); ++i) {
          const std::int64_t w = filter.weights.data[static_cast<std::size_t>(o * terms + i)] - filter.zero_point_of(o);
          (w < 0 ? lo : hi) += w * span;
        }
        if (lo < INT16_MIN || hi > INT16_MAX) return std::nullopt;
      }
    }
    return "no pair of weights can leave 16 bits";
  };
  if (const auto* conv = std::get_if<Conv2d>(&unit.node().op)) return of_filter(conv->filter);
  if (const auto* dense = std::get_if<Dense>(&unit.node().op)) return of_filter(dense->filter);
  if (std::holds_alternative<MatMul>(unit.node().op)) {
    const IntType a = unit.net().tensors[static_cast<std::size_t>(unit.node().inputs[0])].type;
    const IntType b = unit.net().tensors[static_cast<std::size_t>(unit.node().inputs[1])].type;
    if (2 * (a.max() - a.min()) * std::max(b.max(), -b.min()) <= INT16_MAX)
      return "no pair of operands can leave 16 bits";
  }
  return std::nullopt;
}

/// Sums that saturate on their way do no harm when the output is at its end by then. Let M be the bound and k the first
/// term after which a sum can exceed it: from there the sum falls by at most the negative parts of the terms that
/// follow, so it ends at or above M - (those); and where the requantizer is constant from there up, the device's output
/// is the reference's. Likewise below.
std::optional<std::string> saturation_proof(const LayerUnit& unit, const Fault& f) {
  if (f.wire != Wire::partial || f.damage != Damage::saturates) return std::nullopt;
  const auto requant = layer_requant(unit.net(), unit.node());
  const auto of_filter = [&](const Filter& filter, std::int64_t zx) -> std::optional<std::string> {
    const IntType t = unit.net().tensors[static_cast<std::size_t>(unit.node().inputs[0])].type;
    const IntType reg{static_cast<std::uint8_t>(f.bit), true};
    const std::int64_t terms = filter.weights.elems() / filter.out_channels();
    for (std::int64_t o = 0; o < filter.out_channels(); ++o) {
      const auto c = static_cast<std::size_t>(requant->channels.size() == 1 ? 0 : o);
      const Channel& channel = requant->channels[c];
      const AccRange range = requant->ranges[c];
      const std::int64_t bias = filter.bias_of(o);
      std::int64_t most = 0, least = 0, falls = 0, rises = 0;  // of the terms so far; of those that follow
      std::vector<Range> term;
      for (std::int64_t k = 0; k < terms; ++k) {
        const std::int64_t w = filter.weights.data[static_cast<std::size_t>(o * terms + k)] - filter.zero_point_of(o);
        const std::int64_t a = w * (t.min() - zx), b = w * (t.max() - zx);
        term.push_back({std::min<std::int64_t>({a, b, 0}), std::max<std::int64_t>({a, b, 0})});
        falls += term.back().lo;
        rises += term.back().hi;
      }
      term.push_back({std::min<std::int64_t>(bias, 0), std::max<std::int64_t>(bias, 0)});
      falls += term.back().lo;
      rises += term.back().hi;
      for (const Range p : term) {
        most += p.hi;
        least += p.lo;
        falls -= p.lo;
        rises -= p.hi;
        const auto out = [&](std::int64_t acc) {
          return apply_recipe(saturate(acc, range.lo, range.hi), requant->recipe, channel);
        };
        if (most > reg.max() && out(reg.max() + falls) != out(range.hi)) return std::nullopt;
        if (least < reg.min() && out(reg.min() + rises) != out(range.lo)) return std::nullopt;
      }
    }
    return fmt::format("a sum beyond {} bits can no longer leave the end of the output's range", f.bit);
  };
  if (!requant || requant->recipe.clamp == ClampAt::before_rounding) return std::nullopt;
  if (const auto* conv = std::get_if<Conv2d>(&unit.node().op)) return of_filter(conv->filter, conv->x_zero_point);
  if (const auto* dense = std::get_if<Dense>(&unit.node().op)) return of_filter(dense->filter, dense->x_zero_point);
  return std::nullopt;
}

/// A seeded sample that shows the fault, in words.
std::optional<std::string> find_killer(const LayerUnit& unit, const Fault& f, std::uint64_t seed) {
  constexpr std::int64_t tries = 400;
  for (std::int64_t s = 0; s < tries; ++s) {
    const Goal goal = s % 2 == 0 ? Goal::corners : Goal::random;
    const auto sample = unit.sample(random_inputs(unit.net(), goal, seed ^ 0x6b696c6c, s));
    if (unit.kills(sample, f, 0)) {
      return fmt::format("seeded inputs, goal {}, seed {}, sample {}", goal == Goal::corners ? "corners" : "random",
                         seed ^ 0x6b696c6c, s);
    }
  }
  return std::nullopt;
}

/// A saturating register before a clamp that is at least as tight, and a carry lost in adding 0.
bool clamp_hides(const RequantUnit& unit, const Fault& f) {
  const bool after = unit.recipe.clamp == ClampAt::after_zero_point && unit.recipe.arithmetic == Arithmetic::dyadic;
  if (!after || (f.wire != Wire::sum && f.wire != Wire::rounding)) return false;
  const bool late = unit.recipe.zero_point == ZeroPointAt::after_rounding;
  const auto every = [&](auto&& holds) { return std::all_of(unit.channels.begin(), unit.channels.end(), holds); };
  if (f.wire == Wire::sum && f.damage == Damage::lost_carry) {
    return every([&](const Channel& c) { return !late || c.zero_point == 0; });
  }
  if (f.damage != Damage::saturates) return false;
  const IntType reg{static_cast<std::uint8_t>(f.bit), true};
  return every([&](const Channel& c) {
    const std::int64_t joins = late && f.wire == Wire::rounding ? c.zero_point : 0;
    return reg.holds(c.lo - joins) && reg.holds(c.hi - joins);
  });
}

/// A fault that is only other numbers, compared staircase by staircase: exact whatever the range. nullopt: not of that
/// kind, or not monotone on the whole range.
std::optional<MutantResult> decide_by_staircases(const RequantUnit& unit, const Fault& f) {
  Profile reference = find_profile("tflite/double"), device = reference;
  if (unit.recipe.arithmetic != Arithmetic::dyadic) return std::nullopt;
  reference.recipe = unit.recipe;
  bool all = true;
  for (std::size_t c = 0; c < unit.channels.size(); ++c) {
    const Lane lane = lane_of(unit, static_cast<std::int32_t>(c));
    Recipe recipe = unit.recipe;
    Channel channel = *lane.own;
    if (!altered_numbers(f, lane, unit.out, recipe, channel)) return std::nullopt;
    if (recipe == unit.recipe && channel == *lane.own) continue;
    device.recipe = recipe;
    const AccRange range = unit.ranges[c];
    const auto whole = [&](const Profile& p, const Channel& ch) { return monotone_range(p, ch, range) == range; };
    if (!whole(reference, *lane.own) || !whole(device, channel) || lane.own->multiplier < 0 || channel.multiplier < 0) {
      all = false;
      continue;
    }
    const Difference d = difference(staircase(unit.recipe, *lane.own, range), staircase(recipe, channel, range));
    if (d.count > 0) {
      const std::int64_t want = apply_recipe(d.at, unit.recipe, *lane.own);
      const std::int64_t got = faulty_requantize(d.at, unit.recipe, lane, unit.out, f);
      if (want != got) {
        return MutantResult{f, Fate::survived,
                            fmt::format("mult {} shift {} zp {}, accumulator {}: want {}, got {}", lane.own->multiplier,
                                        lane.own->shift, lane.own->zero_point, d.at, want, got)};
      }
      all = false;
    }
  }
  if (!all) return std::nullopt;
  return equivalent(f, fmt::format("the same staircase on all {} channels", unit.channels.size()));
}

/// Ranges too wide to sweep: the accumulators of complete sets, and seeded ones, on the first channels.
std::optional<MutantResult> search(const RequantUnit& unit, const Fault& f) {
  Profile profile = find_profile("tflite/double");
  profile.recipe = unit.recipe;
  constexpr std::size_t channels = 256;
  constexpr int seeded = 256;
  for (std::size_t c = 0; c < std::min(channels, unit.channels.size()); ++c) {
    const Lane lane = lane_of(unit, static_cast<std::int32_t>(c));
    std::vector<RequantCase> cases;
    Certificate unused;
    try {
      append_complete(profile, *lane.own, unit.ranges[c], cases, unused);
    } catch (const Error&) {
      continue;  // a channel outside the domain at every accumulator
    }
    CaseRandom rng(1, c, 920);
    for (int i = 0; i < seeded; ++i) {
      const RequantCase one{rng.between(unit.ranges[c].lo, unit.ranges[c].hi), *lane.own};
      if (in_domain(profile, one)) cases.push_back(one);
    }
    for (const RequantCase& one : cases) {
      const std::int64_t want = apply_recipe(one.acc, unit.recipe, *lane.own);
      const std::int64_t got = faulty_requantize(one.acc, unit.recipe, lane, unit.out, f);
      if (want == got) continue;
      return MutantResult{f, Fate::survived,
                          fmt::format("mult {} shift {} zp {}, accumulator {}: want {}, got {}", lane.own->multiplier,
                                      lane.own->shift, lane.own->zero_point, one.acc, want, got)};
    }
  }
  return std::nullopt;
}

}  // namespace

MutantResult decide(const RequantUnit& unit, const Fault& f) {
  const auto words = [&](auto member) {
    std::vector<std::int64_t> values;
    for (const Channel& c : unit.channels) values.push_back(c.*member);
    return values;
  };
  if (harmless(f, Wire::multiplier, words(&Channel::multiplier)) || harmless(f, Wire::shift, words(&Channel::shift)) ||
      harmless(f, Wire::zero_point, words(&Channel::zero_point))) {
    return equivalent(f, "no channel has another value on that wire");
  }
  if (const auto proof = wire_proof(unit, f)) return equivalent(f, *proof);
  if (clamp_hides(unit, f)) return equivalent(f, "the clamp behind that wire is at least as tight on every channel");
  std::int64_t total = 0;
  for (const AccRange& r : unit.ranges) total += r.size() < kMostSwept ? r.size() : kMostSwept;
  if (in_outputs(f))
    return {f, Fate::survived, "a set whose outputs are not alike in the places that this fault touches"};
  if (total >= kMostSwept) {
    if (const auto decided = decide_by_staircases(unit, f)) return *decided;
    return search(unit, f).value_or(MutantResult{f, Fate::undecided, ""});
  }
  for (std::size_t c = 0; c < unit.channels.size(); ++c) {
    const Lane lane = lane_of(unit, static_cast<std::int32_t>(c));
    for (std::int64_t acc = unit.ranges[c].lo; acc <= unit.ranges[c].hi; ++acc) {
      const std::int64_t want = apply_recipe(acc, unit.recipe, *lane.own);
      const std::int64_t got = faulty_requantize(acc, unit.recipe, lane, unit.out, f);
      if (want != got) {
        return {f, Fate::survived, fmt::format("channel {}, accumulator {}: want {}, got {}", c, acc, want, got)};
      }
    }
  }
  return equivalent(f, fmt::format("equal on all {} accumulators of {} channels", total, unit.channels.size()));
}

MutantResult decide(const LayerUnit& unit, const CompleteInputs& complete, const Fault& f, std::uint64_t seed) {
  const LayerCertificate& certificate = complete.certificate;
  if (certificate.exhaustive) {
    const bool shown = std::any_of(complete.samples.begin(), complete.samples.end(),
                                   [&](const auto& inputs) { return unit.kills(unit.sample(inputs), f, 0); });
    if (!shown) return equivalent(f, fmt::format("{}: none shows it", certificate.claim));
  }
  if (const auto proof = std::visit(SumProof{unit, f}, unit.node().op)) return equivalent(f, *proof);
  if (const auto proof = affine_proof(unit, f)) return equivalent(f, *proof);
  if (const auto proof = pair_proof(unit, f)) return equivalent(f, *proof);
  if (const auto proof = saturation_proof(unit, f)) return equivalent(f, *proof);
  if (std::holds_alternative<MatMul>(unit.node().op) && is_affine(f)) {
    const bool shown = std::any_of(complete.samples.begin(), complete.samples.end(),
                                   [&](const auto& inputs) { return unit.kills(unit.sample(inputs), f, 0); });
    if (!shown) return equivalent(f, "both sums are bilinear and agree on every product alone");
  }
  if (in_requantizer(f) && f.unit == 0) {
    const auto requant = layer_requant(unit.net(), unit.node());
    const bool by_count = std::holds_alternative<AvgPool>(unit.node().op);
    if (requant && !by_count) {
      const RequantUnit end{requant->recipe, requant->out, requant->channels, requant->ranges};
      MutantResult result = decide(end, f);
      if (result.fate != Fate::undecided) return result;
    }
    if (by_count && certificate.visited == certificate.wanted) {
      const bool shown = std::any_of(complete.samples.begin(), complete.samples.end(),
                                     [&](const auto& inputs) { return unit.kills(unit.sample(inputs), f, 0); });
      if (!shown) return equivalent(f, fmt::format("{}: none shows it", certificate.claim));
    }
  }
  if (const auto killer = find_killer(unit, f, seed)) return {f, Fate::survived, *killer};
  return {f, Fate::undecided, ""};
}

}  // namespace obz
