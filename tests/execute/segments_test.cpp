// Byte products are exact: the segments keep every 16-bit lane inside 16 bits, at the bound and one beyond it, for the
// weights and activations at which vpmaddubsw saturates, on every instruction set that this machine has.
#include "ref/execute/fast/segments.hpp"

#include <array>
#include <numeric>

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include "ref/execute/fast.hpp"
#include "ref/execute/naive.hpp"
#include "tests/execute/random_layers.hpp"

namespace obz {
namespace {

using fast::BytePanel;
using fast::ByteProgram;
using fast::ByteWeights;
using fast::kPanel;
using fast::Run;
using testing::Random;

/// Weights [channel][depth] over one contiguous run.
struct Matrix {
  std::int64_t channels, depth;
  std::vector<std::int32_t> values;

  Matrix(std::int64_t c, std::int64_t d, std::int32_t all = 0)
      : channels(c), depth(d), values(static_cast<std::size_t>(c * d), all) {}
  std::int32_t& at(std::int64_t c, std::int64_t k) { return values[static_cast<std::size_t>(c * depth + k)]; }
  fast::WeightView view() const { return {values.data(), depth, 1, {}}; }
};

ByteWeights pack(const Matrix& m, std::int64_t largest) {
  const std::vector<Run> runs{{0, m.depth}};
  return std::move(*ByteWeights::pack(runs, 1, m.channels, m.view(), largest, true));
}

/// The kernel's sums of `rows` rows of x (depth + 4 bytes apart) equal the plain ones.
void expect_exact(const Matrix& m, std::int64_t largest, const std::vector<std::uint8_t>& x, std::int64_t rows) {
  const ByteWeights weights = pack(m, largest);
  std::vector<const std::uint8_t*> base;
  for (std::int64_t r = 0; r < rows; ++r) base.push_back(x.data() + r * (m.depth + 4));
  std::vector<std::int32_t> sums(static_cast<std::size_t>(rows * kPanel));
  for (std::int64_t p = 0; p < weights.panels(); ++p) {
    std::array<std::int32_t, kPanel> start;
    std::iota(start.begin(), start.end(), -7);
    fast::ByteTileJob job{base.data(), rows, nullptr, start.data(), 0, sums.data()};
    for (const ByteProgram& block : weights.panel(0, p).blocks) {
      job.program = &block;
      fast::multiply_bytes(job);
      job.start = sums.data();
      job.start_stride = kPanel;
    }
    for (std::int64_t r = 0; r < rows; ++r) {
      for (std::int64_t c = 0; c < std::min(kPanel, m.channels - p * kPanel); ++c) {
        std::int64_t want = start[static_cast<std::size_t>(c)];
        for (std::int64_t k = 0; k < m.depth; ++k) {
          want += std::int64_t{base[static_cast<std::size_t>(r)][k]} *
                  m.values[static_cast<std::size_t>((p * kPanel + c) * m.depth + k)];
        }
        ASSERT_EQ(sums[static_cast<std::size_t>(r * kPanel + c)], want)
            << "row " << r << " channel " << p * kPanel + c << " depth " << m.depth << " largest " << largest;
      }
    }
  }
}

std::vector<std::uint8_t> bytes(std::int64_t count, const std::function<std::int64_t(std::int64_t)>& value) {
  std::vector<std::uint8_t> x;
  for (std::int64_t i = 0; i < count; ++i) x.push_back(static_cast<std::uint8_t>(value(i)));
  x.resize(x.size() + fast::kChunk, 255);  // which the kernel may read
  return x;
}

/// All inputs at their ends, where a lane reaches furthest: all largest, those of positive weights, of negative ones.
void expect_exact_at_the_ends(Matrix& m, std::int64_t largest) {
  const std::int64_t stride = m.depth + 4;
  expect_exact(m, largest, bytes(stride * 3, [&](std::int64_t) { return largest; }), 3);
  for (const int sign : {1, -1}) {
    for (std::int64_t c = 0; c < m.channels; ++c) {
      const auto x = bytes(
          stride, [&](std::int64_t i) { return i < m.depth && m.at(c, i) * sign > 0 ? largest : std::int64_t{0}; });
      expect_exact(m, largest, x, 1);
    }
  }
}

// --- the bound ------------------------------------------------------------------------------------------------

TEST(Segments, limits_are_the_last_that_fit) {
  for (std::int64_t largest = 1; largest <= 255; ++largest) {
    const fast::LaneLimits l = fast::lane_limits(largest);
    EXPECT_LE(l.positive * largest, 32767);
    EXPECT_GT((l.positive + 1) * largest, 32767);
    EXPECT_LE(l.negative * largest, 32768);
    EXPECT_GT((l.negative + 1) * largest, 32768);
    EXPECT_GE(std::min(l.positive, l.negative), 128) << "a byte's worth fits every lane";
  }
}

/// Two steps whose lane sums are together `first` + `second`, in one lane of channel `c`.
Matrix two_steps(std::int32_t a, std::int32_t b, std::int32_t second) {
  Matrix m(16, 8);
  m.at(5, 2) = a;
  m.at(5, 3) = b;
  m.at(5, 6) = second;
  return m;
}

TEST(Segments, one_ends_exactly_where_the_next_step_would_leave_16_bits) {
  struct Case {
    std::int64_t largest;
    std::int32_t a, b, second;
    std::int64_t segments;
  };
  constexpr Case cases[] = {
      {127, 127, 127, 4, 1},                            // 258 * 127 = 32766
      {127, 127, 127, 5, 2},                            // 259 * 127 = 32893
      {127, -128, -128, -2, 1},                         // 258 * 127 = 32766
      {127, -128, -128, -3, 2}, {128, 127, 127, 1, 1},  // 255 * 128 = 32640
      {128, 127, 127, 2, 2},                            // 256 * 128 = 32768: one too many above,
      {128, -128, -127, -1, 1},                         // but not below
      {128, -128, -128, -1, 2}, {255, 100, 20, 8, 1},   // 128 * 255 = 32640
      {255, 100, 20, 9, 2},     {255, -100, -20, -8, 1}, {255, -100, -20, -9, 2},
      {255, 127, -128, 1, 1},  // signs do not add up: 128 and 128
      {255, 127, -128, -1, 2},  {15, 127, 127, 127, 1},  {1, 127, 127, 127, 1},
  };
  for (const Case& c : cases) {
    Matrix m = two_steps(c.a, c.b, c.second);
    EXPECT_EQ(pack(m, c.largest).count().segments, c.segments)
        << c.largest << ": " << c.a << " " << c.b << " " << c.second;
    EXPECT_EQ(pack(m, c.largest).count().steps, 2) << "nothing to split";
    expect_exact_at_the_ends(m, c.largest);
  }
}

TEST(Segments, a_step_that_saturates_vpmaddubsw_is_split) {
  struct Case {
    std::int32_t a, b;
    std::int64_t steps;
  };
  // 255 * (127 + 127) = 64770 would become 32767.
  for (const Case c : {Case{127, 127, 2}, Case{-128, -128, 2}, Case{127, 1, 1}, Case{127, 2, 2}, Case{-128, -1, 2},
                       Case{-128, 127, 1}, Case{255, 0, 3}, Case{-255, -255, 4}}) {
    Matrix m(1, 4);
    for (std::int64_t k = 0; k < 4; ++k) m.at(0, k) = k % 2 == 0 ? c.a : c.b;
    EXPECT_EQ(pack(m, 255).count().steps, c.steps) << c.a << " " << c.b;
    expect_exact_at_the_ends(m, 255);
  }
}

TEST(Segments, the_steps_of_many_lanes_end_with_the_first_that_is_full) {
  Matrix m(16, 4 * 40);
  for (std::int64_t k = 0; k < m.depth; ++k) {
    for (std::int64_t c = 0; c < 16; ++c) m.at(c, k) = c == 11 ? 13 : 1;  // 26 a step: nine make 234, ten 260
  }
  EXPECT_EQ(pack(m, 127).count().steps, 40);
  EXPECT_EQ(pack(m, 127).count().segments, 9) << "4 of 9 steps, each run as 8 + 1, and one of 4";
  expect_exact_at_the_ends(m, 127);
}

TEST(Segments, pairing_spares_the_splits) {
  // In every step two large weights of one sign are neighbours; 16 terms hold as many small ones.
  Matrix m(16, 64);
  Random random(2);
  for (std::int64_t c = 0; c < 16; ++c) {
    for (std::int64_t k = 0; k < m.depth; ++k) {
      m.at(c, k) = static_cast<std::int32_t>(k % 4 < 2 ? random.between(90, 127) : random.between(-8, 1));
    }
  }
  const auto weights = pack(m, 255);
  EXPECT_TRUE(weights.count().paired);
  EXPECT_EQ(weights.count().steps, 16) << "none is split";
  expect_exact_at_the_ends(m, 255);
  // Where even the best pairs overflow, some are still split, and the sums right.
  for (std::int32_t& w : m.values) w = static_cast<std::int32_t>(random.pick({127, -128, 100, -100, 3}));
  EXPECT_GT(pack(m, 255).count().steps, 16);
  expect_exact_at_the_ends(m, 255);
}

TEST(Segments, narrow_operands_need_one) {
  Matrix m(16, 512);  // uint4 x int4: 128 steps of at most 2 * 15 * 8
  Random random(1);
  for (std::int32_t& w : m.values) w = static_cast<std::int32_t>(random.between(-8, 7));
  EXPECT_EQ(pack(m, 15).count().segments, 1);
  expect_exact_at_the_ends(m, 15);
  std::fill(m.values.begin(), m.values.end(), -8);  // 16 a step: 2184 / 16 = 136 steps
  EXPECT_EQ(pack(m, 15).count().segments, 1);
  Matrix longer(16, 4 * 137, -8);
  EXPECT_EQ(pack(longer, 15).count().segments, 2);
  expect_exact_at_the_ends(longer, 15);
}

// --- every path of the kernel ---------------------------------------------------------------------------------

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

/// Weights of every character: all the same end, alternating, wide, bell-shaped, tiny, random.
std::int32_t weight_of(int kind, std::int64_t k, Random& random) {
  switch (kind) {
    case 0: return 127;
    case 1: return -128;
    case 2: return -127;
    case 3: return k % 2 == 0 ? 127 : -128;
    case 4: return k / 2 % 2 == 0 ? 127 : -128;
    case 5: return static_cast<std::int32_t>(random.pick({127, -128}));
    case 6: return static_cast<std::int32_t>(random.between(-128, 127));
    case 7:
      return static_cast<std::int32_t>((random.between(-128, 127) + random.between(-128, 127) +
                                        random.between(-128, 127) + random.between(-128, 127)) /
                                       5);
    case 8: return static_cast<std::int32_t>(random.between(-12, 12));
    case 9: return static_cast<std::int32_t>(random.between(-1, 1));
    default: return static_cast<std::int32_t>(random.between(-255, 255));
  }
}

TEST(Segments, extreme_weights_and_inputs_are_exact_on_every_target) {
  std::set<std::string> seen;
  for (std::int64_t rest = hwy::SupportedTargets(); rest != 0; rest &= rest - 1) {
    const OnlyTarget only(rest & -rest);
    if (!seen.insert(fast_target()).second) continue;
    SCOPED_TRACE(fast_target());
    Random random(3);
    for (int kind = 0; kind <= 10 && !HasFailure(); ++kind) {
      for (const std::int64_t largest : {255, 254, 200, 128, 127, 64, 15, 1}) {
        const std::int64_t depth = random.pick<std::int64_t>({1, 3, 4, 18, 64, 147, 400, 1400}),
                           rows = random.between(1, 14), stride = depth + 4;
        Matrix m(random.pick<std::int64_t>({1, 7, 16, 17, 40}), depth);
        for (std::int64_t c = 0; c < m.channels; ++c) {
          for (std::int64_t k = 0; k < depth; ++k) m.at(c, k) = weight_of(kind, k, random);
        }
        expect_exact(m, largest, bytes(stride * rows, [&](std::int64_t) { return largest; }), rows);
        expect_exact(m, largest, bytes(stride * rows, [&](std::int64_t i) { return i % 2 == 0 ? largest : 0; }), rows);
        expect_exact(m, largest, bytes(stride * rows, [&](std::int64_t) { return random.between(0, largest); }), rows);
        const std::int64_t c = random.between(0, m.channels - 1);
        const auto worst = [&](std::int64_t i) {
          return i % stride < depth && m.at(c, i % stride) > 0 ? largest : std::int64_t{0};
        };
        expect_exact(m, largest, bytes(stride * rows, worst), rows);
        expect_exact(m, largest, bytes(stride * rows, [&](std::int64_t i) { return largest - worst(i); }), rows);
      }
    }
  }
  EXPECT_GE(seen.size(), 1U);
}

// --- layers ---------------------------------------------------------------------------------------------------

/// Bell-shaped weights, as trained ones are: few are large, so bytes pay.
Tensor bell(Random& random, const Shape& shape, IntType type) {
  Tensor t(shape, type);
  for (std::int32_t& v : t.data) {
    std::int64_t sum = 0;
    for (int i = 0; i < 6; ++i) sum += random.between(type.min(), type.max());
    v = static_cast<std::int32_t>(saturate(sum / 7, type.min(), type.max()));
  }
  return t;
}

TEST(Segments, layers_by_bytes_equal_naive) {
  Random random(5);
  std::map<std::string, int> paths;
  const auto profiles = profile_catalogue();
  for (int i = 0; i < 400 && !HasFailure(); ++i) {
    const Profile& profile = profiles[static_cast<std::size_t>(i) % profiles.size()];
    const IntType x = random.pick({IntType{7, false}, kUInt8, kInt8, kUInt4, kInt4}),
                  w = random.pick({kInt8, kInt8, kInt4, IntType{2, true}});
    const IntNet net = testing::draw(random, [&](Random& r) {
      const IntNet drawn = r.one_in(5) ? testing::random_dense(r, profile) : testing::random_conv(r, profile);
      IntNet changed = drawn;
      changed.tensors[0].type = x;
      const auto give = [&](Filter& f, std::int32_t& zero_point) {
        f.weights = r.one_in(6) ? testing::random_tensor(r, f.weights.shape, w) : bell(r, f.weights.shape, w);
        f.zero_points.clear();
        zero_point = static_cast<std::int32_t>(r.value(x));
      };
      if (auto* conv = std::get_if<Conv2d>(&changed.nodes[0].op)) give(conv->filter, conv->x_zero_point);
      if (auto* dense = std::get_if<Dense>(&changed.nodes[0].op)) give(dense->filter, dense->x_zero_point);
      validate(changed, "changed");
      return changed;
    });
    const TensorInfo& info = net.tensors.back();
    std::vector<Tensor> inputs{random.one_in(4) ? Tensor(net.tensors[0].shape, x)
                                                : testing::random_tensor(random, net.tensors[0].shape, x)};
    if (random.one_in(4)) std::fill(inputs[0].data.begin(), inputs[0].data.end(), static_cast<std::int32_t>(x.max()));
    const std::vector<const Tensor*> in{inputs.data()};
    Tensor want(info.shape, info.type), got(info.shape, info.type);
    run_naive(net.nodes[0], in, want);
    const auto node = prepare_fast(net, net.nodes[0]);
    node->run(in, got);
    const std::string path = node->path();
    ++paths[path.substr(0, path.find_first_of(','))];
    EXPECT_EQ(want, got) << net.name << " " << path;
  }
  EXPECT_GT(paths["gemm int8"], 200);
}

TEST(Segments, a_net_that_clamps_at_zero_has_narrower_operands_behind) {
  Random random(6);
  IntNet net{.name = "relu"};
  const Shape image{1, 6, 6, 32};
  for (const char* id : {"x", "a", "y"}) net.tensors.push_back({.id = id, .shape = image, .type = kInt8});
  const auto conv = [&](std::int64_t lo) {
    Conv2d op;
    op.filter.weights = testing::random_tensor(random, Shape{32, 1, 1, 32}, kInt8);
    op.requant = identity_requant(kInt8);
    op.requant.channels[0].shift = 6;
    op.requant.channels[0].lo = lo;
    return op;
  };
  net.nodes = {{.name = "0", .inputs = {0}, .outputs = {1}, .op = conv(0)},
               {.name = "1", .inputs = {1}, .outputs = {2}, .op = conv(-128)}};
  net.inputs = {0};
  net.outputs = {2};
  validate(net, "relu");
  const auto ranges = value_ranges(net);
  // By type x reaches 255, where uniform weights do not fit; behind the clamp it reaches 127.
  const std::string by_type = prepare_fast(net, net.nodes[1])->path();
  const std::string by_range = prepare_fast(net, net.nodes[1], &ranges)->path();
  EXPECT_NE(by_type, by_range);
  EXPECT_EQ(by_range.substr(0, 9), "gemm int8");
  EXPECT_EQ(by_range.find("split"), std::string::npos);
  EXPECT_EQ(by_range.find("paired"), std::string::npos);
  for (int i = 0; i < 20; ++i) {
    const std::vector<Tensor> x{testing::random_tensor(random, image, kInt8)};
    EXPECT_EQ(run_net(net, x, FastExecutor(net)),
              run_net(net, x, [](const Node& n, auto in, Tensor& y) { run_naive(n, in, y); }));
  }
}

}  // namespace
}  // namespace obz
