// The fast executor is the naive one, bit for bit: random layers of every profile, and the vector requantizer
// alone over millions of cases, on every instruction set that this machine has.
#include "ref/execute/fast.hpp"

#include <map>

#include <gtest/gtest.h>
#include <hwy/targets.h>
#include <tbb/parallel_for.h>

#include "ref/arith/apply.hpp"
#include "ref/execute/fast/requant_lanes.hpp"
#include "ref/execute/naive.hpp"
#include "tests/execute/random_layers.hpp"

namespace obz {
namespace {

using testing::draw;
using testing::Random;

std::vector<Tensor> random_inputs(Random& random, const IntNet& net) {
  std::vector<Tensor> inputs;
  for (const int i : net.inputs) {
    const TensorInfo& info = net.tensors[static_cast<std::size_t>(i)];
    inputs.push_back(testing::random_tensor(random, info.shape, info.type));
  }
  return inputs;
}

/// Both executors over the only node of `net`; returns the path it took.
std::string expect_equal(const IntNet& net, Random& random) {
  const std::vector<Tensor> inputs = random_inputs(random, net);
  std::vector<const Tensor*> in;
  for (const Tensor& t : inputs) in.push_back(&t);
  const Node& node = net.nodes[0];
  const TensorInfo& info = net.tensors.back();
  Tensor want(info.shape, info.type), got(info.shape, info.type);
  std::fill(got.data.begin(), got.data.end(), 0x5A5A5A5A);  // every element must be written
  run_naive(node, in, want);
  const std::unique_ptr<FastNode> fast = prepare_fast(net, node);
  fast->run(in, got);
  const auto differs = std::mismatch(want.data.begin(), want.data.end(), got.data.begin());
  EXPECT_TRUE(differs.first == want.data.end())
      << net.name << " (" << fast->path() << ") " << info.shape.text() << ": element "
      << differs.first - want.data.begin() << " is " << *differs.second << ", expected " << *differs.first;
  return fast->path();
}

using MakeLayer = IntNet (*)(Random&, const Profile&);

constexpr MakeLayer kMakers[] = {testing::random_dense,     testing::random_matmul,   testing::random_add,
                                 testing::random_mul,       testing::random_rescale,  testing::random_mean,
                                 testing::random_concat,    testing::random_max_pool, testing::random_pad,
                                 testing::random_threshold, testing::random_min_max};

std::uint64_t seed_of(std::string_view id) { return std::hash<std::string_view>()(id); }

class FastProfile : public ::testing::TestWithParam<std::string_view> {};

TEST_P(FastProfile, convolutions_equal_naive) {
  const Profile& profile = find_profile(GetParam());
  Random random(seed_of(profile.id));
  for (int i = 0; i < 40 && !HasFailure(); ++i) {
    expect_equal(draw(random, [&](Random& r) { return testing::random_conv(r, profile); }), random);
  }
}

TEST_P(FastProfile, other_operators_equal_naive) {
  const Profile& profile = find_profile(GetParam());
  Random random(seed_of(profile.id) + 1);
  for (const MakeLayer make : kMakers) {
    for (int i = 0; i < 4 && !HasFailure(); ++i)
      expect_equal(draw(random, [&](Random& r) { return make(r, profile); }), random);
  }
}

std::string profile_test_name(const ::testing::TestParamInfo<std::string_view>& info) {
  std::string name(info.param);
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return name;
}

std::vector<std::string_view> profile_ids() {
  std::vector<std::string_view> ids;
  for (const Profile& p : profile_catalogue()) ids.push_back(p.id);
  return ids;
}

INSTANTIATE_TEST_SUITE_P(Catalogue, FastProfile, ::testing::ValuesIn(profile_ids()), profile_test_name);

/// A 1x1 convolution of constant weights: the place to force sums of a chosen size.
IntNet constant_conv(IntType x, std::int32_t weight, IntType w, std::int64_t depth, std::int64_t bias,
                     Accumulator accumulator) {
  Conv2d op;
  op.filter = {Tensor(Shape{5, 1, 1, depth}, w), std::vector<std::int64_t>(5, bias), {}};
  std::fill(op.filter.weights.data.begin(), op.filter.weights.data.end(), weight);
  op.accumulator = accumulator;
  op.requant = identity_requant(kInt16);
  op.requant.channels[0].shift = 20;
  op.requant.recipe.rounding = Rounding::half_even;
  return testing::single("constant", op, {{Shape{1, 2, 3, depth}, x}}, kInt16);
}

TEST(Fast, chooses_how_to_sum_by_what_the_weights_can_reach) {
  Random random(7);
  const Accumulator wrap32{32, Overflow::wrap}, saturate32{32, Overflow::saturate}, exact64{64, Overflow::exact};
  EXPECT_EQ(expect_equal(constant_conv(kInt16, 127, kInt8, 512, 0, wrap32), random), "gemm int16");
  // 517 * 127 * 2^15 just leaves 31 bits: a wrapping register sees it modulo 2^32, the others need 64.
  EXPECT_EQ(expect_equal(constant_conv(kInt16, 127, kInt8, 517, 0, wrap32), random), "gemm int16");
  EXPECT_EQ(expect_equal(constant_conv(kInt16, 127, kInt8, 517, 0, saturate32), random),
            "gemm int16, 64-bit sums, scalar requantizer");
  EXPECT_EQ(expect_equal(constant_conv(kInt16, -128, kInt8, 5000, 0, exact64), random),
            "gemm int16, 64-bit sums, scalar requantizer");
  EXPECT_EQ(expect_equal(constant_conv(kInt8, 3, kInt8, 8, std::int64_t{1} << 39, exact64), random),
            "gemm int16, 64-bit sums, scalar requantizer");
  // A pair of the largest products of 16 bits is 2^31: right modulo 2^32, but no block can hold it.
  EXPECT_EQ(expect_equal(constant_conv(kInt16, -32768, kInt16, 8, 0, wrap32), random), "gemm int16");
  EXPECT_EQ(expect_equal(constant_conv(kInt16, -32768, kInt16, 8, 0, exact64), random), "naive");
}

TEST(Fast, several_blocks_of_rows_and_depth) {
  Random random(8);
  const Profile& profile = find_profile("tflite/double");
  for (const std::int64_t out : {40, 64}) {
    Conv2d op;
    op.filter = testing::random_filter(random, Shape{out, 3, 3, 90}, kInt8);
    op.window = {.pad_top = 1, .pad_left = 1, .pad_bottom = 1, .pad_right = 1};
    op.x_zero_point = -128;
    const testing::Scales s(random, profile, out, 1e6, kInt8);
    op.requant = fill_requant(profile, s.x, s.w, true, {.scale = s.y}, "conv");
    EXPECT_EQ(expect_equal(testing::single("conv", op, {{Shape{2, 13, 17, 90}, kInt8}}, kInt8), random), "gemm int16");
  }
}

TEST(Fast, huge_padding_stays_naive) {
  Conv2d op;
  op.filter.weights = Tensor(Shape{1, 1, 1, 1}, kInt8, {1});
  op.window = {.stride_h = 1 << 14,
               .stride_w = 1 << 14,
               .pad_top = 1 << 15,
               .pad_left = 1 << 15,
               .pad_bottom = 1 << 15,
               .pad_right = 1 << 15};
  Random random(9);
  EXPECT_EQ(expect_equal(testing::single("conv", op, {{Shape{1, 1, 1, 1}, kInt8}}, kInt8), random), "naive");
}

TEST(Fast, paths_cover_what_they_should) {
  Random random(10);
  std::map<std::string, int> paths;
  for (int i = 0; i < 60; ++i) {
    const std::string path = expect_equal(
        draw(random, [](Random& r) { return testing::random_conv(r, find_profile("tflite/double")); }), random);
    ++paths[path.substr(0, path.find(','))];
  }
  for (const auto& [path, count] : paths) RecordProperty(path, count);
  EXPECT_GT(paths["gemm int16"], 12);
  EXPECT_GT(paths["gemm int8"], 8);
  EXPECT_GT(paths["depthwise int16"], 5);
  EXPECT_LT(paths["naive"], 12);  // empty outputs; 16-bit weights with a zero point
}

/// conv -> pool -> conv + skip -> mean: a net whose nodes take several paths.
IntNet small_net() {
  const Profile& p = find_profile("tflite/double");
  Random random(11);
  IntNet net{.name = "small"};
  const Shape image{1, 16, 16, 8};
  for (const char* id : {"x", "a", "b", "c", "y"}) net.tensors.push_back({.id = id, .shape = image, .type = kInt8});
  net.tensors[4].shape = Shape{1, 8};
  const auto conv = [&] {
    Conv2d op;
    op.filter = testing::random_filter(random, Shape{8, 3, 3, 8}, kInt8);
    op.window = {.pad_top = 1, .pad_left = 1, .pad_bottom = 1, .pad_right = 1};
    const testing::Scales s(random, p, 8, 5e4, kInt8);
    op.requant = fill_requant(p, s.x, s.w, true, {.scale = s.y, .zero_point = 3}, "conv");
    return op;
  };
  Mean mean{.axes = Shape{1, 2}, .x_zero_point = 1};
  fill_mean(p, mean, 256, 0.1F, {.scale = 0.05F}, "mean");
  const Add add = fill_add(p, {0.1F, 3, kInt8}, {0.2F, 3, kInt8}, {.scale = 0.2F, .zero_point = 1}, false, "add");
  net.nodes = {{.name = "0", .inputs = {0}, .outputs = {1}, .op = conv()},
               {.name = "1", .inputs = {1}, .outputs = {2}, .op = conv()},
               {.name = "2", .inputs = {1, 2}, .outputs = {3}, .op = add},
               {.name = "3", .inputs = {3}, .outputs = {4}, .op = mean}};
  net.inputs = {0};
  net.outputs = {4};
  validate(net, "small");
  return net;
}

TEST(Fast, executor_runs_samples_in_parallel) {
  const IntNet net = small_net();
  Random random(12);
  std::vector<std::vector<Tensor>> samples, want, got(40);
  for (int i = 0; i < 40; ++i) {
    samples.push_back(random_inputs(random, net));
    want.push_back(run_net(net, samples.back(), [](const Node& n, auto in, Tensor& y) { run_naive(n, in, y); }));
  }
  const FastExecutor executor(net);
  tbb::parallel_for(std::size_t{0}, samples.size(),
                    [&](std::size_t i) { got[i] = run_net(net, samples[i], executor); });
  EXPECT_EQ(got, want);
}

// --- the vector requantizer
// ---------------------------------------------------------------------------------

/// A recipe with a vector form, with every choice open that the form leaves open.
Recipe random_recipe(Random& r) {
  Recipe recipe;
  recipe.rounding =
      r.pick({Rounding::floor, Rounding::trunc, Rounding::half_up, Rounding::half_away, Rounding::half_even});
  recipe.first_bits = static_cast<std::uint8_t>(r.one_in(2) ? 0 : r.pick({31, 31, 31, 15, 30, 1}));
  recipe.first_overflow = r.pick({Overflow::saturate, Overflow::wrap, Overflow::exact});
  recipe.left_overflow = r.pick({Overflow::wrap, Overflow::wrap, Overflow::saturate});
  recipe.product_bits = static_cast<std::uint8_t>(r.pick({64, 64, 32, 48}));
  recipe.scaled_bits = static_cast<std::uint8_t>(r.pick({64, 32, 32, 31, 17}));
  recipe.scaled_overflow = r.pick({Overflow::exact, Overflow::wrap, Overflow::saturate});
  recipe.zero_point = r.pick({ZeroPointAt::after_rounding, ZeroPointAt::after_rounding, ZeroPointAt::before_scaling});
  recipe.clamp = r.pick({ClampAt::after_zero_point, ClampAt::before_zero_point});
  return recipe;
}

Channel random_channel(Random& r, const Recipe& recipe) {
  Channel c;
  c.multiplier = r.one_in(3)   ? r.pick<std::int64_t>({0, 1, 1 << 30, INT32_MAX, -INT32_MAX})
                 : r.one_in(4) ? -r.of_any_size(31)
                               : r.of_any_size(31);
  c.shift = static_cast<std::int32_t>(r.one_in(4) ? r.pick({0, 1, 31, 32, 62, 63}) : r.between(0, 63));
  if (recipe.first_bits == 0 && r.one_in(4)) c.addend = r.pick({1, -1}) * r.of_any_size(60);
  c.zero_point = static_cast<std::int32_t>(r.one_in(3) ? 0 : r.pick({1, -1}) * r.of_any_size(r.one_in(4) ? 29 : 8));
  const std::int64_t a = r.one_in(3) ? INT32_MIN : -r.of_any_size(31), b = r.one_in(3) ? INT32_MAX : r.of_any_size(31);
  c.lo = a;
  c.hi = b;
  if (recipe.arithmetic == Arithmetic::float32_scale) {
    c.scale = std::ldexp(static_cast<double>(r.between(1 << 23, 1 << 24)), static_cast<int>(r.between(-60, -10)));
    c.lo = r.pick({-128, 0, -32768});
    c.hi = r.pick({127, 255, 65535});
  }
  return c;
}

/// An accumulator of at most `bound`, often where something happens: at the ends, at ties, at steps of the output.
std::int64_t random_acc(Random& r, const Channel& c, std::int64_t bound) {
  const std::int64_t top = std::min<std::int64_t>(bound, INT32_MAX);
  if (r.one_in(5))
    return std::clamp(r.pick<std::int64_t>({top, -top, bound > top ? INT32_MIN : -top, 0, 1, -1}), -bound, top);
  if (r.one_in(2) && c.multiplier != 0) {
    const double step = std::ldexp(1.0, c.shift) / static_cast<double>(c.multiplier);
    const double near = step * (static_cast<double>(r.between(-300, 300)) + 0.5 * static_cast<double>(r.between(0, 1)));
    if (std::abs(near) < 2e9)
      return std::clamp<std::int64_t>(static_cast<std::int64_t>(near) + r.between(-1, 1), -top, top);
  }
  return r.pick({1, -1}) * r.between(0, std::min(top, r.of_any_size(31)));
}

/// `cases` accumulators per channel through a lane and through apply_recipe. Returns how many lanes the form accepted.
int expect_lanes_equal(Random& random, const Recipe& recipe, int channels, int cases) {
  const auto form = fast::vector_form(recipe);
  EXPECT_TRUE(form.has_value());
  int accepted = 0;
  fast::RequantLanes lanes{.form = *form, .rounding = recipe.rounding};
  std::vector<Channel> lane_channels(fast::kPanel);
  std::vector<std::int64_t> bounds(fast::kPanel, 0);
  std::vector<bool> filled(fast::kPanel, false);
  for (int i = 0; i < channels; ++i) {
    const Channel c = random_channel(random, recipe);
    const std::int64_t bound = random.one_in(4) ? std::int64_t{1} << 31 : random.of_any_size(31);
    const auto lane = static_cast<std::size_t>(accepted % fast::kPanel);
    if (!fast::fill_lane(lanes, static_cast<std::int64_t>(lane), recipe, c, static_cast<std::uint64_t>(bound)))
      continue;
    lane_channels[lane] = c;
    bounds[lane] = bound;
    filled[lane] = true;
    if (++accepted % fast::kPanel != 0 && i + 1 != channels) continue;
    std::vector<std::int32_t> tile(static_cast<std::size_t>(fast::kPanel * cases));
    for (std::size_t k = 0; k < tile.size(); ++k) {
      if (filled[k % fast::kPanel])
        tile[k] =
            static_cast<std::int32_t>(random_acc(random, lane_channels[k % fast::kPanel], bounds[k % fast::kPanel]));
    }
    std::vector<std::int32_t> got = tile;
    if (!fast::requantize_tile(lanes, got.data(), cases)) return accepted;  // a target without vectors
    for (std::size_t k = 0; k < tile.size(); ++k) {
      if (!filled[k % fast::kPanel]) continue;
      const Channel& channel = lane_channels[k % fast::kPanel];
      const std::int64_t want = apply_recipe(tile[k], recipe, channel);
      EXPECT_EQ(got[k], want) << "acc " << tile[k] << " multiplier " << channel.multiplier << " shift " << channel.shift
                              << " addend " << channel.addend << " zp " << channel.zero_point << " first "
                              << int{recipe.first_bits} << " rounding " << int(recipe.rounding);
      if (::testing::Test::HasFailure()) return accepted;
    }
  }
  return accepted;
}

TEST(FastRequant, lanes_equal_the_recipe) {
  Random random(20);
  int accepted = 0;
  for (int i = 0; i < 4000 && !HasFailure(); ++i) accepted += expect_lanes_equal(random, random_recipe(random), 64, 32);
  EXPECT_GT(accepted, 4000 * 64 / 8);
}

TEST(FastRequant, lanes_equal_every_profile_with_a_form) {
  Random random(21);
  int forms = 0;
  for (const Profile& p : profile_catalogue()) {
    if (!fast::vector_form(p.recipe)) continue;
    ++forms;
    for (int i = 0; i < 20 && !HasFailure(); ++i) expect_lanes_equal(random, p.recipe, 160, 48);
  }
  EXPECT_GT(forms, 25);
}

TEST(FastRequant, lanes_equal_exhaustively_at_small_shifts) {
  for (const Rounding mode :
       {Rounding::floor, Rounding::trunc, Rounding::half_up, Rounding::half_away, Rounding::half_even}) {
    for (const std::uint8_t first : {std::uint8_t{0}, std::uint8_t{3}}) {
      const Recipe recipe{.rounding = mode, .first_bits = first};
      for (int shift = 0; shift <= 9; ++shift) {
        const Channel c{.multiplier = 3, .shift = shift, .zero_point = -5, .lo = -60000, .hi = 60000};
        std::vector<std::int64_t> accs, got(4001);
        for (std::int64_t acc = -2000; acc <= 2000; ++acc) accs.push_back(acc);
        requantize_fast(recipe, {&c, 1}, accs, got);
        for (std::size_t i = 0; i < accs.size(); ++i)
          ASSERT_EQ(got[i], apply_recipe(accs[i], recipe, c)) << accs[i] << " >> " << shift;
      }
    }
  }
}

TEST(FastRequant, arrays_mix_lanes_and_plain_cases) {
  Random random(22);
  for (const Profile& p : profile_catalogue()) {
    std::vector<Channel> channels;
    std::vector<std::int64_t> accs;
    for (int i = 0; i < 1000; ++i) {
      Channel c = random_channel(random, p.recipe);
      if (random.one_in(8)) c.multiplier = std::int64_t{1} << 31;
      c.addend = 0;
      channels.push_back(c);
      accs.push_back(random_acc(random, c, std::int64_t{1} << 31));
    }
    std::vector<std::int64_t> got(accs.size());
    requantize_fast(p.recipe, channels, accs, got);
    for (std::size_t i = 0; i < accs.size(); ++i)
      ASSERT_EQ(got[i], apply_recipe(accs[i], p.recipe, channels[i])) << p.id << " case " << i;
    requantize_fast(p.recipe, {channels.data(), 1}, accs, got);
    for (std::size_t i = 0; i < accs.size(); ++i)
      ASSERT_EQ(got[i], apply_recipe(accs[i], p.recipe, channels[0])) << p.id << " case " << i;
  }
}

// --- every instruction set
// ----------------------------------------------------------------------------------

/// Restricts dispatch to one target while it lives.
class OnlyTarget {
 public:
  explicit OnlyTarget(std::int64_t target) { use(target); }
  ~OnlyTarget() { use(0); }
  OnlyTarget(const OnlyTarget&) = delete;
  OnlyTarget& operator=(const OnlyTarget&) = delete;

