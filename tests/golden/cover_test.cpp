// Claims: a bin that is called reachable has a case that hits it, one that is called unreachable has none (by brute
// force on small datapaths), and no profile leaves a bin open.
#include "golden/cover/cover.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include <gtest/gtest.h>

#include "golden/cases/synth.hpp"
#include "golden/complete/complete.hpp"
#include "ref/arith/dyadic.hpp"
#include "ref/base/error.hpp"
#include "tests/support/temp_dir.hpp"

namespace obz {
namespace {

/// Hits of a witness: its last case, after the one before it.
bool hits(const Bin& bin, const Profile& p, const std::vector<RequantCase>& witness) {
  const RequantCase* previous = witness.size() > 1 ? &witness[witness.size() - 2] : nullptr;
  return bin.hit(facts_of(p, witness.back(), previous));
}

/// The profile's own scale rule forms this multiplier and shift from some real scale.
bool is_formed(const ScaleRule& rule, const Channel& c) {
  const double scale = std::ldexp(static_cast<double>(c.multiplier), -c.shift);
  const double beside = std::nextafter(scale, 0.0);  // 2^n is what a mantissa just below rounds to
  for (const double s : {scale, beside, std::ldexp(1.0, -rule.max_shift - 2), std::ldexp(1.0, 60)}) {
    try {
      const Channel formed = encode_scale(rule, s);
      if (formed.multiplier == c.multiplier && formed.shift == c.shift) return true;
    } catch (const Error&) {  // the rule refuses this scale
    }
  }
  return false;
}

void expect_all_decided(IntType out) {
  for (const Profile& p : profile_catalogue()) {
    const CoverSpace space = cover_space(p, out);
    const std::vector<Bin> bins = requant_bins(space);
    const std::vector<Decision> decisions = decide(space, bins);
    std::set<std::pair<std::string, std::string>> names;
    for (std::size_t i = 0; i < bins.size(); ++i) {
      const Decision& d = decisions[i];
      const std::string where = std::string(p.id) + ": " + bins[i].group + " / " + bins[i].name;
      EXPECT_TRUE(names.insert({bins[i].group, bins[i].name}).second) << where << " stands twice";
      EXPECT_NE(d.reach, Reach::open) << where;
      if (d.reach == Reach::unreachable) {
        EXPECT_NE(d.reason, "") << where;
        EXPECT_TRUE(d.witness.empty()) << where;
      }
      if (d.reach != Reach::reachable) continue;
      EXPECT_TRUE(hits(bins[i], p, d.witness)) << where;
      for (const RequantCase& c : d.witness) {
        EXPECT_TRUE(in_domain(p, c)) << where;
        if (p.uses_multiplier()) EXPECT_TRUE(is_formed(p.scale, c.channel)) << where << " " << c.channel.multiplier;
      }
    }
  }
}

TEST(CoverReach, every_bin_of_every_profile_has_a_witness_or_a_proof_int8) { expect_all_decided(kInt8); }
TEST(CoverReach, every_bin_of_every_profile_has_a_witness_or_a_proof_uint8) { expect_all_decided(kUInt8); }
TEST(CoverReach, every_bin_of_every_profile_has_a_witness_or_a_proof_int4) { expect_all_decided(kInt4); }
TEST(CoverReach, every_bin_of_every_profile_has_a_witness_or_a_proof_int16) { expect_all_decided(kInt16); }

TEST(CoverReach, every_bin_of_common_profiles_is_decided_for_other_widths_too) {
  for (const char* id : {"tflite/double", "hawq-v3/exact", "pulp-nn/floor", "xnnpack/fp32"}) {
    for (const IntType out : {kUInt4, IntType{2, true}, IntType{12, true}, kUInt16}) {
      const CoverSpace space = cover_space(find_profile(id), out);
      const std::vector<Bin> bins = requant_bins(space);
      const std::vector<Decision> decisions = decide(space, bins);
      for (std::size_t i = 0; i < bins.size(); ++i) {
        EXPECT_NE(decisions[i].reach, Reach::open)
            << id << " " << int(out.bits) << ": " << bins[i].group << " / " << bins[i].name;
      }
    }
  }
}

TEST(CoverReach, seeded_cases_never_hit_what_is_proved_unreachable) {
  for (const Profile& p : profile_catalogue()) {
    const CoverSpace space = cover_space(p, kInt8);
    const std::vector<Bin> bins = requant_bins(space);
    const std::vector<Decision> decisions = decide(space, bins);
    for (const Goal goal : {Goal::corners, Goal::random}) {
      RequantCase previous;
      for (std::uint64_t i = 0; i < 600; ++i) {
        const RequantCase c = make_requant_case({.profile = &p, .out = kInt8, .goal = goal, .seed = 7}, i);
        const CaseFacts facts = facts_of(p, c, i > 0 ? &previous : nullptr);
        for (std::size_t b = 0; b < bins.size(); ++b) {
          if (decisions[b].reach == Reach::unreachable)
            ASSERT_FALSE(bins[b].hit(facts)) << p.id << ": " << bins[b].group << " / " << bins[b].name << ", case " << i
                                             << ": " << decisions[b].reason;
        }
        previous = c;
      }
    }
  }
}

TEST(CoverBins, each_reachable_bin_is_missed_by_some_case) {
  for (const char* id : {"tflite/double", "pulp-nn/floor", "onnx/mlas", "nvdla/sdp", "i-vit/torch"}) {
    const Profile& p = find_profile(id);
    const CoverSpace space = cover_space(p, kInt8);
    const std::vector<Bin> bins = requant_bins(space);
    for (const Bin& bin : bins) {
      bool missed = false;
      RequantCase previous;
      for (std::uint64_t i = 0; i < 200 && !missed; ++i) {
        const RequantCase c = make_requant_case({.profile = &p}, i);
        missed = !bin.hit(facts_of(p, c, i > 0 ? &previous : nullptr));
        previous = c;
      }
      // What all channels of a profile share is hit by every case.
      const bool top_bit = space.multiplier_hi < std::int64_t{1} << space.mantissa_bits &&
                           bin.name == "bit " + std::to_string(space.mantissa_bits - 1) + " set";
      const bool shared = (bin.group == "addend" && bin.name == "zero") || top_bit ||
                          (bin.group == "zero point" && bin.name == "zero" && !p.has_zero_point);
      EXPECT_TRUE(missed || shared) << id << ": " << bin.group << " / " << bin.name;
    }
  }
}

// --- brute force -----------------------------------------------------------------------------------------------------

/// Datapaths small enough to try every case of.
std::vector<Profile> small_datapaths() {
  std::vector<Profile> all;
  const auto add = [&](const char* id, auto&& change) {
    Profile p{.id = id, .scale = {.mantissa_bits = 4, .min_shift = 0, .max_shift = 8, .tiny = TinyScale::refuse}};
    p.acc_bits = 6;
    change(p);
    all.push_back(p);
  };
  for (const Rounding r :
       {Rounding::floor, Rounding::trunc, Rounding::half_up, Rounding::half_away, Rounding::half_even}) {
    add("one stage", [&](Profile& p) { p.recipe.rounding = r; });
    add("two stages", [&](Profile& p) {
      p.recipe.rounding = r;
      p.recipe.first_bits = 4;
      p.scale.min_shift = r == Rounding::floor ? 5 : 2;
    });
    add("wide shifts", [&](Profile& p) {
      p.recipe.rounding = r;
      p.scale.min_shift = 6;
      p.scale.max_shift = 12;
    });
  }
  add("kept top", [](Profile& p) { p.scale.top = TopCorner::keep; });
  add("truncated mantissa", [](Profile& p) { p.scale.mantissa_rounding = MantissaRounding::truncate; });
  add("zero for tiny", [](Profile& p) { p.scale.tiny = TinyScale::zero; });
  add("powers of two", [](Profile& p) {
    p.scale.mantissa_bits = 1;
    p.scale.power_of_two_only = true;
    p.recipe.rounding = Rounding::half_even;
  });
  add("no zero point", [](Profile& p) { p.has_zero_point = false; });
  add("early zero point", [](Profile& p) { p.recipe.zero_point = ZeroPointAt::before_scaling; });
  add("zero point before the rounding", [](Profile& p) {
    p.recipe.zero_point = ZeroPointAt::before_rounding;
    p.recipe.rounding = Rounding::half_even;
  });
  add("clamp first", [](Profile& p) { p.recipe.clamp = ClampAt::before_zero_point; });
  add("narrow product", [](Profile& p) { p.recipe.product_bits = 9; });
  add("wrapping register", [](Profile& p) {
    p.recipe.scaled_bits = 5;
    p.recipe.scaled_overflow = Overflow::wrap;
  });
  add("saturating register", [](Profile& p) {
    p.recipe.scaled_bits = 6;
    p.recipe.scaled_overflow = Overflow::saturate;
  });
  return all;
}

/// Which bins any case of the space hits, pairs aside.
template <class Visit>
void every_case(const CoverSpace& s, Visit&& visit) {
  std::vector<std::pair<std::int64_t, int>> scales;
  for (std::int64_t m = s.multiplier_lo; m <= s.multiplier_hi; ++m)
    for (int k = s.shift_lo; k <= s.shift_hi; ++k) scales.emplace_back(m, k);
  if (s.zero_multiplier) scales.emplace_back(0, s.zero_shift);
  for (const auto& [m, k] : scales) {
    for (std::int64_t zp = s.zero_point_lo; zp <= s.zero_point_hi; ++zp) {
      for (std::int64_t lo = s.out.min(); lo <= s.out.max(); ++lo) {
        for (std::int64_t hi = lo; hi <= s.out.max(); ++hi) {
          Channel c{.multiplier = m, .shift = k, .zero_point = static_cast<std::int32_t>(zp), .lo = lo, .hi = hi};
          for (std::int64_t x = s.acc.lo; x <= s.acc.hi; ++x) visit(RequantCase{x, c});
        }
      }
    }
  }
}

TEST(CoverReach, is_what_brute_force_finds_on_small_datapaths) {
  for (const Profile& p : small_datapaths()) {
    for (const IntType out : {IntType{2, true}, IntType{2, false}}) {
      if (!out.is_signed && p.recipe.rounding != Rounding::half_up) continue;
      const CoverSpace space = cover_space(p, out);
      const std::vector<Bin> bins = requant_bins(space);
      const std::vector<Decision> decisions = decide(space, bins);
      std::vector<bool> hit(bins.size());
      std::vector<std::size_t> waiting;
      for (std::size_t i = 0; i < bins.size(); ++i)
        if (bins[i].group != "neighbour") waiting.push_back(i);
      every_case(space, [&](const RequantCase& c) {
        if (!in_domain(p, c)) return;
        const CaseFacts facts = facts_of(p, c, nullptr);
        std::erase_if(waiting, [&](std::size_t i) {
          hit[i] = bins[i].hit(facts);
          return static_cast<bool>(hit[i]);
        });
      });
      for (std::size_t i = 0; i < bins.size(); ++i) {
        if (bins[i].group == "neighbour") continue;
        const Reach want = hit[i] ? Reach::reachable : Reach::unreachable;
        EXPECT_TRUE(decisions[i].reach == want)
            << p.id << ", rounding " << int(p.recipe.rounding) << (out.is_signed ? ", int2: " : ", uint2: ")
            << bins[i].group << " / " << bins[i].name << ": brute force says " << (hit[i] ? "reachable" : "unreachable")
            << ", decided " << int(decisions[i].reach) << " " << decisions[i].reason;
      }
    }
  }
}

TEST(CoverReach, given_channels_are_decided_as_brute_force_does_or_left_open) {
  int open = 0, proved = 0;
  for (const char* id : {"hawq-v3/exact", "tflite/double", "tflite/single", "pulp-nn/floor", "gemmlowp/legacy",
                         "nvdla/sdp", "tvm/tonearest", "xnnpack/rndnu", "onnx/mlas"}) {
    const Profile& p = find_profile(id);
    for (std::uint64_t seed = 0; seed < 12; ++seed) {
      std::vector<ChannelRange> channels;
      for (std::uint64_t i = 0; i <= seed % 3; ++i) {
        const RequantSpace draw{.profile = &p, .seed = 100 * seed};
        const std::int64_t reach = 1 + static_cast<std::int64_t>(seed) * 300;
        channels.push_back({draw_channel(draw, i), {-reach, reach / 2}});
      }
      const CoverSpace space = cover_space(p, kInt8, channels);
      const std::vector<Bin> bins = requant_bins(space);
      const std::vector<Decision> whole = decide(space, bins), inferred = decide(space, bins, 0);
      std::vector<bool> hit(bins.size());
      for (const ChannelRange& f : channels) {
        for (std::int64_t x = f.range.lo; x <= f.range.hi; ++x) {
          const RequantCase c{x, f.channel};
          if (!in_domain(p, c)) continue;
          const CaseFacts facts = facts_of(p, c, nullptr);
          for (std::size_t i = 0; i < bins.size(); ++i) hit[i] = hit[i] || bins[i].hit(facts);
        }
      }
      for (std::size_t i = 0; i < bins.size(); ++i) {
        if (bins[i].group == "neighbour") continue;
        const std::string where = std::string(id) + " seed " + std::to_string(seed) + ": " + bins[i].group + " / " +
                                  bins[i].name + " " + inferred[i].reason;
        EXPECT_EQ(whole[i].reach == Reach::reachable, hit[i]) << where;
        EXPECT_NE(whole[i].reach, Reach::open) << where;
        if (inferred[i].reach == Reach::reachable) EXPECT_TRUE(hit[i]) << where;
        if (inferred[i].reach == Reach::unreachable) EXPECT_FALSE(hit[i]) << where;
        if (p.is_dyadic()) open += inferred[i].reach == Reach::open ? 1 : 0;
        proved += inferred[i].reach == Reach::unreachable ? 1 : 0;
      }
    }
  }
  EXPECT_GT(proved, 100 * open) << open << " open, " << proved
                                << " proved: without trying everything few bins stay open";
}

// --- sets ------------------------------------------------------------------------------------------------------------

Coverage cover_of(const char* id, Goal goal, std::int64_t count) {
  const Profile& p = find_profile(id);
  const RequantSpace space{.profile = &p, .out = kInt8, .goal = goal};
  return cover_cases(cover_space(p, kInt8), draw_cases(space, count), 1);
}

const BinCover& bin_of(const Coverage& c, const std::string& group, const std::string& name) {
  const auto it =
      std::find_if(c.bins.begin(), c.bins.end(), [&](const BinCover& b) { return b.group == group && b.name == name; });
  EXPECT_NE(it, c.bins.end()) << group << " / " << name;
  return *it;
}

TEST(CoverSets, corners_hit_more_than_random_and_neither_hits_every_shift) {
  const Coverage corners = cover_of("tflite/double", Goal::corners, 4096);
  const Coverage random = cover_of("tflite/double", Goal::random, 4096);
  EXPECT_GT(corners.met(), random.met());
  EXPECT_EQ(corners.open(), 0);
  EXPECT_GT(bin_of(corners, "tie", "last stage, negative, floor odd").hits, 0);
  EXPECT_EQ(bin_of(random, "accumulator", "smallest of 32 bits").hits, 0);
  EXPECT_GT(bin_of(corners, "accumulator", "smallest of 32 bits").hits, 0);
  for (int k = 2; k <= 30; ++k) {
    const BinCover& b = bin_of(corners, "shift", "shift " + std::to_string(k));
    EXPECT_FALSE(b.met()) << "a device that is wrong at shift " << k << " only would pass this set";
    EXPECT_TRUE(b.reachable());
  }
  EXPECT_FALSE(bin_of(corners, "shift", "shift 63").reachable());
}

TEST(CoverSets, the_missing_cases_complete_a_set_at_any_goal) {
  for (const char* id : {"tflite/double", "hawq-v3/exact", "pulp-nn/floor32", "onnx/mlas", "nvdla/sdp"}) {
    for (const std::int64_t goal : {1, 3}) {
      const Profile& p = find_profile(id);
      const CoverSpace space = cover_space(p, kInt8);
      std::vector<RequantCase> cases = draw_cases({.profile = &p, .out = kInt8}, 500);
      const Coverage before = cover_cases(space, cases, goal);
      EXPECT_LT(before.met(), before.reachable()) << id;
      const std::vector<RequantCase> missing = missing_cases(before);
      cases.insert(cases.end(), missing.begin(), missing.end());
      const Coverage after = cover_cases(space, cases, goal);
      EXPECT_EQ(after.met(), after.reachable()) << id << " goal " << goal;
      EXPECT_EQ(after.reachable(), before.reachable()) << id;
    }
  }
}

TEST(CoverSets, a_complete_set_is_measured_on_its_own_channels) {
  const test::TempDir dir;
  const Profile& p = find_profile("hawq-v3/exact");
  const RequantSpace space{.profile = &p, .out = kInt8, .goal = Goal::complete};
  Certificate certificate;
  const auto cases = complete_cases(p, {draw_channel(space, 0), draw_channel(space, 1)}, {-30000, 40000}, certificate);
  write_requant_set(dir / "set", space, cases, certificate, {});
  const CoverReport report = cover_set(dir / "set", 1);
  ASSERT_EQ(report.parts.size(), 1U);
  const Coverage& c = report.parts[0];
  EXPECT_EQ(c.open(), 0);
  int shifts = 0;
  for (const BinCover& b : c.bins) {
    if (b.group == "shift" && b.reachable()) ++shifts;
    if (b.name == "exactly the lower clamp" || b.name == "exactly the upper clamp" || b.name == "strictly inside")
      EXPECT_TRUE(b.met()) << b.name << ": both sides of every step are in the set";
    if (b.group == "tie") EXPECT_TRUE(b.met()) << b.name;
  }
  EXPECT_LE(shifts, 2);
  EXPECT_FALSE(bin_of(c, "accumulator", "smallest of 32 bits").reachable());
  EXPECT_FALSE(bin_of(c, "neighbour", "the same accumulator on two channels gives two outputs").met())
      << "a complete set goes channel by channel";
}

TEST(CoverSets, layers_count_their_windows_operands_and_channels) {
  const test::TempDir dir;
  const IntNet net = synthesize({.op = "conv2d", .profile = "hawq-v3/exact", .conv = {1, 6, 6, 3, 4, 3, 3, 2, 1}});
  write_layer_set(dir / "set", net, 0, nullptr, Goal::corners, 1, 4, {});
  const CoverReport report = cover_set(dir / "set", 1);
  ASSERT_EQ(report.parts.size(), 1U);
  const Coverage& c = report.parts[0];
  EXPECT_EQ(c.cases, 4 * 3 * 3 * 4);
  // 6 wide, padded by 1, stride 2: windows at -1, 1, 3. The first overlaps the padding, the last ends at 5.
  EXPECT_TRUE(bin_of(c, "window", "top padding, output not clamped").reachable());
  EXPECT_FALSE(bin_of(c, "window", "bottom padding, output not clamped").reachable());
  EXPECT_TRUE(bin_of(c, "window", "top left corner, output not clamped").reachable());
  EXPECT_FALSE(bin_of(c, "window", "bottom right corner, output not clamped").reachable());
  EXPECT_FALSE(bin_of(c, "window", "rows left over by the stride are not 0").reachable());
  EXPECT_GT(bin_of(c, "operand pair", "x least, w positive").hits, 0);
  EXPECT_GT(bin_of(c, "depth", "last term of the sum is not 0").hits, 0);
  EXPECT_GT(bin_of(c, "output channel", "channel 3, not clamped").goal, 0);
}

TEST(CoverSets, the_last_term_that_is_always_0_is_missed) {
  const test::TempDir dir;
  IntNet net = synthesize({.op = "dense", .profile = "hawq-v3/exact"});
  Dense& op = std::get<Dense>(net.nodes[0].op);
  const std::int64_t depth = op.filter.weights.shape[1];
  for (std::int64_t o = 0; o < op.out_channels(); ++o)
    op.filter.weights.data[static_cast<std::size_t>(o * depth + depth - 1)] = 0;
  write_layer_set(dir / "set", net, 0, nullptr, Goal::random, 1, 2, {});
  const CoverReport report = cover_set(dir / "set", 1);
  EXPECT_FALSE(bin_of(report.parts[0], "depth", "last term of the sum is not 0").reachable());
  EXPECT_GT(bin_of(report.parts[0], "depth", "first term of the sum is not 0").hits, 0);
}

TEST(CoverSets, sums_and_pools_count_rails_branches_and_counts) {
  const test::TempDir dir;
  for (const char* op : {"add", "avgpool", "mul"}) {
    const IntNet net = synthesize({.op = op, .profile = "tflite/double", .conv = {1, 6, 6, 4, 4, 3, 3, 1, 1}});
    write_layer_set(dir / op, net, 0, nullptr, Goal::corners, 1, 3, {});
  }
  const Coverage add = cover_set(dir / "add", 1).parts[0];
  EXPECT_GT(bin_of(add, "operand pair", "a least, b largest").hits, 0);
  EXPECT_NO_THROW(bin_of(add, "branch", "tie in branch a, positive"));
  const Coverage pool = cover_set(dir / "avgpool", 1).parts[0];
  for (const BinCover& b : pool.bins) {
    if (b.group != "average" || b.name.find("tie") != std::string::npos) continue;
    const bool occurs = b.name == "over 4 value(s)" || b.name == "over 6 value(s)" || b.name == "over 9 value(s)";
    EXPECT_EQ(b.reachable(), occurs) << b.name;
  }
  EXPECT_GT(bin_of(pool, "average", "tie over 4 values, negative").hits, 0);
  EXPECT_GT(bin_of(cover_set(dir / "mul", 1).parts[0], "operand", "input 0 at its least value, -128").hits, 0);
}

TEST(CoverSets, a_network_has_a_part_for_every_layer) {
  const test::TempDir dir;
  const IntNet net = synthesize({.op = "conv2d", .profile = "tflite/double", .conv = {1, 5, 5, 2, 3, 3, 3, 1, 0}});
  write_network_set(dir / "set", net, nullptr, Goal::corners, 1, 2, {});
  const CoverReport report = cover_set(dir / "set", 2);
  ASSERT_EQ(report.parts.size(), net.nodes.size());
  EXPECT_EQ(report.parts[0].cases, 2 * 3 * 3 * 3);
  for (const BinCover& b : report.parts[0].bins) EXPECT_EQ(b.goal, 2);
}

}  // namespace
}  // namespace obz
