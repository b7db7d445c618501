// Claims about the way from float to integers: folding and moving clips change nothing, scales and roundings are
// HAWQ's, every switch does what it says, and what cannot be quantized is refused in a sentence.
#include <cmath>
#include <fstream>
#include <functional>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ref/base/error.hpp"
#include "ref/base/philox.hpp"
#include "ref/base/sha256.hpp"
#include "ref/execute/fast.hpp"
#include "ref/execute/inputs.hpp"
#include "ref/execute/naive.hpp"
#include "ref/net/bounds.hpp"
#include "ref/net/census.hpp"
#include "ref/net/save_load.hpp"
#include "ref/quantize/hawq.hpp"
#include "ref/quantize/reconstruct.hpp"
#include "ref/quantize/simplify.hpp"
#include "ref/quantize/zoo.hpp"
#include "ref/quantize/zoo_builder.hpp"
#include "ref/read/onnx/read_float.hpp"
#include "ref/real/float_run.hpp"
#include "tests/support/onnx_builder.hpp"
#include "tests/support/temp_dir.hpp"

namespace obz::test {
namespace {

using testing::HasSubstr;

/// What `f` throws.
template <class F>
std::string error_of(F&& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

RangeOf fixed_range(float lo, float hi) {
  return [=](const std::string&, const Grid&) { return FloatRange{lo, hi}; };
}

/// Ranges as the pictures of a zoo network give them.
RangeOf observed(const FloatNet& net, std::uint64_t seed, const ObserveOptions& how = {}) {
  const std::int64_t side = net.values[0].shape[2];
  auto all = std::make_shared<Observations>(observe(
      net, 2, [=](std::int64_t i) { return zoo_image(seed + static_cast<std::uint64_t>(i), side); }, how));
  return [all, how](const std::string& value, const Grid& grid) { return range_of(all->at(value), how, grid); };
}

std::vector<Tensor> values_of(const IntNet& net, const FloatTensor& image, bool fast) {
  const InputSet inputs(net, {npy_from(image)}, {"image"});
  std::vector<Tensor> values(net.tensors.size());
  FastExecutor executor(net);
  run_net(
      net, inputs.sample(0),
      [&](const Node& n, std::span<const Tensor* const> in, Tensor& y) {
        fast ? executor(n, in, y) : run_naive(n, in, y);
      },
      [&](int i, const Tensor& t) { values[static_cast<std::size_t>(i)] = t; });
  return values;
}

float worst_difference(const FloatTensor& a, const FloatTensor& b) {
  float worst = 0;
  for (std::size_t i = 0; i < a.data.size(); ++i) worst = std::max(worst, std::abs(a.data[i] - b.data[i]));
  return worst;
}

/// A convolution by the definition, in double.
double conv_at(const FloatConv& op, const FloatTensor& x, std::int64_t o, std::int64_t oh, std::int64_t ow) {
  const Shape& w = op.weights.shape;
  const std::int64_t group = o / (w[0] / op.groups);
  double sum = op.bias.empty() ? 0 : static_cast<double>(op.bias[static_cast<std::size_t>(o)]);
  for (std::int64_t i = 0; i < w[1]; ++i) {
    for (std::int64_t j = 0; j < w[2]; ++j) {
      const std::int64_t ih = oh * op.window.stride_h + i - op.window.pad_top;
      const std::int64_t iw = ow * op.window.stride_w + j - op.window.pad_left;
      if (ih < 0 || iw < 0 || ih >= x.shape[2] || iw >= x.shape[3]) continue;
      for (std::int64_t c = 0; c < w[3]; ++c) {
        const auto xi = static_cast<std::size_t>(((group * w[3] + c) * x.shape[2] + ih) * x.shape[3] + iw);
        const auto wi = static_cast<std::size_t>(((o * w[1] + i) * w[2] + j) * w[3] + c);
        sum += static_cast<double>(x.data[xi]) * static_cast<double>(op.weights.data[wi]);
      }
    }
  }
  return sum;
}

TEST(FloatRun, convolutions_are_their_definition_with_ragged_channels_strides_padding_and_groups) {
  for (const std::int64_t groups : {1, 2, 6}) {
    for (const std::int64_t stride : {1, 2}) {
      ZooBuilder b("one", 5, 9);
      const int first = b.conv("a", b.input(), square(6, 1));
      ConvShape s{18, 3, 2, stride, 1, 0, groups};
      const FloatNet net = b.finish(b.conv("b", first, s));
      const auto& conv = std::get<FloatConv>(net.nodes[2].op);
      FloatTensor x{net.values[static_cast<std::size_t>(first)].shape, {}};
      for (std::int64_t i = 0; i < x.shape.elems(); ++i) x.data.push_back(static_cast<float>((i * 37) % 101 - 50) / 16);
      const FloatTensor* in[] = {&x};
      const Shape& shape = net.values[static_cast<std::size_t>(net.nodes[2].output)].shape;
      const FloatTensor y = run_float(net.nodes[2], in, shape);
      for (std::int64_t o = 0; o < shape[1]; ++o) {
        for (std::int64_t p = 0; p < shape[2] * shape[3]; ++p) {
          EXPECT_NEAR(y.data[static_cast<std::size_t>(o * shape[2] * shape[3] + p)],
                      conv_at(conv, x, o, p / shape[3], p % shape[3]), 1e-4);
        }
      }
    }
  }
}

/// A 1x1 convolution 2 -> 3 of an activation with its own Q and DQ.
FloatNet read_conv(const std::function<std::string(OnnxBuilder&)>& weights) {
  OnnxBuilder b;
  const std::string x = b.activation("x", {1, 2, 4, 4});
  b.output(b.node("Conv", {x, weights(b)}));
  return read_float_onnx(b.finish(), "m.onnx");
}

std::vector<float> weights_of(const FloatNet& net) {
  EXPECT_EQ(net.nodes.size(), 1U);
  return std::get<FloatConv>(net.nodes.at(0).op).weights.data;
}

TEST(ReadFloat, float_weights_in_front_of_their_own_quantization_stay_what_they_are) {
  const Dims dims{3, 2, 1, 1};
  const std::vector<float> floats{0.3F, -0.26F, 1, 0.125F, -100, 0.75F};  // not on the grid of 0.25, one outside of it
  EXPECT_EQ(weights_of(read_conv([&](OnnxBuilder& b) { return b.floats(floats, dims); })), floats);
  const FloatNet net = read_conv([&](OnnxBuilder& b) { return b.pair(b.floats(floats, dims), 0.25F, 3); });
  EXPECT_EQ(weights_of(net), floats);
  EXPECT_THAT(net.notes, testing::ElementsAre(HasSubstr("quantization of activations is left out")));
}

TEST(ReadFloat, integer_weights_become_the_floats_that_they_stand_for) {
  const std::vector<std::int64_t> integers{2, -1, 4, 0, -128, 127};
  EXPECT_EQ(weights_of(read_conv([&](OnnxBuilder& b) {
              return b.weights(integers, {3, 2, 1, 1}, 0.25F);
            })),
            (std::vector<float>{0.5F, -0.25F, 1, 0, -32, 31.75F}));
  EXPECT_EQ(weights_of(read_conv([&](OnnxBuilder& b) {  // a scale for each output channel
              return b.node("DequantizeLinear",
                            {b.integers(OnnxBuilder::kInt8, integers, {3, 2, 1, 1}), b.floats({0.25F, 1, 0.5F}, {3}),
                             b.integers(OnnxBuilder::kInt8, {0, 1, 0}, {3})},
                            {{"axis", std::int64_t{0}}});
            })),
            (std::vector<float>{0.5F, -0.25F, 3, -1, -64, 63.5F}));
}

TEST(Simplify, changes_no_output_and_leaves_no_normalization) {
  for (const char* name : {"resnet18", "mobilenetv2", "resnet20-cifar"}) {
    const FloatNet before = make_zoo_net(name, 3, 32);
    const FloatNet after = simplify(before);
    const FloatTensor x = zoo_image(9, 32);
    const FloatTensor y = run_float(before, x);
    const float size = std::abs(*std::max_element(y.data.begin(), y.data.end()));
    EXPECT_LT(worst_difference(y, run_float(after, x)), 1e-2F * size) << name;  // seeded networks amplify
    for (const FloatNode& n : after.nodes) EXPECT_FALSE(std::holds_alternative<FloatBatchNorm>(n.op)) << n.name;
  }
}

TEST(Simplify, moves_a_clip_behind_its_max_pool_so_that_ranges_are_seen_before_it) {
  const FloatNet net = simplify(make_zoo_net("resnet18", 3, 32));
  EXPECT_TRUE(std::holds_alternative<FloatConv>(net.nodes[0].op));
  EXPECT_TRUE(std::holds_alternative<FloatMaxPool>(net.nodes[1].op));
  EXPECT_TRUE(std::holds_alternative<FloatClip>(net.nodes[2].op));
  EXPECT_THAT(net.values[static_cast<std::size_t>(net.nodes[1].output)].name, HasSubstr(":before_clip"));
}

TEST(Simplify, a_normalization_without_a_layer_of_its_own_is_refused) {
  ZooBuilder b("shared", 1, 8);
  const int y = b.conv("a", b.input(), square(4, 3));
  FloatNet net = b.finish(b.relu(y));
  net.nodes[1].inputs = {net.input};  // the normalization reads the image
  net.nodes[1].op = FloatBatchNorm{{1, 1, 1}, {0, 0, 0}, {0, 0, 0}, {1, 1, 1}, 0};
  EXPECT_THAT(error_of([&] { simplify(net); }), HasSubstr("a.bn"));
}

TEST(Weights, are_rounded_to_even_on_the_scale_of_the_largest_and_refused_when_a_channel_is_zero) {
  FloatTensor w{Shape{2, 4}, {7, 3.5F, -0.5F, 0.5F, 14, -14, 1, 3}};
  const WeightQuant q = quantize_weights(w, 4, WeightScale::largest, "here");
  EXPECT_EQ(q.scales, (std::vector<float>{1, 2}));
  EXPECT_EQ(q.values.data, (std::vector<std::int32_t>{7, 4, 0, 0, 7, -7, 0, 2}));
  w.data[4] = w.data[5] = w.data[6] = w.data[7] = 0;
  EXPECT_THAT(error_of([&] { quantize_weights(w, 4, WeightScale::largest, "here"); }),
              HasSubstr("here: output channel 1 has no weight beyond 0"));
}

TEST(Weights, of_least_error_cost_no_more_than_those_of_the_largest) {
  FloatTensor w{Shape{1, 64}, {}};
  CaseRandom random(4, 0);
  for (int i = 0; i < 64; ++i) w.data.push_back(static_cast<float>(random.between(-100, 100)) / 100);
  w.data[0] = 6;  // one far out
  const auto error = [&](WeightScale rule) {
    const WeightQuant q = quantize_weights(w, 4, rule, "");
    double sum = 0;
    for (std::size_t i = 0; i < w.data.size(); ++i) {
      const double d =
          static_cast<double>(q.values.data[i]) * static_cast<double>(q.scales[0]) - static_cast<double>(w.data[i]);
      sum += d * d;
    }
    return sum;
  };
  EXPECT_LT(error(WeightScale::mse), error(WeightScale::largest));
}

TEST(Bits, say_which_layer_has_which_and_refuse_the_rest) {
  const FloatNet net = simplify(make_zoo_net("resnet20-cifar", 1));
  auto bits = bits_of(net, read_bits("w4a2"));
  EXPECT_EQ(bits.at("conv0"), (LayerBits{8, 8}));
  EXPECT_EQ(bits.at("fc"), (LayerBits{8, 8}));
  EXPECT_EQ(bits.at("stage1.unit1.conv1"), (LayerBits{4, 2}));
  for (const char* bad : {"w9a4", "w0a4", "w4", "4", "w4a4x", "plan.txt", ""}) {
    EXPECT_THAT(error_of([&] { read_bits(bad); }), HasSubstr("expected")) << bad;
  }
  const TempDir dir;
  const auto plan = [&](const char* text) {
    std::ofstream(dir / "plan.json") << text;
    return bits_of(net, read_bits((dir / "plan.json").string()));
  };
  bits = plan(R"({"rest": {"weights": 5, "activations": 6}, "layers": {"fc": {"weights": 3, "activations": 7}}})");
  EXPECT_EQ(bits.at("stage1.unit1.conv1"), (LayerBits{5, 6}));
  EXPECT_EQ(bits.at("fc"), (LayerBits{3, 7}));
  EXPECT_THAT(error_of([&] { plan(R"({"layers": {"stage1.unit1.conv": {"weights": 4}}})"); }),
              HasSubstr("did you mean \"stage1.unit1.conv1\""));
  EXPECT_THAT(error_of([&] { plan(R"({"layers": {"fc": {"weights": 12}}})"); }), HasSubstr("layers.fc.weights"));
  EXPECT_THAT(error_of([&] { plan(R"({"layers": {"fc": {"bits": 4}}})"); }), HasSubstr("unknown field"));
  EXPECT_THAT(error_of([&] { plan("[1, 2"); }), HasSubstr("expected a JSON object"));
}

TEST(Hawq, networks_are_integer_only_and_the_same_on_ref_and_fast) {
  for (const char* name : {"resnet18", "inceptionv3", "mobilenetv2", "resnet20-cifar"}) {
    const std::int64_t side = std::string(name) == "inceptionv3" ? 107 : 64;
    const FloatNet net = simplify(make_zoo_net(name, 2, side));
    const RangeOf ranges = observed(net, 2);
    for (const char* bits : {"w8a8", "w4a4", "w2a6"}) {
      const IntNet quantized = quantize_hawq(net, ranges, {.bits = read_bits(bits)});
      Census all;
      for (const Node& n : quantized.nodes) all += census_of(quantized, n);
      EXPECT_TRUE(all.integer_only()) << name;
      EXPECT_GT(all.multiply, 0);
      EXPECT_EQ(values_of(quantized, zoo_image(2, side), false), values_of(quantized, zoo_image(2, side), true))
          << name << bits;
    }
  }
}

TEST(Hawq, integers_follow_the_float_network_closely) {
  const FloatNet net = simplify(make_zoo_net("resnet20-cifar", 4));
  const FloatTensor x = zoo_image(4, 32), y = run_float(net, x);
  const IntNet quantized = quantize_hawq(net, observed(net, 4), {});
  const Tensor scores = values_of(quantized, x, true)[static_cast<std::size_t>(quantized.outputs[0])];
  double dot = 0, a = 0, b = 0;
  for (std::size_t i = 0; i < y.data.size(); ++i) {
    const auto u = static_cast<double>(y.data[i]);
    const double v = scores.data[i] * quantized.output_borders[0].affine.scales[0];
    dot += u * v;
    a += u * u;
    b += v * v;
  }
  EXPECT_GT(dot / std::sqrt(a * b), 0.99);
  EXPECT_NEAR(b / a, 1, 0.1);
}

TEST(Hawq, the_same_seed_gives_the_same_file_on_every_machine) {
  const FloatNet net = simplify(make_zoo_net("resnet20-cifar", 1));
  EXPECT_EQ(sha256_hex(format_net(quantize_hawq(net, observed(net, 1), {.bits = read_bits("w4a4")}))),
            "9b8452ad1353124572d22970192ec8df698e0c4c4a16a542568de82ad31efddc");
}

TEST(Hawq, residual_sums_are_unclamped_clamped_or_wide_as_the_switch_says) {
  const FloatNet net = simplify(make_zoo_net("resnet20-cifar", 1));
  const RangeOf narrow = [inner = observed(net, 1)](const std::string& value, const Grid& grid) {
    FloatRange r = inner(value, grid);
    if (value.find(".add") != std::string::npos) r = {r.lo / 3, r.hi / 3};  // so that sums leave 16 bits
    return r;
  };
  const auto largest_sum = [&](ResidualStream residual) {
    const IntNet q = quantize_hawq(net, narrow, {.residual = residual});
    std::int32_t largest = 0;
    const auto values = values_of(q, zoo_image(1, 32), true);
    for (const Node& n : q.nodes) {
      if (!std::holds_alternative<Add>(n.op)) continue;
      for (const std::int32_t v : values[static_cast<std::size_t>(n.outputs[0])].data) largest = std::max(largest, v);
    }
    return largest;
  };
  EXPECT_GT(largest_sum(ResidualStream::int16_unclamped), 32767);
  EXPECT_EQ(largest_sum(ResidualStream::int16_clamped), 32767);
  EXPECT_GT(largest_sum(ResidualStream::int32), 32767);
}

TEST(Hawq, unclamped_values_have_the_least_type_that_holds_them) {
  const FloatNet net = simplify(make_zoo_net("resnet20-cifar", 1));
  const IntNet q = quantize_hawq(net, observed(net, 1), {});
  bool any = false;
  for (const TensorInfo& t : q.tensors) {
    any = any || (t.type.bits > 16 && t.type.bits < 32);
    if (t.type.bits == 32) EXPECT_EQ(&t, &q.tensors[static_cast<std::size_t>(q.outputs[0])]) << t.id;
  }
  EXPECT_TRUE(any);
}

TEST(Hawq, grids_of_activations_are_signed_unsigned_or_have_a_zero_point) {
  const FloatNet net = simplify(make_zoo_net("resnet20-cifar", 1));
  const RangeOf ranges = observed(net, 1);
  const auto type_at = [&](const HawqOptions& o, const char* layer) {
    const IntNet q = quantize_hawq(net, ranges, o);
    const Node& n = q.nodes[static_cast<std::size_t>(find_node(q, layer))];
    return q.tensors[static_cast<std::size_t>(n.inputs[0])];
  };
  HawqOptions o{.bits = read_bits("w8a8")};
  EXPECT_EQ(type_at(o, "stage1.unit1.conv2").type, kInt8);
  o.activations = ActivationGrid::unsigned_;
  EXPECT_EQ(type_at(o, "stage1.unit1.conv2").type, kUInt8);
  EXPECT_EQ(type_at(o, "conv0").type, kInt8) << "the picture has negative values";
  o.activations = ActivationGrid::hawq;
  o.bits = read_bits("w4a4");
  EXPECT_EQ(type_at(o, "stage1.unit1.conv2").type, (IntType{4, false}));
  o.activations = ActivationGrid::asymmetric;
  EXPECT_THAT(error_of([&] { quantize_hawq(net, ranges, o); }),
              HasSubstr("need zero points, which profile hawq-v3/exact has not"));
  o.profile = "hawq-v3/tvm";
  EXPECT_NE(type_at(o, "conv0").zero_point, 0);
  EXPECT_EQ(values_of(quantize_hawq(net, ranges, o), zoo_image(1, 32), false),
            values_of(quantize_hawq(net, ranges, o), zoo_image(1, 32), true));
}

TEST(Hawq, concatenations_take_one_step_or_two) {
  const FloatNet net = simplify(make_zoo_net("inceptionv3", 1, 107));
  const RangeOf ranges = observed(net, 1);
  const IntNet two = quantize_hawq(net, ranges, {}), one = quantize_hawq(net, ranges, {.concat = ConcatSteps::one});
  const auto scaled_parts = [](const IntNet& q) {
    int count = 0;
    for (const Node& n : q.nodes) {
      const auto* concat = std::get_if<Concat>(&n.op);
      if (concat == nullptr) continue;
      for (const Requant& r : concat->requants) count += r.channels[0].shift != 0 ? 1 : 0;
    }
    return count;
  };
  EXPECT_GT(scaled_parts(two), scaled_parts(one));
}

TEST(Hawq, sums_that_could_leave_their_accumulator_are_refused) {
  const FloatNet net = simplify(make_zoo_net("resnet20-cifar", 1));
  const RangeOf ranges = observed(net, 1);
  const IntNet q = quantize_hawq(net, ranges, {});
  const WeightQuant w = quantize_weights(weights_of(net.nodes[0].op), 8, WeightScale::largest, "");
  const float step = w.scales[3] * static_cast<float>(q.input_borders[0].affine.scales[0]);
  const auto with_bias = [&](float bias) {
    FloatNet n = net;
    std::get<FloatConv>(n.nodes[0].op).bias[3] = bias;
    return error_of([&] { quantize_hawq(n, ranges, {}); });
  };
  EXPECT_THAT(with_bias(step * 2147483000.0F), HasSubstr("needs an accumulator of 33 bits, expected at most 32"));
  EXPECT_THAT(with_bias(step * 1e10F), HasSubstr("leaves 32 bits"));
}

TEST(Hawq, what_has_no_range_no_scale_or_no_number_is_refused) {
  FloatNet net = simplify(make_zoo_net("resnet20-cifar", 1));
  EXPECT_THAT(error_of([&] { quantize_hawq(net, fixed_range(0, 0), {}); }), HasSubstr("is always 0"));
  EXPECT_THAT(error_of([&] { quantize_hawq(net, fixed_range(1, -1), {}); }), HasSubstr("expected a finite range"));
  EXPECT_THAT(error_of([&] { quantize_hawq(net, fixed_range(-1, INFINITY), {}); }),
              HasSubstr("expected a finite range"));
  std::get<FloatConv>(net.nodes[0].op).weights.data[5] = NAN;
  EXPECT_THAT(error_of([&] { quantize_hawq(net, fixed_range(-1, 1), {}); }),
              HasSubstr("layer \"conv0\": weight 5 is nan, expected a finite number"));
}

TEST(Observe, every_observer_gives_a_range_inside_the_extremes) {
  const FloatNet net = simplify(make_zoo_net("resnet20-cifar", 1));
  const std::string value = net.values[static_cast<std::size_t>(net.nodes[1].output)].name;
  const auto range = [&](const ObserveOptions& how) { return observed(net, 1, how)(value, Grid{0, 15, false}); };
  const FloatRange all = range({});
  EXPECT_EQ(all.lo, 0);
  for (const Observer by : {Observer::momentum, Observer::percentile, Observer::mse}) {
    const FloatRange r = range({.by = by, .percentile = 99});
    EXPECT_GE(r.lo, all.lo);
    EXPECT_LE(r.hi, all.hi);
    EXPECT_GT(r.hi, all.hi / 20);
    if (by != Observer::momentum) EXPECT_LT(r.hi, all.hi);
  }
}

/// Mean squared distance of the scores from the float ones over pictures that were not calibrated on.
double score_error(const FloatNet& net, const IntNet& q) {
  double sum = 0;
  for (std::uint64_t s = 50; s < 54; ++s) {
    const FloatTensor y = run_float(net, zoo_image(s, 32));
    const Tensor scores = values_of(q, zoo_image(s, 32), true)[static_cast<std::size_t>(q.outputs[0])];
    for (std::size_t i = 0; i < y.data.size(); ++i) {
      const double d = scores.data[i] * q.output_borders[0].affine.scales[0] - static_cast<double>(y.data[i]);
      sum += d * d;
    }
  }
  return sum;
}

TEST(Improvements, bring_four_bit_networks_nearer_to_the_float_one) {
  const FloatNet net = simplify(make_zoo_net("resnet20-cifar", 1));
  constexpr std::int64_t count = 8;
  NpyArray pictures{.kind = 'f', .item_bytes = 4, .shape = Shape{count, 3, 32, 32}};
  for (std::uint64_t s = 1; s <= count; ++s) {
    const NpyArray one = npy_from(zoo_image(s, 32));
    pictures.bytes.insert(pictures.bytes.end(), one.bytes.begin(), one.bytes.end());
  }
  const FloatSamples samples(net, pictures, {}, "pictures");
  const Observations seen = observe(net, count, samples, {});
  const RangeOf ranges = [&](const std::string& v, const Grid& grid) { return range_of(seen.at(v), {}, grid); };
  HawqOptions plain{.bits = read_bits("w4a8")};
  HawqOptions corrected = plain, rebuilt = plain;
  corrected.overrides = correct_biases(net, seen, plain);
  rebuilt.overrides = reconstruct(net, ranges, plain, samples, count, {.rows = 2048});
  const double before = score_error(net, quantize_hawq(net, ranges, plain));
  EXPECT_LT(score_error(net, quantize_hawq(net, ranges, corrected)), before);
  EXPECT_LT(score_error(net, quantize_hawq(net, ranges, rebuilt)), before / 2);
  const auto again = reconstruct(net, ranges, plain, samples, count, {.rows = 2048});
  for (const auto& [name, o] : again) {
    EXPECT_EQ(o.weights, rebuilt.overrides.at(name).weights) << name;
    EXPECT_EQ(o.bias, rebuilt.overrides.at(name).bias) << name;
  }
}

TEST(Zoo, has_the_published_multiplications_and_weights) {
  const auto total = [](const char* name) {
    const FloatNet net = make_zoo_net(name, 1, 0);
    std::int64_t products = 0, weights = 0;
    for (const FloatNode& n : net.nodes) {
      products += macs(net, n);
      if (has_weights(n.op)) weights += weights_of(n.op).shape.elems();
    }
    return std::pair(products, weights);
  };
  EXPECT_EQ(total("resnet18"), std::pair(std::int64_t{1'814'073'344}, std::int64_t{11'678'912}));
  EXPECT_EQ(total("resnet50"), std::pair(std::int64_t{3'857'973'248}, std::int64_t{25'502'912}));
  EXPECT_EQ(total("resnet50v1.5").first, 4'089'184'256);
  EXPECT_EQ(total("mobilenetv2").first, 300'774'272);
  EXPECT_EQ(total("resnet20-cifar").first, 40'551'040);
  EXPECT_THAT(error_of([] { make_zoo_net("resnet19", 1); }), HasSubstr("did you mean \"resnet18\""));
}

}  // namespace
}  // namespace obz::test
