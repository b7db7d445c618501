// Claims: the bounds of every accumulator are those of a sweep over all inputs; their witnesses attain them on both
// engines; 16-bit pair sums are called at risk exactly when some input makes one saturate.
#include <algorithm>

#include <gtest/gtest.h>

#include "golden/bounds/certify.hpp"
#include "golden/cases/synth.hpp"
#include "golden/mutate/mutate.hpp"
#include "ref/base/philox.hpp"
#include "ref/execute/naive.hpp"
#include "ref/net/save_load.hpp"
#include "ref/net/validate.hpp"
#include "ref/read/import.hpp"
#include "tests/support/shared_data.hpp"

namespace obz {
namespace {

/// Least and largest accumulator per channel over every input of the layer.
std::vector<Range> sweep(const IntNet& net, std::size_t channels, bool channels_last) {
  const LayerUnit unit(net);
  std::int64_t elems = 0;
  std::vector<Tensor> inputs;
  int bits = 0;
  for (const int i : net.inputs) {
    const TensorInfo& info = net.tensors[static_cast<std::size_t>(i)];
    inputs.emplace_back(info.shape, info.type);
    elems += info.shape.elems();
    bits = info.type.bits;
  }
  std::vector<Range> found(channels, {INT64_MAX, INT64_MIN});
  for (std::int64_t n = 0; n < std::int64_t{1} << (elems * bits); ++n) {
    std::int64_t rest = n;
    for (Tensor& t : inputs) {
      for (std::int32_t& v : t.data) {
        v = static_cast<std::int32_t>(t.type.min() + (rest & ((1 << bits) - 1)));
        rest >>= bits;
      }
    }
    const auto accs = unit.sample(inputs).accs;
    for (std::size_t i = 0; i < accs.size(); ++i) {
      Range& r = found[channels_last ? i % channels : 0];
      r = {std::min(r.lo, accs[i]), std::max(r.hi, accs[i])};
    }
  }
  return found;
}

void expect_exact(const IntNet& net, const std::string& what) {
  const std::vector<Range> ranges = value_ranges(net);
  const auto c = certify(net, net.nodes[0], ranges);
  ASSERT_TRUE(c) << what;
  ASSERT_TRUE(c->exact) << what;
  const std::vector<Range> all = sweep(net, c->channels.size(), c->channels.size() > 1);
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(c->channels[i].range.lo, all[i].lo) << what << " channel " << i;
    EXPECT_EQ(c->channels[i].range.hi, all[i].hi) << what << " channel " << i;
  }
}

TEST(Bounds, are_those_of_a_sweep_over_every_input) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    const auto spec = [&](const char* op, std::array<std::int64_t, 9> conv, int bits) {
      SynthSpec s{.op = op, .seed = seed, .conv = conv, .weight = kInt4, .out = kInt4};
      s.activation = IntType{static_cast<std::uint8_t>(bits), seed % 2 == 0};
      if (s.op == "avgpool") s.out = s.activation;
      return s;
    };
    expect_exact(synthesize(spec("conv2d", {1, 3, 3, 1, 3, 3, 3, 2, 1}, 2)), "conv2d, padded and strided");
    expect_exact(synthesize(spec("conv2d", {1, 1, 2, 2, 2, 3, 3, 1, 1}, 3)), "conv2d, kernel larger than the input");
    expect_exact(synthesize(spec("conv2d", {1, 2, 3, 1, 2, 2, 2, 1, 0}, 2)), "conv2d, no padding");
    expect_exact(synthesize(spec("depthwise", {1, 2, 2, 2, 1, 3, 3, 1, 1}, 2)), "depthwise");
    expect_exact(synthesize(spec("dense", {1, 1, 1, 5, 3, 1, 1, 1, 0}, 3)), "dense");
    expect_exact(synthesize(spec("avgpool", {1, 3, 2, 1, 1, 3, 3, 2, 1}, 2)), "average pool, padded");
    expect_exact(synthesize(spec("add", {1, 1, 1, 1, 1, 1, 1, 1, 0}, 4)), "add");
    expect_exact(synthesize(spec("mul", {1, 1, 1, 1, 1, 1, 1, 1, 0}, 4)), "mul");
    SynthSpec resized = spec("avgpool", {1, 3, 2, 1, 1, 3, 3, 2, 1}, 2);
    resized.profile = "onnx/mlas";
    expect_exact(synthesize(resized), "average pool with a requantizer");
  }
}

TEST(Bounds, grouped_and_dilated_convolutions_too) {
  IntNet net = synthesize({.op = "conv2d",
                           .conv = {1, 3, 3, 1, 2, 2, 2, 1, 0},
                           .activation = IntType{2, true},
                           .weight = kInt4,
                           .out = kInt4});
  auto& op = std::get<Conv2d>(net.nodes[0].op);
  op.window.dilation_h = op.window.dilation_w = 2;
  TensorInfo& y = net.tensors[static_cast<std::size_t>(net.outputs[0])];
  y.shape = Shape{1, 1, 1, 2};
  validate(net, "test");
  expect_exact(net, "dilated");
}