 private:
  static void use(std::int64_t target) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
};

TEST(FastTargets, all_give_the_same_integers) {
  std::vector<std::int64_t> targets;
  for (std::int64_t rest = hwy::SupportedTargets(); rest != 0; rest &= rest - 1) targets.push_back(rest & -rest);
  std::set<std::string> seen;
  for (const std::int64_t target : targets) {
    const OnlyTarget only(target);
    if (!seen.insert(fast_target()).second) continue;
    SCOPED_TRACE(fast_target());
    Random random(30);
    for (int i = 0; i < 40 && !HasFailure(); ++i) {
      const Profile& p = profile_catalogue()[static_cast<std::size_t>(i) % profile_catalogue().size()];
      expect_equal(draw(random, [&](Random& r) { return testing::random_conv(r, p); }), random);
      expect_equal(draw(random, [&](Random& r) { return testing::random_dense(r, p); }), random);
      expect_equal(draw(random, [&](Random& r) { return testing::random_mean(r, p); }), random);
      expect_equal(draw(random, [&](Random& r) { return testing::random_max_pool(r, p); }), random);
      const Recipe recipe = random_recipe(random);
      expect_lanes_equal(random, recipe, 100, 20);
    }
  }
  RecordProperty("targets", static_cast<int>(seen.size()));
  EXPECT_GE(seen.size(), 1U);
}

}  // namespace
}  // namespace obz
