// Claims: a staircase is the function; its determining points leave a monotone device no freedom; differences are
// exact.
#include "golden/complete/complete.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "golden/cases/layer_requant.hpp"
#include "golden/cases/synth.hpp"
#include "golden/compare/distinguish.hpp"
#include "golden/complete/complete_layer.hpp"
#include "golden/complete/staircase.hpp"
#include "golden/mutate/faults.hpp"
#include "ref/arith/apply.hpp"
#include "ref/net/bounds.hpp"

namespace obz {
namespace {

/// Every monotone function {0..15} -> {0..3}, as tables.
void monotone_tables(std::vector<int>& table, std::vector<std::vector<int>>& all) {
  if (table.size() == 16) {
    all.push_back(table);
    return;
  }
  for (int v = table.empty() ? 0 : table.back(); v < 4; ++v) {
    table.push_back(v);
    monotone_tables(table, all);
    table.pop_back();
  }
}

Staircase staircase_of(const std::vector<int>& table) {
  Staircase s{{0, 15}, table[0], {}};
  for (int x = 1; x < 16; ++x) {
    const int below = table[static_cast<std::size_t>(x - 1)], above = table[static_cast<std::size_t>(x)];
    if (below != above) s.steps.push_back({x, below, above});
  }
  return s;
}

TEST(CompleteSets, determine_every_monotone_function_of_4_bits_to_2) {
  std::vector<int> start;
  std::vector<std::vector<int>> all;
  monotone_tables(start, all);
  ASSERT_EQ(all.size(), 969U);  // C(16 + 3, 3)
  for (const std::vector<int>& f : all) {
    const std::vector<std::int64_t> points = determining_points(staircase_of(f));
    const auto agreeing = std::count_if(all.begin(), all.end(), [&](const std::vector<int>& g) {
      return std::all_of(points.begin(), points.end(), [&](std::int64_t x) {
        return f[static_cast<std::size_t>(x)] == g[static_cast<std::size_t>(x)];
      });
    });
    ASSERT_EQ(agreeing, 1) << "only the function itself answers all its points right";
  }
}

/// Outputs of one channel of a small datapath for all 12-bit accumulators.
struct SmallChannel {
  Recipe recipe;
  Channel channel;
  std::vector<std::int8_t> table;
};

std::vector<SmallChannel> small_channels() {
  std::vector<SmallChannel> all;
  for (const Rounding rounding :
       {Rounding::floor, Rounding::trunc, Rounding::half_up, Rounding::half_away, Rounding::half_even}) {
    for (const int first : {0, 3}) {
      for (int m = 1; m <= 15; m += 2) {
        for (int s = std::max(first, 4); s <= 11; ++s) {
          SmallChannel c;
          c.recipe.rounding = rounding;
          c.recipe.first_bits = static_cast<std::uint8_t>(first);
          c.channel = {.multiplier = m, .shift = s, .zero_point = s % 3 - 1, .lo = -8, .hi = 7};
          for (int acc = -2048; acc < 2048; ++acc) {
            c.table.push_back(static_cast<std::int8_t>(apply_recipe(acc, c.recipe, c.channel)));
          }
          all.push_back(std::move(c));
        }
      }
    }
  }
  return all;
}

constexpr AccRange kSmall{-2048, 2047};

TEST(CompleteSets, determine_every_channel_of_a_12_bit_datapath_among_all_others) {
  const std::vector<SmallChannel> all = small_channels();
  ASSERT_GT(all.size(), 500U);
  std::int64_t agreeing = 0;
  for (const SmallChannel& f : all) {
    const std::vector<std::int64_t> points = determining_points(staircase(f.recipe, f.channel, kSmall));
    EXPECT_LE(points.size(), 2U * 15 + 2);
    for (const SmallChannel& g : all) {
      const bool agrees = std::all_of(points.begin(), points.end(), [&](std::int64_t acc) {
        const auto i = static_cast<std::size_t>(acc + 2048);
        return f.table[i] == g.table[i];
      });
      ASSERT_EQ(agrees, f.table == g.table);
      agreeing += agrees ? 1 : 0;
    }
  }
  EXPECT_GT(agreeing, static_cast<std::int64_t>(all.size()))
      << "some channels are equal functions; none would be no test";
}

TEST(CompleteSets, leave_out_no_point) {  // the mutant of the claim: drop any point and some monotone device escapes
  const Recipe recipe;
  const Channel c{.multiplier = 5, .shift = 7, .lo = -8, .hi = 7};
  const Staircase s = staircase(recipe, c, kSmall);
  for (const std::int64_t dropped : determining_points(s)) {
    const std::int64_t right = apply_recipe(dropped, recipe, c);
    const std::int64_t before = dropped == kSmall.lo ? right - 1 : apply_recipe(dropped - 1, recipe, c);
    const std::int64_t after = dropped == kSmall.hi ? right + 1 : apply_recipe(dropped + 1, recipe, c);
    // A device that answers its neighbour's value here, and everything else right, is still monotone.
    EXPECT_TRUE(before < right || after > right) << dropped;
  }
}

TEST(Staircase, is_the_function) {
  for (const SmallChannel& f : small_channels()) {
    const Staircase s = staircase(f.recipe, f.channel, kSmall);
    std::int64_t value = s.first;
    std::size_t next = 0;
    for (std::int64_t acc = kSmall.lo; acc <= kSmall.hi; ++acc) {
      if (next < s.steps.size() && s.steps[next].at == acc) {
        ASSERT_EQ(s.steps[next].below, value);
        value = s.steps[next++].above;
      }
      ASSERT_EQ(value, f.table[static_cast<std::size_t>(acc + 2048)]);
    }
    ASSERT_EQ(next, s.steps.size());
  }
}

TEST(Staircase, differences_are_counted_exactly) {
  const std::vector<SmallChannel> all = small_channels();
  for (std::size_t i = 0; i + 7 < all.size(); i += 3) {
    const SmallChannel &f = all[i], &g = all[i + 7];
    std::int64_t count = 0, nearest = 1 << 20;
    for (std::int64_t acc = kSmall.lo; acc <= kSmall.hi; ++acc) {
      const auto at = static_cast<std::size_t>(acc + 2048);
      if (f.table[at] == g.table[at]) continue;
      ++count;
      nearest = std::min(nearest, std::abs(acc));
    }
    const Difference d = difference(staircase(f.recipe, f.channel, kSmall), staircase(g.recipe, g.channel, kSmall));
    ASSERT_EQ(d.count, count);
    if (count > 0) ASSERT_EQ(std::abs(d.at), nearest);
  }
}

TEST(Staircase, range_ends_where_a_register_would_wrap) {
  const Profile& p = find_profile("tflite/double");
  const Channel c{.multiplier = 1 << 30, .shift = 29};  // a left shift of 2
  const auto range = monotone_range(p, c, {});
  ASSERT_TRUE(range);
  EXPECT_EQ(range->lo, -(std::int64_t{1} << 29));
  EXPECT_EQ(range->hi, (std::int64_t{1} << 29) - 1);
  const Profile& wrapping = find_profile("pulp-nn/floor32");
  const auto product = monotone_range(wrapping, {.multiplier = 64, .shift = 10}, {});
  ASSERT_TRUE(product);
  EXPECT_EQ(product->hi, (std::int64_t{1} << 25) - 1);
}

TEST(CompleteSets, residues_are_solved_like_brute_force) {
  for (const std::int64_t m : {1, 3, 6, 7, 12, 40}) {
    for (const std::int64_t addend : {0, 5}) {
      for (int s = 1; s <= 8; ++s) {
        for (std::int64_t r = 0; r < (1 << s); ++r) {
          std::vector<std::int64_t> want;
          for (std::int64_t x = -200; x <= 300; ++x) {
            if (((x * m + addend - r) & ((1 << s) - 1)) == 0) want.push_back(x);
          }
          std::vector<std::int64_t> got = solve_residue(m, addend, s, r, {-200, 300}, 1000);
          for (std::size_t i = 1; i < got.size(); ++i) ASSERT_LE(std::abs(got[i - 1]), std::abs(got[i]));
          std::sort(got.begin(), got.end());
          ASSERT_EQ(got, want) << m << " " << addend << " " << s << " " << r;
        }
      }
    }
  }
}

TEST(CompleteSets, contain_the_ties_of_a_31_bit_multiplier_that_random_cases_miss) {
  const Profile& p = find_profile("hawq-v3/exact");
  const Channel c = channel_of_scale(p, 0.0078125, 0, kInt8);
  Certificate certificate;
  const std::vector<RequantCase> cases = complete_cases(p, {c}, {}, certificate);
  const auto tie = [&](const RequantCase& x) {
    const std::int64_t mask = (std::int64_t{1} << x.channel.shift) - 1;
    return ((x.acc * x.channel.multiplier) & mask) == (mask + 1) / 2;
  };
  EXPECT_TRUE(std::any_of(cases.begin(), cases.end(), tie));
  EXPECT_EQ(certificate.steps, 255);
  EXPECT_EQ(certificate.determining + certificate.directed, static_cast<std::int64_t>(cases.size()));
  for (const RequantCase& x : cases) ASSERT_TRUE(in_domain(p, x));
}

TEST(CompleteSets, find_exactly_the_wrong_devices_that_an_exhaustive_sweep_finds) {
  std::int64_t missed_by_random = 0;
  for (const FaultScore& s : measure_faults(24, 3)) {
    EXPECT_GT(s.differ, 0) << s.name;
    EXPECT_EQ(s.by_complete, s.differ) << s.name;
    missed_by_random += s.differ - s.by_random;
  }
  EXPECT_GT(missed_by_random, 0) << "random sets of the same size were expected to miss some";
}

TEST(Distinguish, proves_the_two_spellings_of_double_rounding_equal_and_finds_every_other_pair) {
  const Profile &tfl = find_profile("tflite/double"), &tosa = find_profile("tosa-1.0/double"),
                &single = find_profile("tflite/single");
  for (const double scale : default_scales()) {
    EXPECT_EQ(distinguish_scale(tfl, tosa, scale, -3, kInt8, {}).difference.count, 0) << scale;
  }
  const ChannelVerdict v = distinguish_scale(tfl, single, 0.0123, 0, kInt8, {});
  EXPECT_EQ(v.difference.count, 162);
  EXPECT_EQ(v.difference.at, -203);
  EXPECT_NE(v.out_a, v.out_b);
  EXPECT_NE(distinguish_scale(tfl, find_profile("gemmini/shift"), 0.3, 0, kInt8, {}).refused, "");
}

TEST(LayerRequant, channels_have_their_own_ranges_and_cover_the_whole) {
  const IntNet net = synthesize({.op = "conv2d", .conv = {1, 6, 6, 4, 5, 3, 3, 1, 1}});
  const auto layer = layer_requant(net, net.nodes[0]);
  ASSERT_TRUE(layer);
  ASSERT_EQ(layer->channels.size(), 5U);
  const auto whole = accumulator_range(net, net.nodes[0], value_ranges(net));
  ASSERT_TRUE(whole);
  AccRange joined = layer->ranges[0];
  for (const AccRange& r : layer->ranges) joined = {std::min(joined.lo, r.lo), std::max(joined.hi, r.hi)};
  EXPECT_EQ(joined.lo, whole->lo);
  EXPECT_EQ(joined.hi, whole->hi);
}

TEST(CompleteLayers, of_one_bit_hold_values_of_one_bit) {
  SynthSpec spec{.op = "mma", .profile = "hawq-v3/exact"};
  spec.weight = spec.activation = {1, false};
  const CompleteInputs inputs = complete_inputs(synthesize(spec), 1);
  EXPECT_GT(inputs.samples.size(), 10U);
  for (const auto& sample : inputs.samples) {
    for (const Tensor& t : sample) check_values(t, "complete");
  }
}

TEST(CompleteSets, show_a_channel_index_that_comes_late) {
  for (const char* id : {"tflite/double", "hawq-v3/exact", "nvdla/sdp"}) {
    const Profile& p = find_profile(id);
    const RequantSpace space{.profile = &p, .out = kInt8, .goal = Goal::random, .seed = 4};
    std::vector<Channel> channels;
    for (std::uint64_t i = 0; i < 40; ++i) channels.push_back(draw_channel(space, i));
    Certificate certificate;
    const auto cases = complete_cases(p, channels, {-(1 << 20), 1 << 20}, certificate);
    int boundaries = 0, shown = 0;
    for (std::size_t i = 1; i < cases.size(); ++i) {
      const Channel &own = cases[i].channel, &before = cases[i - 1].channel;
      if (own == before) continue;
      ++boundaries;
      Channel mixed = own;
      mixed.multiplier = before.multiplier;
      mixed.shift = before.shift;
      const std::int64_t want = apply_recipe(cases[i].acc, p.recipe, own);
      shown +=
          apply_recipe(cases[i].acc, p.recipe, mixed) != want && apply_recipe(cases[i].acc, p.recipe, before) != want
              ? 1
              : 0;
    }
    EXPECT_EQ(boundaries, 39) << id;
    EXPECT_GE(shown, boundaries - 2) << id << ": neighbours may agree on the whole range";
  }
}

}  // namespace
}  // namespace obz