TEST(Bounds, witnesses_attain_them_on_both_engines) {
  for (const char* op : {"conv2d", "depthwise", "dense", "mma", "add", "mul", "avgpool"}) {
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
      const auto pick = [&](std::int64_t lo, std::int64_t hi) { return CaseRandom(seed, 1).between(lo, hi); };
      const IntNet net = synthesize(
          {.op = op,
           .profile = seed % 2 == 0 ? "tflite/double" : "hawq-v3/exact",
           .seed = seed,
           .conv = {1 + pick(0, 1), 5 + pick(0, 3), 6, 1 + pick(0, 20), 1 + pick(0, 18), 3, 3, 1 + pick(0, 1), 1}});
      const std::vector<Range> ranges = value_ranges(net);
      const auto c = certify(net, net.nodes[0], ranges);
      ASSERT_TRUE(c && c->exact) << op;
      for (std::size_t channel = 0; channel < c->channels.size(); ++channel) {
        for (const bool largest : {false, true}) {
          const auto inputs = witness(net, net.nodes[0], ranges, *c, channel, largest);
          const Replay r = replay(net, net.nodes[0], *c, channel, largest, inputs);
          EXPECT_TRUE(r.attained) << op << " channel " << channel << " got " << r.acc;
          EXPECT_TRUE(r.fast_equals) << op << " channel " << channel;
          // A claim that is off by one does not pass.
          AccCertificate wrong = *c;
          (largest ? wrong.channels[channel].range.hi : wrong.channels[channel].range.lo) += 1;
          EXPECT_FALSE(replay(net, net.nodes[0], wrong, channel, largest, inputs).attained) << op;
        }
      }
    }
  }
}

TEST(Bounds, claim_nothing_exact_about_an_operand_used_twice) {
  IntNet net = synthesize({.op = "mul", .conv = {1, 2, 2, 1, 1, 1, 1, 1, 0}});
  net.nodes[0].inputs[1] = net.nodes[0].inputs[0];
  const auto c = certify(net, net.nodes[0], value_ranges(net));
  ASSERT_TRUE(c);
  EXPECT_FALSE(c->exact);
  EXPECT_FALSE(c->why_not.empty());
}

TEST(PairHazard, is_found_when_and_only_when_some_input_saturates_a_pair) {
  int risky = 0, safe = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SynthSpec spec{.op = "dense", .seed = seed, .conv = {1, 1, 1, 2, 1, 1, 1, 1, 0}};
    spec.activation = seed % 2 == 0 ? kInt8 : kUInt8;
    const IntNet net = synthesize(spec);
    const auto h = pair_hazard(net, net.nodes[0], value_ranges(net));
    ASSERT_TRUE(h);
    const auto& w = std::get<Dense>(net.nodes[0].op).filter.weights.data;
    bool any = false;
    for (int u1 = 0; u1 < 256; ++u1) {
      for (int u2 = 0; u2 < 256; ++u2) {
        const std::int64_t exact = std::int64_t{u1} * w[0] + std::int64_t{u2} * w[1];
        const std::int64_t lane = std::min<std::int64_t>(std::max<std::int64_t>(exact, -32768), 32767);
        ASSERT_EQ(saturating_pair(u1, w[0], u2, w[1]), lane);
        any = any || lane != exact;
      }
    }
    EXPECT_EQ(h->at_risk > 0, any) << seed;
    EXPECT_EQ(h->inputs.has_value(), any) << seed;
    if (any) {
      EXPECT_NE(h->exact, h->saturating) << seed;
    }
    (any ? risky : safe) += 1;
  }
  EXPECT_GT(risky, 5);
  EXPECT_GT(safe, 5);
}

TEST(BoundsShared, witnesses_of_the_shared_models_attain_their_bounds) {
  const auto folder = test::shared_data() / "models";
  OBZ_REQUIRE_SHARED_DATA(folder / "kws_ref_model.tflite");
  std::int64_t layers = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".tflite") continue;
    const IntNet net = import_model(entry.path());
    const std::vector<Range> ranges = value_ranges(net);
    for (const Node& node : net.nodes) {
      const auto c = certify(net, node, ranges);
      if (!c || !c->exact) continue;
      ++layers;
      const std::size_t last = c->channels.size() - 1;
      for (const std::size_t channel : {std::size_t{0}, last}) {
        const bool largest = channel == last;
        const Replay r = replay(net, node, *c, channel, largest, witness(net, node, ranges, *c, channel, largest));
        EXPECT_TRUE(r.attained) << entry.path().filename() << " " << node.name;
        EXPECT_TRUE(r.fast_equals) << entry.path().filename() << " " << node.name;
      }
    }
  }
  EXPECT_GT(layers, 100);
}

}  // namespace
}  // namespace obz
