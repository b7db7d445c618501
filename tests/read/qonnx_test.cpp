// QONNX models built in memory: quantizers become thresholds on accumulators, and nothing but integers is left.
#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ref/base/error.hpp"
#include "ref/border/convert.hpp"
#include "ref/execute/naive.hpp"
#include "ref/net/save_load.hpp"
#include "ref/read/import.hpp"
#include "ref/read/onnx/thresholds.hpp"
#include "tests/support/onnx_builder.hpp"
#include "tests/support/temp_dir.hpp"

namespace obz {
namespace {

using test::Dims;
using test::message_of;
using test::OnnxBuilder;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kDomain = "qonnx.custom_op.general";

struct QuantOptions {
  std::int64_t is_signed = 1, narrow = 0;
  std::string rounding = "ROUND";
  float zero_point = 0;
};

std::string quant(OnnxBuilder& b, const std::string& x, const std::string& scale, float bits,
                  const QuantOptions& o = {}) {
  return b.node("IntQuant", {x, scale, b.scalar(o.zero_point), b.scalar(bits)},
                {{"signed", o.is_signed}, {"narrow", o.narrow}, {"rounding_mode", o.rounding}}, kDomain);
}

std::string bipolar(OnnxBuilder& b, const std::string& x, float scale = 1) {
  return b.node("BipolarQuant", {x, b.scalar(scale)}, {}, "onnx.brevitas");
}

IntNet import_built(const OnnxBuilder& b) {
  IntNet net = import_model(b.finish(), "m.onnx");
  const Bytes saved = format_net(net);
  EXPECT_EQ(format_net(parse_net(saved, "m.obz")), saved);
  return net;
}

template <class Op>
const Op& op_at(const IntNet& net, std::size_t i) {
  return std::get<Op>(net.nodes.at(i).op);
}

std::vector<std::int32_t> run(const IntNet& net, std::vector<std::int32_t> values) {
  const TensorInfo& x = net.tensors[static_cast<std::size_t>(net.inputs.at(0))];
  const auto naive = [](const Node& n, std::span<const Tensor* const> in, Tensor& y) { run_naive(n, in, y); };
  return run_net(net, {Tensor(x.shape, x.type, std::move(values))}, naive).at(0).data;
}

const TensorInfo& output_of(const IntNet& net) { return net.tensors[static_cast<std::size_t>(net.outputs.at(0))]; }

/// A 4-bit input with scale 1, a product with the constant rows of `w` and nothing in between.
std::string product(OnnxBuilder& b, const std::vector<float>& w, const Dims& dims) {
  const std::string x = quant(b, b.input("x", {1, dims[0]}), b.scalar(1), 4);
  return b.node("MatMul", {x, quant(b, b.floats(w, dims), b.scalar(0.5F), 4)});
}

TEST(Qonnx, names_of_rounding_modes_mean_what_their_table_says) {
  struct Row {
    const char* name;
    std::array<std::int64_t, 8> of;  // 5.5 2.5 1.6 1.1 -1.1 -1.6 -2.5 -5.5
  };
  constexpr Row rows[] = {{"ROUND", {6, 2, 2, 1, -1, -2, -2, -6}},    {"CEIL", {6, 3, 2, 2, -1, -1, -2, -5}},
                          {"FLOOR", {5, 2, 1, 1, -2, -2, -3, -6}},    {"UP", {6, 3, 2, 2, -2, -2, -3, -6}},
                          {"DOWN", {5, 2, 1, 1, -1, -1, -2, -5}},     {"HALF_UP", {6, 3, 2, 1, -1, -2, -3, -6}},
                          {"half_down", {5, 2, 2, 1, -1, -2, -2, -5}}};
  constexpr float values[] = {5.5F, 2.5F, 1.6F, 1.1F, -1.1F, -1.6F, -2.5F, -5.5F};
  for (const Row& row : rows) {
    const onnx::QonnxRounding mode = onnx::rounding_of(row.name, "t");
    for (std::size_t i = 0; i < row.of.size(); ++i) EXPECT_EQ(onnx::round_real(values[i], mode), row.of[i]) << row.name;
    for (const float whole : {-3.0F, 0.0F, 4.0F})
      EXPECT_EQ(onnx::round_real(whole, mode), static_cast<std::int64_t>(whole)) << row.name;
  }
  EXPECT_THAT(message_of<Error>([] { onnx::rounding_of("NEAREST", "t"); }), HasSubstr("expected one of ROUND, CEIL"));
}

TEST(Qonnx, batch_normalization_and_quantizer_become_thresholds_per_channel) {
  OnnxBuilder b;
  std::string y = product(b, {1, -1, 0.5F, 2, 1, -3.5F}, {2, 3});
  y = b.node("BatchNormalization",
             {y, b.floats({2, -0.5F, 0}, {3}), b.floats({1, 0, 0.75F}, {3}), b.floats({0.5F, -1, 0}, {3}),
              b.floats({4, 1, 1}, {3})},
             {{"epsilon", 0.0F}});
  b.output(quant(b, y, b.scalar(0.5F), 3, {.is_signed = 0, .rounding = "FLOOR"}));
  const IntNet net = import_built(b);
  ASSERT_EQ(net.nodes.size(), 2U);
  EXPECT_EQ(output_of(net).type, (IntType{3, false}));
  EXPECT_EQ(output_of(net).scale, 0.5);
  const auto& stairs = op_at<Threshold>(net, 1);
  EXPECT_THAT(stairs.directions, ElementsAre(1, -1, 1));
  // Channel 0: ((a / 2 - 0.5) / 2) * 2 + 1 = a / 2 + 0.5 of the accumulator a; in steps of 0.5: a + 1.
  EXPECT_THAT(std::vector<std::int64_t>(stairs.thresholds.begin(), stairs.thresholds.begin() + 7),
              ElementsAre(0, 1, 2, 3, 4, 5, 6));
  // Channel 1: (a / 2 + 1) * -0.5 = -a / 4 - 0.5; in steps of 0.5: -a / 2 - 1, so level k from -a >= 2 k + 2.
  EXPECT_THAT(std::vector<std::int64_t>(stairs.thresholds.begin() + 7, stairs.thresholds.begin() + 14),
              ElementsAre(4, 6, 8, 10, 12, 14, 16));
  const std::vector<std::int32_t> y0 = run(net, {3, -2});  // accumulators: 3*2 - 2*4, 3*-2 - 2*2, 3*1 + 2*7
  EXPECT_EQ(y0, (std::vector<std::int32_t>{0, 4, 1}));     // channel 2: 0.75 always, one step
  EXPECT_EQ(op_at<Dense>(net, 0).requant.recipe.arithmetic, Arithmetic::dyadic);
}

TEST(Qonnx, thresholds_are_the_float_chain_for_every_accumulator) {
  // An awkward chain: every operation rounds in float32.
  using onnx::ChainStep;
  const std::vector<ChainStep> chain{{.kind = ChainStep::Kind::mul, .values = {0.1F}},
                                     {.kind = ChainStep::Kind::sub, .values = {0.3F}},
                                     {.kind = ChainStep::Kind::div, .values = {-0.7F}},
                                     {.kind = ChainStep::Kind::clip, .values = {0, INFINITY}}};
  const onnx::ChainSource source{.scales = {0.013}, .zero_point = 5, .range = {-3000, 2500}};
  for (const char* mode : {"ROUND", "CEIL", "FLOOR", "UP", "DOWN", "HALF_UP", "HALF_DOWN"}) {
    const onnx::Quantizer q{
        .scales = {0.37F}, .zero_point = 1, .lo = -8, .hi = 7, .rounding = onnx::rounding_of(mode, "t")};
    const Threshold op = onnx::find_thresholds(source, chain, q, -1, 1, "t");
    EXPECT_EQ(op.directions[0], -1);
    Tensor x({5501}, kInt32), y({5501}, IntType{4, true});
    for (std::size_t i = 0; i < x.data.size(); ++i) x.data[i] = static_cast<std::int32_t>(i) - 3000;
    run(op, x, y);
    for (std::size_t i = 0; i < x.data.size(); ++i) {
      const float v = static_cast<float>(0.013 * (x.data[i] - 5)) * 0.1F;
      const float relu = std::fmax((v - 0.3F) / -0.7F, 0.0F);
      ASSERT_EQ(y.data[i], q(relu, 0)) << mode << " " << x.data[i];
    }
  }
}

TEST(Qonnx, what_is_not_monotone_is_refused) {
  onnx::ChainSource source{.range = {-10, 10}};
  const onnx::Quantizer q{.lo = -8, .hi = 7};
  const std::vector<onnx::ChainStep> nan{{.kind = onnx::ChainStep::Kind::div, .values = {0}}};
  EXPECT_THAT(message_of<Error>([&] { onnx::find_thresholds(source, nan, q, -1, 1, "t"); }),
              HasSubstr("t: the float operations"));
}

TEST(Qonnx, bipolar_networks_are_two_valued) {
  OnnxBuilder b;
  std::string x = b.node("Sub", {b.node("Mul", {b.input("x", {1, 3}), b.scalar(2)}), b.scalar(1)});
  const std::string w =
      b.node("Transpose", {bipolar(b, b.floats({1, -2, 0, -1, -1, -1}, {2, 3}))}, {{"perm", Dims{1, 0}}});
  b.output(bipolar(b, b.node("MatMul", {bipolar(b, x), w}), 0.5F));
  const IntNet net = import_built(b);
  EXPECT_EQ(net.input_borders.at(0).by, QuantizeBy::bipolar);
  EXPECT_EQ(net.input_borders[0].steps.size(), 2U);
  EXPECT_EQ(op_at<Dense>(net, 0).filter.weights.data, (std::vector<std::int32_t>{1, -1, 1, -1, -1, -1}));
  EXPECT_EQ(op_at<Dense>(net, 0).filter.weights.type, (IntType{2, true}));
  EXPECT_EQ(op_at<Threshold>(net, 1).step, 2);
  EXPECT_EQ(run(net, {1, -1, -1}), (std::vector<std::int32_t>{1, 1}));
  EXPECT_EQ(run(net, {-1, 1, -1}), (std::vector<std::int32_t>{-1, 1}));
  EXPECT_EQ(output_of(net).scale, 0.5);
}

TEST(Qonnx, convolutions_have_weight_scales_per_channel_and_narrow_ranges) {
  OnnxBuilder b;
  const std::string x = quant(b, b.input("x", {1, 1, 2, 2}), b.scalar(0.5F), 4, {.is_signed = 0});
  const std::string w = quant(b, b.floats({9, -9}, {2, 1, 1, 1}), b.floats({1, 0.5F}, {2, 1, 1, 1}), 3, {.narrow = 1});
  std::string y = b.node("Conv", {x, w, b.floats({1, 2}, {2})});
  y = b.node("MaxPool", {b.node("Relu", {y})}, {{"kernel_shape", Dims{2, 2}}});
  b.output(quant(b, y, b.scalar(1), 2, {.is_signed = 0}));
  const IntNet net = import_built(b);
  EXPECT_EQ(op_at<Conv2d>(net, 0).filter.weights.data, (std::vector<std::int32_t>{3, -3}));
  EXPECT_THAT(op_at<Conv2d>(net, 0).filter.bias,
              IsEmpty());  // a float until the threshold: nothing is rounded early
  EXPECT_EQ(op_at<Threshold>(net, 1).axis, 1);
  EXPECT_EQ(net.nodes.size(), 3U);
  // channel 0: 1.5 x + 1 in halves; channel 1: 2 - 0.75 x
  EXPECT_EQ(run(net, {0, 0, 0, 1}), (std::vector<std::int32_t>{2, 2}));
}

TEST(Qonnx, trunc_is_a_right_shift_of_the_sum) {
  OnnxBuilder b;
  const std::string x = quant(b, b.input("x", {1, 1, 2, 2}), b.scalar(0.25F), 4);
  const std::string mean = b.node("AveragePool", {x}, {{"kernel_shape", Dims{2, 2}}});
  const std::string sum = b.node("Mul", {mean, b.scalar(4)});
  for (const char* mode : {"FLOOR", "ROUND", "CEIL"}) {
    b.output(b.node("Trunc", {sum, b.scalar(0.25F), b.scalar(0), b.scalar(6), b.scalar(4)},
                    {{"rounding_mode", std::string(mode)}}, kDomain));
  }
  const IntNet net = import_built(b);
  ASSERT_EQ(net.nodes.size(), 4U);  // one pool that only sums, three shifts
  const TensorInfo& input = net.tensors[static_cast<std::size_t>(net.inputs[0])];
  const auto naive = [](const Node& n, std::span<const Tensor* const> in, Tensor& y) { run_naive(n, in, y); };
  const auto y = run_net(net, {Tensor(input.shape, input.type, {7, 7, 7, -3})}, naive);  // 18 / 4 = 4.5
  EXPECT_EQ(y[0].data[0], 4);
  EXPECT_EQ(y[1].data[0], 4);
  EXPECT_EQ(y[2].data[0], 5);
  EXPECT_EQ(output_of(net).type, kInt4);
}

TEST(Qonnx, equal_scales_add_and_concatenate_as_integers) {
  OnnxBuilder b;
  const std::string x = quant(b, b.input("x", {1, 2}), b.scalar(0.5F), 4);
  const std::string twice = quant(b, b.node("Mul", {x, b.scalar(-2)}), b.scalar(0.5F), 4);
  const std::string both = b.node("Concat", {x, twice}, {{"axis", std::int64_t{1}}});
  const std::string y =
      b.node("MatMul", {both, quant(b, b.floats({1, 1, 1, 1}, {4, 1}), b.scalar(1), 2, {.is_signed = 0})});
  b.output(quant(b, b.node("Add", {x, twice}), b.scalar(0.5F), 5));
  b.output(quant(b, y, b.scalar(0.5F), 6));
  const IntNet net = import_built(b);
  EXPECT_EQ(run(net, {3, -2}), (std::vector<std::int32_t>{-3, 2}));
}

TEST(Qonnx, quantizing_again_changes_nothing) {
  OnnxBuilder b;
  std::string y = quant(b, b.input("x", {1, 4}), b.scalar(0.5F), 4);
  y = quant(b, b.node("Reshape", {y, b.list({2, 2})}), b.scalar(0.5F), 8);
  b.output(y);
  const IntNet net = import_built(b);
  ASSERT_EQ(net.nodes.size(), 1U);
  EXPECT_EQ(output_of(net).type, kInt4);
}

TEST(Qonnx, input_quantizer_clamps_before_it_rounds) {
  OnnxBuilder b;
  b.output(quant(b, b.node("Add", {b.input("x", {4}), b.scalar(0.25F)}), b.scalar(0.5F), 3,
                 {.narrow = 1, .rounding = "FLOOR"}));
  const IntNet net = import_built(b);
  const InputBorder& border = net.input_borders.at(0);
  EXPECT_EQ(border.by, QuantizeBy::clamp_first);
  EXPECT_EQ(border.rounding, Rounding::floor);
  EXPECT_EQ(border.lo, -3);
  EXPECT_EQ(quantize(border, {3, true}, {{4}, {0, 0.74F, 99, -99}}).values.data,
            (std::vector<std::int32_t>{0, 1, 3, -3}));
}

TEST(Qonnx, an_increasing_tail_is_left_out_with_a_note) {
  OnnxBuilder b;
  std::string y = b.node("Div", {b.node("Sub", {product(b, {1, 2, 3, 4}, {2, 2}), b.scalar(0.3F)}),
                                 b.node("Pow", {b.scalar(7), b.scalar(0.5F)})});
  b.output(b.node("Add", {b.node("Mul", {y, b.scalar(1.5F)}), b.scalar(0.1F)}));
  const IntNet net = import_built(b);
  ASSERT_EQ(net.nodes.size(), 1U);
  EXPECT_EQ(output_of(net).type, kInt32);
  EXPECT_THAT(net.output_borders, IsEmpty());
  EXPECT_THAT(net.notes, ElementsAre(testing::AllOf(HasSubstr("Sub"), HasSubstr("order of the outputs is kept"))));
}

TEST(Qonnx, a_tail_that_is_a_scale_becomes_a_border) {
  OnnxBuilder b;
  b.output(b.node("Mul", {b.node("Sub", {product(b, {1, 2, 3, 4}, {2, 2}), b.scalar(1.5F)}), b.scalar(0.25F)}));
  const IntNet net = import_built(b);
  EXPECT_THAT(net.output_borders.at(0).affine.scales, ElementsAre(0.125));  // weights in halves, times 0.25
  EXPECT_THAT(net.output_borders[0].affine.zero_points, ElementsAre(3));
  EXPECT_THAT(net.notes, IsEmpty());
}

TEST(Qonnx, a_bias_behind_the_last_layer_is_rounded_into_it) {
  OnnxBuilder b;
  b.output(b.node("Add", {product(b, {1, 2, 3, 4}, {2, 2}), b.floats({0.9F, -1.6F}, {2})}));
  const IntNet net = import_built(b);
  EXPECT_THAT(op_at<Dense>(net, 0).filter.bias, ElementsAre(2, -3));
  EXPECT_THAT(net.notes, ElementsAre(HasSubstr("half-even")));
}

TEST(Qonnx, refusals_name_node_and_reason) {
  const auto refusal = [](auto&& build) {
    OnnxBuilder b;
    build(b);
    return message_of<Error>([&] { import_model(b.finish(), "m.onnx"); });
  };
  EXPECT_THAT(refusal([](OnnxBuilder& b) {
                b.output(quant(b, b.node("Softmax", {product(b, {1}, {1, 1})}), b.scalar(1), 4));
              }),
              HasSubstr("(Softmax): not supported"));
  EXPECT_THAT(refusal([](OnnxBuilder& b) { b.output(quant(b, b.input("x", {2}), b.scalar(-1), 4)); }),
              HasSubstr("expected values > 0, got -1"));
  EXPECT_THAT(refusal([](OnnxBuilder& b) { b.output(quant(b, b.input("x", {2}), b.scalar(1), 2.5F)); }),
              HasSubstr("expected an integer, got 2.5"));
  EXPECT_THAT(refusal([](OnnxBuilder& b) { b.output(quant(b, b.input("x", {2}), b.scalar(1), 77)); }),
              HasSubstr("bit width in 1..32, got 77"));
  EXPECT_THAT(
      refusal([](OnnxBuilder& b) { b.output(quant(b, b.input("x", {2}), b.scalar(1), 4, {.rounding = "CEIL"})); }),
      HasSubstr("rounding_mode on a float input"));
  EXPECT_THAT(refusal([](OnnxBuilder& b) {
                const std::string x = quant(b, b.input("x", {1, 2}), b.scalar(1), 4),
                                  z = quant(b, b.input("z", {1, 2}), b.scalar(2), 4);
                b.output(quant(b, b.node("Add", {x, z}), b.scalar(1), 4));
              }),
              HasSubstr("equal scales"));
  EXPECT_THAT(refusal([](OnnxBuilder& b) {
                std::string y = b.node("Mul", {product(b, {1, 2, 3, 4}, {2, 2}), b.floats({1, 2, 3, 4, 5, 6}, {3, 2})});
                b.output(quant(b, y, b.scalar(1), 4));
              }),
              HasSubstr("a constant of 3x2 against 1x2"));
}

}  // namespace
}  // namespace obz
