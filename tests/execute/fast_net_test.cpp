// FastNet is run_net with the plain loops, bit for bit: random networks in both layouts under every profile, and the
// stairs of the 8-bit requantizer alone.
#include "ref/execute/fast_net.hpp"

#include <gtest/gtest.h>

#include "ref/arith/apply.hpp"
#include "ref/execute/fast/requant_lanes.hpp"
#include "ref/execute/fast/value.hpp"
#include "ref/execute/naive.hpp"
#include "tests/execute/random_layers.hpp"

namespace obz {
namespace {

using testing::Random;

std::vector<Tensor> expect_equal(const IntNet& net, const FastNet& fast, Random& random) {
  std::vector<Tensor> inputs;
  for (const int i : net.inputs) {
    const TensorInfo& info = net.tensors[static_cast<std::size_t>(i)];
    inputs.push_back(testing::random_tensor(random, info.shape, info.type));
  }
  const auto want = run_net(net, inputs, [](const Node& n, auto in, Tensor& y) { run_naive(n, in, y); });
  EXPECT_EQ(fast.run(inputs), want) << net.name;
  return want;
}

/// conv -> depthwise -> 1x1 + skip -> max pool -> clamped conv -> mean, of ragged channels.
IntNet random_net(Random& r, const Profile& p, Layout layout) {
  IntNet net{.name = std::string(p.id)};
  const auto zero_point = [&](IntType t) { return static_cast<std::int32_t>(p.has_zero_point ? r.value(t) : 0); };
  const IntType type = r.pick({kInt8, kUInt8});
  const std::int64_t c = r.pick<std::int64_t>({4, 16, 19, 32, 256});
  const auto tensor = [&](const Shape& shape) {
    net.tensors.push_back({.id = std::to_string(net.tensors.size()), .shape = shape, .type = type});
    return static_cast<int>(net.tensors.size()) - 1;
  };
  const auto add = [&](Operator op, std::vector<int> inputs) {
    std::vector<Shape> shapes;
    for (const int i : inputs) shapes.push_back(net.tensors[static_cast<std::size_t>(i)].shape);
    const int y = tensor(infer_shape(op, shapes, net.name));
    net.nodes.push_back({.name = std::to_string(net.nodes.size()), .inputs = inputs, .outputs = {y}, .op = op});
    return y;
  };
  const auto conv = [&](int x, std::int64_t in, std::int64_t out, std::int32_t kernel, bool depthwise, bool relu) {
    Conv2d op;
    op.layout = layout;
    op.groups = depthwise ? in : 1;
    op.filter.weights =
        testing::random_tensor(r, Shape{out, kernel, kernel, depthwise ? 1 : in}, r.pick({kInt8, kInt4}));
    const std::int32_t pad = kernel / 2;
    op.window = {.pad_top = pad, .pad_left = pad, .pad_bottom = pad, .pad_right = pad};
    op.x_zero_point = zero_point(type);
    op.accumulator = fill_accumulator(p);
    const testing::Scales s(r, p, out, std::sqrt(static_cast<double>(kernel * kernel * (depthwise ? 1 : in))) * 4000,
                            type);
    OutputQuant q = testing::random_output(r, p, s.y, type);
    if (relu) q.lo = std::clamp<std::int64_t>(q.zero_point, type.min(), type.max() - 1);
    op.requant = fill_requant(p, s.x, s.w, s.w.size() > 1, q, "conv");
    return add(op, {x});
  };
  const int x = tensor(shape4(layout, r.between(1, 2), 9, 8, 3));
  net.inputs = {x};
  const int a = conv(x, 3, c, 3, false, true);
  const int b = conv(a, c, c, 3, true, r.one_in(2));
  const int d = conv(b, c, c, 1, false, false);
  const bool two = p.scale.power_of_two_only;
  const float sa = two ? 0.125F : 0.11F, sb = two ? 0.25F : 0.31F, sy = two ? 0.5F : 0.43F;
  const int e = add(fill_add(p, {sa, zero_point(type), type}, {sb, zero_point(type), type},
                             testing::random_output(r, p, sy, type), false, "add"),
                    {a, d});
  MaxPool pool{.layout = layout, .kernel_h = 3, .kernel_w = 2};
  pool.window = {.stride_h = 2, .stride_w = 2, .pad_top = 1, .pad_bottom = 1};
  pool.lo = static_cast<std::int32_t>(r.one_in(2) ? type.min() : 3);
  pool.hi = static_cast<std::int32_t>(type.max());
  const int f = add(pool, {e});
  const int g = conv(f, c, 24, 1, false, true);
  Mean mean{.axes = layout == Layout::nhwc ? Shape{1, 2} : Shape{2, 3}, .x_zero_point = zero_point(type)};
  fill_mean(p, mean, 20, 0.5F, testing::random_output(r, p, 0.5F, type), "mean");
  const int h = add(mean, {g});
  Dense dense;
  dense.filter = testing::random_filter(r, Shape{10, 24}, kInt8);
  dense.filter.zero_points.clear();
  dense.x_zero_point = zero_point(type);
  dense.accumulator = fill_accumulator(p);
  const testing::Scales s(r, p, 10, 40000, type);
  dense.requant = fill_requant(p, s.x, s.w, true, testing::random_output(r, p, s.y, type), "dense");
  net.outputs = {add(dense, {h}), e};
  validate(net, net.name);
  return net;
}

TEST(FastNet, equals_naive_in_both_layouts_under_every_profile) {
  Random random(41);
  int nets = 0, on_bytes = 0;
  for (const Profile& p : profile_catalogue()) {
    for (const Layout layout : {Layout::nhwc, Layout::nchw}) {
      std::optional<IntNet> net;
      try {
        net = testing::draw(random, [&](Random& r) { return random_net(r, p, layout); });
      } catch (const Error&) {
        continue;  // a profile without additions, or without means of 20
      }
      const FastNet fast(*net);
      for (int i = 0; i < 3; ++i) expect_equal(*net, fast, random);
      ++nets;
      for (const std::string& path : fast.paths()) on_bytes += path.find("as int32") == std::string::npos ? 1 : 0;
      ASSERT_FALSE(HasFailure());
    }
  }
  EXPECT_GT(nets, 20);
  EXPECT_GT(on_bytes, 4 * nets) << "most nodes run on bytes";
}

TEST(FastNet, refuses_inputs_as_run_net_does) {
  Random random(42);
  const IntNet net = random_net(random, find_profile("tflite/double"), Layout::nhwc);
  const FastNet fast(net);
  EXPECT_THROW(fast.run({}), Error);
  EXPECT_THROW(fast.run({Tensor(Shape{1, 1, 1, 3}, net.tensors[0].type)}), Error);
  EXPECT_TRUE(std::get<Conv2d>(fast.net().nodes[0].op).filter.weights.data.empty()) << "weights are held once, packed";
}

TEST(FastNet, values_share_memory_once_they_are_no_longer_needed) {
  Random random(43);
  IntNet net{.name = "chain"};
  const Shape image{1, 16, 16, 32};
  for (int i = 0; i < 12; ++i) net.tensors.push_back({.id = std::to_string(i), .shape = image, .type = kInt8});
  for (int i = 0; i + 1 < 12; ++i) {
    Conv2d op;
    op.filter.weights = testing::random_tensor(random, Shape{32, 1, 1, 32}, kInt8);
    op.requant = identity_requant(kInt8);
    op.requant.channels[0].shift = 7;
    net.nodes.push_back({.name = std::to_string(i), .inputs = {i}, .outputs = {i + 1}, .op = op});
  }
  net.inputs = {0};
  net.outputs = {11};
  validate(net, "chain");
  const FastNet fast(net);
  EXPECT_LE(fast.value_bytes(), 2 * (16 * 16 * 32 + 128));
  expect_equal(net, fast, random);
}

// --- residual tails ---------------------------------------------------------------------------------------------

/// Dyadic, of a scale that keeps `from` bits within `to` bits or clamps a little.
Requant random_scaler(Random& r, std::int64_t channels, int from, IntType to, bool has_zero_point) {
  Requant q;
  q.recipe.rounding = r.pick({Rounding::half_up, Rounding::half_even, Rounding::half_away, Rounding::floor});
  if (r.one_in(3)) q.recipe.first_bits = 31;
  q.channels.clear();
  for (std::int64_t c = 0; c < channels; ++c) {
    Channel channel{.multiplier = r.between(1 << 29, INT32_MAX)};
    channel.shift = static_cast<std::int32_t>(31 + std::max(0, from - to.bits) + r.between(-1, 2));
    channel.zero_point = has_zero_point ? static_cast<std::int32_t>(r.between(-9, 9)) : 0;
    channel.lo = r.one_in(2) ? to.min() : std::max<std::int64_t>(to.min(), 0);
    channel.hi = to.max();
    q.channels.push_back(channel);
  }
  return q;
}

/// Two convolutions whose outputs are added in wide integers; the sum is rescaled to bytes for the next convolution,
/// and perhaps added to once more, rescaled again or given out.
IntNet random_residual(Random& r, Layout layout, std::int64_t side = 7) {
  IntNet net{.name = "residual"};
  const IntType wide{static_cast<std::uint8_t>(r.between(12, 20)), true};
  const std::int64_t c = r.pick<std::int64_t>({5, 16, 32, 64, 72}), batch = r.between(1, 3);
  const auto tensor = [&](const Shape& shape, IntType type) {
    net.tensors.push_back({.id = std::to_string(net.tensors.size()), .shape = shape, .type = type});
    return static_cast<int>(net.tensors.size()) - 1;
  };
  const auto shape_of = [&](int i) { return net.tensors[static_cast<std::size_t>(i)].shape; };
  const auto add = [&](Operator op, std::vector<int> inputs, IntType type) {
    std::vector<Shape> shapes;
    for (const int i : inputs) shapes.push_back(shape_of(i));
    const int y = tensor(infer_shape(op, shapes, net.name), type);
    net.nodes.push_back({.name = std::to_string(net.nodes.size()), .inputs = inputs, .outputs = {y}, .op = op});
    return y;
  };
  const auto conv = [&](int x, std::int32_t kernel, std::int64_t groups, IntType type) {
    Conv2d op;
    op.layout = layout;
    op.groups = groups;
    op.filter.weights = testing::random_tensor(r, Shape{c, kernel, kernel, c / groups}, kInt8);
    op.window = {.pad_top = kernel / 2, .pad_left = kernel / 2, .pad_bottom = kernel / 2, .pad_right = kernel / 2};
    op.requant = random_scaler(r, r.one_in(2) ? c : 1, 20, type, false);
    return add(op, {x}, type);
  };
  const auto sum = [&](int a, int b) {
    Add op;
    op.subtract = r.one_in(3);
    op.left_shift = static_cast<std::int32_t>(r.pick({0, 0, 3}));
    if (r.one_in(2)) op.a_zero_point = static_cast<std::int32_t>(r.between(-7, 7));
    op.branch_a = r.one_in(2) ? identity_requant(kInt32) : random_scaler(r, 1, 0, kInt32, false);
    op.branch_b = random_scaler(r, 1, 0, kInt32, false);
    for (Requant* q : {&op.branch_a, &op.branch_b}) q->channels[0].lo = kInt32.min();
    op.accumulator = {static_cast<std::uint8_t>(r.pick({32, 20})), r.pick({Overflow::wrap, Overflow::saturate})};
    op.out = r.one_in(2) ? identity_requant(wide) : random_scaler(r, 1, wide.bits, wide, true);
    return add(op, {a, b}, wide);
  };
  const auto narrow = [&](int x) {
    Rescale op{.requant = random_scaler(r, 1, wide.bits, kInt8, true)};
    if (r.one_in(2)) op.x_zero_point = static_cast<std::int32_t>(r.between(-50, 50));
    return add(op, {x}, kInt8);
  };
  const int x = tensor(shape4(layout, batch, side, 6, c), kInt8);
  net.inputs = {x};
  const int a = conv(x, 1, 1, wide), b = conv(x, 3, r.one_in(3) ? c : 1, wide);
  const int s = r.one_in(2) ? sum(a, b) : sum(b, a);
  const int y = narrow(s);
  const int d = conv(y, 3, 1, r.one_in(3) ? kInt8 : wide);
  const bool again = r.one_in(2);
  const int t = again ? sum(d, s) : d;
  net.outputs = {y, again ? narrow(t) : t};
  if (again && r.one_in(2)) net.outputs.push_back(t);
  if (r.one_in(2)) net.outputs.push_back(conv(narrow(s), 1, 1, kInt8));
  if (r.one_in(4)) net.outputs.push_back(s);
  validate(net, net.name);
  return net;
}

TEST(FastNet, adds_in_the_tail_of_a_convolution_as_the_plain_loops_do) {
  Random random(45);
  int fused = 0, second = 0;
  for (int i = 0; i < 120; ++i) {
    const IntNet net = testing::draw(random, [&](Random& r) {
      return random_residual(r, r.pick({Layout::nhwc, Layout::nchw}));
    });
    const FastNet fast(net);
    expect_equal(net, fast, random);
    ASSERT_FALSE(HasFailure()) << i;
    int tails = 0;
    for (const std::string& path : fast.paths()) tails += path.ends_with("then the addition") ? 1 : 0;
    fused += tails > 0 ? 1 : 0;
    second += tails > 1 ? 1 : 0;
  }
  EXPECT_GT(fused, 80);
  EXPECT_GT(second, 20);
}

TEST(FastNet, adds_in_the_tail_of_every_pass_over_a_batch) {
  Random random(46);
  int passes = 0;
  for (int i = 0; i < 12; ++i) {  // images that are converted one sample at a time
    const IntNet net = testing::draw(random, [&](Random& r) { return random_residual(r, Layout::nhwc, 420); });
    const Shape& x = net.tensors[0].shape;
    passes += x[0] > 1 && x.elems() / x[0] > 1 << 17 ? 1 : 0;
    expect_equal(net, FastNet(net), random);
    ASSERT_FALSE(HasFailure()) << i;
  }
  EXPECT_GT(passes, 1);
}

// --- stairs -----------------------------------------------------------------------------------------------------

/// One lane against the recipe, at every accumulator up to the bound.
void expect_stairs_equal(const Recipe& recipe, const Channel& channel, std::int64_t bound, int* accepted) {
  fast::RequantLanes lanes{.form = fast::RequantForm::stairs};
  for (std::int64_t lane = 0; lane < fast::kPanel; ++lane) {
    if (!fast::fill_stairs(lanes, lane, recipe, channel, static_cast<std::uint64_t>(bound))) return;
  }
  ++*accepted;
  std::vector<std::int32_t> tile;
  for (std::int64_t acc = -bound; acc <= bound; ++acc) tile.push_back(static_cast<std::int32_t>(acc));
  while (tile.size() % fast::kPanel != 0) tile.push_back(0);
  const std::vector<std::int32_t> accs = tile;
  const auto rows = static_cast<std::int64_t>(tile.size()) / fast::kPanel;
  const auto base = static_cast<std::int32_t>(channel.lo);
  std::vector<std::uint8_t> bytes(tile.size());
  std::vector<std::uint8_t*> to;
  for (std::int64_t r = 0; r < rows; ++r) to.push_back(bytes.data() + r * fast::kPanel);
  fast::stairs_to_bytes(lanes, tile.data(), rows, base, to.data(), 0);
  ASSERT_TRUE(fast::requantize_tile(lanes, tile.data(), rows));
  for (std::size_t i = 0; i < accs.size(); ++i) {
    const std::int64_t want = apply_recipe(accs[i], recipe, channel);
    ASSERT_EQ(tile[i], want) << "acc " << accs[i] << " multiplier " << channel.multiplier << " shift " << channel.shift;
    ASSERT_EQ(bytes[i] + base, want) << "acc " << accs[i];
  }
}

TEST(Stairs, equal_the_recipe_at_every_accumulator) {
  Random random(44);
  int accepted = 0, tried = 0;
  for (const Profile& p : profile_catalogue()) {
    if (!fast::vector_form(p.recipe)) continue;
    for (int i = 0; i < 12 && !::testing::Test::HasFailure(); ++i) {
      const std::int64_t bound = random.between(100, 60000);
      Channel c;
      const double scale =
          300.0 / static_cast<double>(bound) * std::ldexp(1.0, static_cast<int>(random.between(-2, 2)));
      const int exponent = std::ilogb(scale);
      c.multiplier = random.one_in(4) ? std::int64_t{1} << 30 : random.between(1 << 30, INT32_MAX);
      c.shift = 30 - exponent;
      c.scale = std::ldexp(static_cast<double>(random.between(1 << 23, (1 << 24) - 1)), exponent - 23);
      c.zero_point = static_cast<std::int32_t>(random.between(-20, 20));
      c.lo = random.pick({-128, 0, static_cast<int>(c.zero_point)});
      c.hi = c.lo + random.pick({255, 127, 15});
      ++tried;
      expect_stairs_equal(p.recipe, c, bound, &accepted);
    }
  }
  EXPECT_GT(accepted, tried * 3 / 4) << accepted << " of " << tried;
}

TEST(Stairs, refuse_what_does_not_rise_or_is_wider_than_bytes) {
  const Recipe recipe;
  const Channel good{.multiplier = 1 << 30, .shift = 38, .lo = -128, .hi = 127};
  const auto accepts = [&](const Recipe& r, const Channel& c, std::uint64_t bound = 100000) {
    fast::RequantLanes lanes{.form = fast::RequantForm::stairs};
    return fast::fill_stairs(lanes, 0, r, c, bound);
  };
  EXPECT_TRUE(accepts(recipe, good));
  Channel falling = good;
  falling.multiplier = -falling.multiplier;
  EXPECT_FALSE(accepts(recipe, falling));
  Channel wide = good;
  wide.hi = 128;
  EXPECT_FALSE(accepts(recipe, wide));
  Channel steep = good;  // 100000 * 32 leaves what float32 rounds to integers
  steep.shift = 25;
  EXPECT_FALSE(accepts(recipe, steep));
  EXPECT_FALSE(accepts(recipe, good, std::uint64_t{1} << 31));
}

}  // namespace
}  // namespace obz
