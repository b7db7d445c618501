// The ONNX importer on models built in memory: QDQ graphs, integer operators, what is left out and what is
// refused. QONNX stands in qonnx_test.cpp, ONNX's own node tests in onnx_backend_test.cpp.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ref/base/error.hpp"
#include "ref/border/convert.hpp"
#include "ref/execute/naive.hpp"
#include "ref/net/save_load.hpp"
#include "ref/read/import.hpp"
#include "ref/read/onnx/tensor_proto.hpp"
#include "tests/support/onnx_builder.hpp"
#include "tests/support/temp_dir.hpp"

namespace obz {
namespace {

using test::Attr;
using test::Dims;
using test::message_of;
using test::OnnxBuilder;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

IntNet import_built(const OnnxBuilder& b, const ImportOptions& options = {}) {
  IntNet net = import_model(b.finish(), "m.onnx", options);
  const Bytes saved = format_net(net);
  EXPECT_EQ(format_net(parse_net(saved, "m.obz")), saved);
  return net;
}

ImportOptions with_profile(const char* id) {
  ImportOptions o;
  o.profile = id;
  return o;
}

template <class Op>
const Op& op_at(const IntNet& net, std::size_t i) {
  return std::get<Op>(net.nodes.at(i).op);
}

std::vector<Tensor> run(const IntNet& net, const std::vector<Tensor>& inputs) {
  return run_net(net, inputs, [](const Node& n, std::span<const Tensor* const> in, Tensor& y) { run_naive(n, in, y); });
}

/// The first output for these integers at the only input.
std::vector<std::int32_t> run(const IntNet& net, std::vector<std::int32_t> values) {
  const TensorInfo& x = net.tensors[static_cast<std::size_t>(net.inputs.at(0))];
  return run(net, {Tensor(x.shape, x.type, std::move(values))}).at(0).data;
}

const TensorInfo& output_of(const IntNet& net) { return net.tensors[static_cast<std::size_t>(net.outputs.at(0))]; }

// --- QDQ
// ------------------------------------------------------------------------------------------------------

TEST(OnnxQdq, convolution_takes_weights_bias_clamp_and_scales_from_its_pairs) {
  OnnxBuilder b;
  const std::string x = b.activation("x", {1, 2, 4, 4});
  std::vector<std::int64_t> w(3 * 2 * 3 * 3);
  for (std::size_t i = 0; i < w.size(); ++i) w[i] = static_cast<std::int64_t>(i);
  const std::string weights = b.node(
      "DequantizeLinear",
      {b.integers(b.kInt8, w, {3, 2, 3, 3}), b.floats({0.25F, 0.5F, 1}, {3}), b.integers(b.kInt8, {0, 0, 0}, {3})},
      {{"axis", std::int64_t{0}}});
  const std::string bias =
      b.node("DequantizeLinear", {b.integers(b.kInt32, {10, -20, 30}, {3}), b.floats({0.125F, 0.25F, 0.5F}, {3})},
             {{"axis", std::int64_t{0}}});
  std::string y = b.node("Conv", {x, weights, bias}, {{"pads", Dims{1, 0, 1, 0}}, {"strides", Dims{1, 2}}});
  y = b.pair(b.node("Relu", {y}), 2.0F, -3);
  b.output(y);

  const IntNet net = import_built(b);
  ASSERT_EQ(net.nodes.size(), 1U);
  const auto& conv = op_at<Conv2d>(net, 0);
  EXPECT_EQ(conv.layout, Layout::nchw);
  EXPECT_EQ(conv.filter.weights.shape, (Shape{3, 3, 3, 2}));
  EXPECT_EQ(conv.filter.weights.data[1], 9);  // [0, 0, 0, 1] is the second input channel
  EXPECT_THAT(conv.filter.bias, ElementsAre(10, -20, 30));
  EXPECT_EQ(conv.window.pad_top, 1);
  EXPECT_EQ(conv.window.pad_left, 0);
  EXPECT_EQ(conv.window.stride_w, 2);
  EXPECT_EQ(conv.x_zero_point, 1);
  ASSERT_EQ(conv.requant.channels.size(), 3U);
  EXPECT_EQ(conv.requant.channels[2].scale, 0.25);  // 0.5 * 1 / 2
  EXPECT_EQ(conv.requant.channels[0].zero_point, -3);
  EXPECT_EQ(conv.requant.channels[0].lo, -3);  // ReLU: nothing below the zero point
  EXPECT_EQ(conv.requant.channels[0].hi, 127);
  EXPECT_EQ(conv.requant.recipe.arithmetic, Arithmetic::float32_scale);
  EXPECT_EQ(net.profile, "onnx/mlas");
  EXPECT_EQ(output_of(net).shape, (Shape{1, 3, 4, 1}));
  ASSERT_EQ(net.input_borders.size(), 1U);
  EXPECT_EQ(net.input_borders[0].name, "x");
  EXPECT_THAT(net.input_borders[0].affine.scales, ElementsAre(0.5));
  EXPECT_THAT(net.input_borders[0].affine.zero_points, ElementsAre(1));
  EXPECT_EQ(net.input_borders[0].rounding, Rounding::half_even);
  ASSERT_EQ(net.output_borders.size(), 1U);
  EXPECT_EQ(net.output_borders[0].name, y);
  EXPECT_THAT(net.output_borders[0].affine.zero_points, ElementsAre(-3));
  EXPECT_THAT(net.notes, IsEmpty());
}

TEST(OnnxQdq, the_profile_decides_the_arithmetic_only) {
  OnnxBuilder b;
  b.output(b.pair(b.node("MatMul", {b.activation("x", {1, 2}), b.weights({1, 2, 3, 4, 5, 6}, {2, 3})}), 2.0F, -3));
  EXPECT_EQ(op_at<Dense>(import_built(b), 0).requant.recipe.zero_point, ZeroPointAt::after_rounding);
  const IntNet reference = import_built(b, with_profile("onnx/reference"));
  EXPECT_EQ(op_at<Dense>(reference, 0).requant.recipe.arithmetic, Arithmetic::float64_scale);
  // The evaluator adds the zero point first in its QLinear operators alone; a QuantizeLinear rounds first.
  EXPECT_EQ(op_at<Dense>(reference, 0).requant.recipe.zero_point, ZeroPointAt::after_rounding);
  const IntNet tflite = import_built(b, with_profile("tflite/double"));
  EXPECT_EQ(op_at<Dense>(tflite, 0).requant.recipe.arithmetic, Arithmetic::dyadic);
  EXPECT_EQ(op_at<Dense>(tflite, 0).filter.weights.data, (std::vector<std::int32_t>{1, 4, 2, 5, 3, 6}));
}

TEST(OnnxQdq, a_later_clip_has_the_last_word) {
  const auto clip = [](OnnxBuilder& b, const std::string& x, float lo, float hi) {
    return b.node("Clip", {x, b.scalar(lo), b.scalar(hi)});
  };
  for (const bool float_input : {false, true}) {
    OnnxBuilder b;
    const std::string x = float_input ? b.input("x", {1, 4}) : b.activation("x", {1, 4}, 0.5F, 0);
    b.output(b.pair(b.node("Relu", {clip(b, x, -5, -2)}), 0.5F, 3));  // [-5, -2], then at least 0: always 0
    const IntNet net = import_built(b);
    std::int64_t lo = 0, hi = 0;
    if (float_input) {
      lo = net.input_borders.at(0).lo;
      hi = net.input_borders.at(0).hi;
    } else {
      lo = op_at<Rescale>(net, 0).requant.channels.at(0).lo;
      hi = op_at<Rescale>(net, 0).requant.channels.at(0).hi;
    }
    EXPECT_EQ(lo, 3);
    EXPECT_EQ(hi, 3);
  }
}

TEST(OnnxQdq, sixteen_bit_operands_get_sums_that_cannot_wrap) {
  OnnxBuilder b;
  const auto wide = [&](const char* name) {
    return b.dequantize(b.quantize(b.input(name, {1, 4}), 0.5F, 0, b.kInt16), 0.5F, 0, b.kInt16);
  };
  const std::string x = wide("x"), y = wide("y");
  b.output(b.quantize(b.node("Mul", {x, y}), 16384.0F, 0, b.kInt16));
  const IntNet net = import_built(b);
  EXPECT_EQ(op_at<Mul>(net, 0).accumulator.bits, 64);
  const Tensor most(Shape{1, 4}, kInt16, {-32768, -32768, 32767, 100});
  EXPECT_THAT(run(net, {most, most}).at(0).data, ElementsAre(16384, 16384, 16383, 0));
}

TEST(OnnxQdq, gemm_in_both_layouts_is_one_layer) {
  for (const std::int64_t transposed : {0, 1}) {
    OnnxBuilder b;
    const std::string w =
        transposed != 0 ? b.weights({1, 4, 2, 5, 3, 6}, {3, 2}) : b.weights({1, 2, 3, 4, 5, 6}, {2, 3});
    const std::string y =
        b.node("Gemm", {b.activation("x", {2, 2}), w, b.floats({1, -1, 0.125F}, {3})}, {{"transB", transposed}});
    b.output(b.pair(y, 1.0F, 0));
    const IntNet net = import_built(b);
    EXPECT_EQ(op_at<Dense>(net, 0).filter.weights.data, (std::vector<std::int32_t>{1, 4, 2, 5, 3, 6}));
    EXPECT_THAT(op_at<Dense>(net, 0).filter.bias, ElementsAre(8, -8, 1));  // in steps of 0.5 * 0.25
    EXPECT_THAT(net.notes, ElementsAre(HasSubstr("half-even")));
  }
}

TEST(OnnxQdq, an_addition_behind_a_product_is_its_bias) {
  OnnxBuilder b;
  const std::string y = b.node("MatMul", {b.activation("x", {2, 2}), b.weights({1, 2, 3, 4, 5, 6}, {2, 3})});
  b.output(b.pair(b.node("Add", {b.floats({0.25F, 0.5F, 0.75F}, {1, 3}), y}), 1.0F, 0));
  const IntNet net = import_built(b);
  ASSERT_EQ(net.nodes.size(), 1U);
  EXPECT_THAT(op_at<Dense>(net, 0).filter.bias, ElementsAre(2, 4, 6));
}

TEST(OnnxQdq, transposed_convolution_sorts_its_weights_by_output) {
  OnnxBuilder b;
  const std::string w = b.weights({0, 1, 2, 3, 4, 5, 6, 7}, {4, 2, 1, 1});  // 4 inputs in 2 groups, 2 outputs each
  const std::string y = b.node("ConvTranspose", {b.activation("x", {1, 4, 2, 2}), w},
                               {{"group", std::int64_t{2}}, {"strides", Dims{2, 3}}, {"output_padding", Dims{1, 0}}});
  b.output(b.pair(y, 1.0F, 0));
  const IntNet net = import_built(b);
  const auto& conv = op_at<ConvTranspose2d>(net, 0);
  EXPECT_EQ(conv.filter.weights.shape, (Shape{4, 1, 1, 2}));
  EXPECT_EQ(conv.filter.weights.data, (std::vector<std::int32_t>{0, 2, 1, 3, 4, 6, 5, 7}));
  EXPECT_EQ(output_of(net).shape, (Shape{1, 4, 4, 4}));
}

TEST(OnnxQdq, activations_of_two_inputs_multiply_and_add) {
  OnnxBuilder b;
  const std::string a = b.activation("a", {1, 2, 4}), c = b.activation("c", {1, 4, 3}, 0.25F, -2);
  const std::string product = b.pair(b.node("MatMul", {a, c}), 1.0F, 0);
  const std::string sum = b.pair(b.node("Add", {product, b.activation("d", {1, 1, 3}, 0.125F, 3)}), 0.5F, 5);
  b.output(b.pair(b.node("Mul", {sum, sum}), 0.5F, 0));
  const IntNet net = import_built(b);
  ASSERT_EQ(net.nodes.size(), 3U);
  EXPECT_THAT(op_at<MatMul>(net, 0).b_zero_points, ElementsAre(-2));
  EXPECT_TRUE(op_at<Add>(net, 1).floating);
  EXPECT_EQ(op_at<Add>(net, 1).b_zero_point, 3);
  EXPECT_EQ(op_at<Mul>(net, 2).a_zero_point, 5);
  EXPECT_EQ(net.inputs.size(), 3U);  // in the order of the graph
  EXPECT_EQ(net.tensors[static_cast<std::size_t>(net.inputs[2])].shape, (Shape{1, 1, 3}));
}

TEST(OnnxQdq, pools_maxima_and_movements_commute_with_the_quantizer) {
  OnnxBuilder b;
  std::string y = b.node("Conv", {b.activation("x", {1, 1, 4, 4}), b.weights({1, 2}, {2, 1, 1, 1})});
  y = b.node("MaxPool", {y}, {{"kernel_shape", Dims{2, 2}}, {"strides", Dims{2, 2}}});
  y = b.node("Flatten", {b.node("Clip", {b.node("Relu", {y}), "", b.scalar(6)})});
  b.output(b.pair(y, 0.5F, -8));
  const IntNet net = import_built(b);
  ASSERT_EQ(net.nodes.size(), 3U);
  EXPECT_EQ(op_at<Conv2d>(net, 0).requant.channels[0].lo, -8);
  EXPECT_EQ(op_at<Conv2d>(net, 0).requant.channels[0].hi, 4);  // 6 / 0.5 - 8
  EXPECT_EQ(op_at<MaxPool>(net, 1).hi, 127);
  EXPECT_EQ(op_at<Reshape>(net, 2).shape, (Shape{1, 8}));
}

TEST(OnnxQdq, movements_between_pairs_keep_values_and_names) {
  OnnxBuilder b;
  std::string y = b.node("Transpose", {b.activation("x", {2, 3})});
  y = b.node("Slice", {y, b.list({-1}), b.list({-10}), b.list({0}), b.list({-2})});
  y = b.node("Pad", {y, b.list({0, 1, 0, 0})});
  y = b.quantize(y, 0.5F, 1);
  b.output(b.dequantize(y, 0.5F, 1));
  const IntNet net = import_built(b);
  EXPECT_EQ(run(net, {1, 2, 3, 4, 5, 6}), (std::vector<std::int32_t>{1, 3, 6, 1, 1, 4}));
  EXPECT_EQ(output_of(net).id, y);
  EXPECT_EQ(output_of(net).shape, (Shape{2, 3}));
  EXPECT_EQ(output_of(net).zero_point, 1);
}

TEST(OnnxQdq, split_squeeze_and_concat) {
  OnnxBuilder b;
  const std::string parts =
      b.node("Split", {b.activation("x", {1, 4}), b.list({1, 3})}, {{"axis", std::int64_t{1}}}, "", 2);
  const std::string y = b.node("Concat", {parts + "_1", parts}, {{"axis", std::int64_t{-1}}});
  b.output(b.pair(b.node("Squeeze", {b.node("Unsqueeze", {y, b.list({0})})}), 0.5F, 1));
  EXPECT_EQ(run(import_built(b), {1, 2, 3, 4}), (std::vector<std::int32_t>{2, 3, 4, 1}));
}

TEST(OnnxQdq, other_scales_are_a_rescale_and_equal_ones_nothing) {
  OnnxBuilder b;
  b.output(b.pair(b.pair(b.activation("x", {3}), 0.5F, 1), 0.25F, 0));
  const IntNet net = import_built(b);
  ASSERT_EQ(net.nodes.size(), 1U);
  EXPECT_EQ(run(net, {1, 5, 100}), (std::vector<std::int32_t>{0, 8, 127}));
}

TEST(OnnxQdq, nonlinear_functions_are_tables_of_the_float_function) {
  OnnxBuilder b;
  b.output(b.pair(b.node("Sigmoid", {b.activation("x", {4}, 0.0625F, 0)}), 1.0F / 256.0F, -128));
  b.output(b.pair(b.node("HardSwish", {b.activation("z", {4}, 0.0625F, 0)}), 0.0625F, 0));
  const IntNet net = import_built(b);
  const auto& sigmoid = op_at<Lookup>(net, 0).table;
  EXPECT_EQ(sigmoid.data[128], 0);        // 0 -> 1/2
  EXPECT_EQ(sigmoid.data[128 + 16], 59);  // 1 -> 0.731 * 256 - 128
  const auto& swish = op_at<Lookup>(net, 1).table;
  EXPECT_EQ(swish.data[128 + 48], 48);  // 3 -> 3
  EXPECT_EQ(swish.data[128 - 64], 0);   // -4 -> 0
}

TEST(OnnxQdq, averages_contain_their_division) {
  OnnxBuilder b;
  std::string y = b.node("AveragePool", {b.activation("x", {1, 1, 4, 4}, 1.0F, 0)},
                         {{"kernel_shape", Dims{2, 2}}, {"pads", Dims{1, 1, 1, 1}}, {"strides", Dims{2, 2}}});
  y = b.pair(y, 1.0F, 0);
  b.output(b.pair(b.node("GlobalAveragePool", {y}), 1.0F, 0));
  const IntNet net = import_built(b);
  const auto& pool = op_at<AvgPool>(net, 0);
  EXPECT_EQ(pool.layout, Layout::nchw);
  EXPECT_EQ(pool.requant.channels.at(3).scale, 0.25);
  EXPECT_EQ(op_at<Mean>(net, 1).axes, (Shape{2, 3}));
  EXPECT_TRUE(op_at<Mean>(net, 1).keep_dims);
}

TEST(OnnxQdq, ceil_mode_becomes_padding_of_a_maximum) {
  OnnxBuilder b;
  b.output(b.pair(b.node("MaxPool", {b.activation("x", {1, 1, 5, 5})},
                         {{"kernel_shape", Dims{2, 2}}, {"strides", Dims{2, 2}}, {"ceil_mode", std::int64_t{1}}}),
                  0.5F, 1));
  EXPECT_EQ(output_of(import_built(b)).shape, (Shape{1, 1, 3, 3}));
}

TEST(OnnxQdq, shape_arithmetic_on_a_symbolic_batch_is_folded) {
  OnnxBuilder b;
  const std::string x = b.input("x", {-1, 2, 3});
  const std::string first = b.node("Gather", {b.node("Shape", {x}), b.integers(b.kInt64, {0}, {})});
  const std::string shape =
      b.node("Concat", {b.node("Unsqueeze", {first, b.list({0})}), b.list({-1})}, {{"axis", std::int64_t{0}}});
  b.output(b.pair(b.node("Reshape", {b.pair(x, 0.5F, 1), shape}), 0.5F, 1));
  EXPECT_EQ(output_of(import_built(b)).shape, (Shape{1, 6}));
  ImportOptions options;
  options.dimensions["N"] = 5;
  EXPECT_EQ(output_of(import_built(b, options)).shape, (Shape{5, 6}));
}

TEST(OnnxQdq, constant_operations_on_the_input_are_steps_of_its_border) {
  OnnxBuilder b;
  std::string x = b.node("Reshape", {b.input("x", {1, 2, 2}), b.list({1, -1})});
  x = b.node("Div", {b.node("Sub", {x, b.scalar(0.5F)}), b.scalar(0.25F)});
  b.output(b.pair(x, 0.5F, 0));
  const IntNet net = import_built(b);
  const InputBorder& border = net.input_borders.at(0);
  ASSERT_EQ(border.steps.size(), 2U);
  EXPECT_EQ(border.steps[0].kind, FloatStep::Kind::sub);
  EXPECT_EQ(border.steps[1].kind, FloatStep::Kind::div);
  const TensorInfo& input = net.tensors[static_cast<std::size_t>(border.tensor)];
  EXPECT_EQ(input.shape, (Shape{1, 2, 2}));  // what the model's user has; the reshape follows on integers
  EXPECT_EQ(quantize(border, input.type, {input.shape, {0.5F, 1, 0.75F, 0}}).values.data,
            (std::vector<std::int32_t>{0, 4, 2, -4}));
}

TEST(OnnxQdq, floats_behind_the_last_pair_are_left_out_with_a_note) {
  OnnxBuilder b;
  const std::string last = b.pair(b.node("Relu", {b.activation("x", {1, 4})}), 0.5F, 1);
  b.output(b.node("Softmax", {b.node("Reshape", {last, b.list({4})})}));
  const IntNet net = import_built(b);
  EXPECT_THAT(net.notes, ElementsAre(HasSubstr("Softmax")));
  ASSERT_EQ(net.output_borders.size(), 1U);
  EXPECT_EQ(output_of(net).shape, (Shape{4}));
}

TEST(OnnxQdq, a_last_layer_without_quantizer_leaves_its_accumulators) {
  OnnxBuilder b;
  b.output(b.node("Gemm", {b.activation("x", {1, 2}), b.weights({1, 2, 3, 4}, {2, 2}), b.floats({1, -1}, {2})}));
  const IntNet net = import_built(b);
  EXPECT_EQ(output_of(net).type, kInt32);
  EXPECT_EQ(run(net, {2, 3}), (std::vector<std::int32_t>{1 * 1 + 2 * 3 + 8, 1 * 2 + 2 * 4 - 8}));
  EXPECT_THAT(net.output_borders.at(0).affine.scales, ElementsAre(0.125));
}

// --- integer operators
// ------------------------------------------------------------------------------------------

TEST(OnnxInteger, qlinear_operators_carry_their_own_scales) {
  OnnxBuilder b;
  const std::string x = b.input("x", {1, 1, 2, 2}, b.kUInt8);
  const auto u8 = [&](std::int64_t v) { return b.integers(b.kUInt8, {v}, {}); };
  std::string y = b.node("QLinearConv", {x, b.scalar(0.5F), u8(128), b.integers(b.kUInt8, {131}, {1, 1, 1, 1}),
                                         b.scalar(1), u8(129), b.scalar(1), u8(10), b.integers(b.kInt32, {4}, {1})});
  y = b.node("MaxPool", {y}, {{"kernel_shape", Dims{1, 2}}});
  y = b.node("QLinearAdd", {y, b.scalar(1), u8(10), y, b.scalar(1), u8(10), b.scalar(2), u8(0)}, {}, "com.microsoft");
  b.output(y);
  const IntNet net = import_built(b);
  const auto& conv = op_at<Conv2d>(net, 0);
  EXPECT_THAT(conv.filter.zero_points, ElementsAre(129));
  EXPECT_THAT(conv.filter.bias, ElementsAre(4));
  EXPECT_EQ(net.tensors[0].scale, 0.5);
  // (x - 128) * 2 + 4, halved, + 10; the larger of a row; both minus 10, added, halved
  EXPECT_EQ(run(net, {128, 130, 120, 126}), (std::vector<std::int32_t>{4, 0}));
  EXPECT_THAT(net.output_borders, IsEmpty());
}

TEST(OnnxInteger, plain_accumulators_become_reals_with_a_cast) {
  OnnxBuilder b;
  const std::string acc = b.node(
      "MatMulInteger",
      {b.input("x", {2, 2}, b.kUInt8), b.integers(b.kInt8, {1, 2, 3, 4}, {2, 2}), b.integers(b.kUInt8, {1, 2}, {2})});
  b.output(b.node("Mul", {b.node("Cast", {acc}, {{"to", std::int64_t{1}}}), b.scalar(0.5F)}));
  const IntNet net = import_built(b);
  EXPECT_EQ(run(net, {1, 2, 3, 4}), (std::vector<std::int32_t>{3, 4, 7, 10}));
  EXPECT_THAT(net.output_borders.at(0).affine.scales, ElementsAre(0.5));
}

TEST(OnnxInteger, scales_per_axis_and_per_block_stay_on_the_border) {
  OnnxBuilder b;
  const std::string q =
      b.node("QuantizeLinear", {b.input("x", {2, 4}), b.floats({1, 2, 4, 8}, {2, 2})},
             {{"axis", std::int64_t{1}}, {"block_size", std::int64_t{2}}, {"output_dtype", std::int64_t{b.kInt4}}});
  b.output(q);
  b.output(b.node("DequantizeLinear",
                  {b.input("z", {2, 3}, b.kInt16), b.floats({1, 0.5F}, {2}), b.integers(b.kInt16, {1, 2}, {2})},
                  {{"axis", std::int64_t{0}}}));
  const IntNet net = import_built(b);
  EXPECT_THAT(net.nodes, IsEmpty());
  EXPECT_EQ(net.tensors[static_cast<std::size_t>(net.input_borders.at(0).tensor)].type, kInt4);
  EXPECT_EQ(net.input_borders[0].affine.block, 2);
  EXPECT_EQ(net.output_borders.at(0).affine.axis, 0);
  EXPECT_THAT(net.output_borders[0].affine.zero_points, ElementsAre(1, 2));
}

TEST(OnnxInteger, float_weights_quantized_in_the_graph_are_quantized_on_import) {
  OnnxBuilder b;
  const std::string w = b.pair(b.floats({0.3F, -0.5F, 0.125F, 40}, {2, 2}), 0.25F, 0);
  b.output(b.pair(b.node("MatMul", {b.activation("x", {1, 2}), w}), 1.0F, 0));
  EXPECT_EQ(op_at<Dense>(import_built(b), 0).filter.weights.data, (std::vector<std::int32_t>{1, 0, -2, 127}));
}

TEST(OnnxInteger, dynamic_quantization_is_a_border_written_out_or_not) {
  OnnxBuilder called;
  const std::string y = called.node("DynamicQuantizeLinear", {called.input("x", {4})}, {}, "", 3);
  for (const char* suffix : {"", "_1", "_2"}) called.output(y + suffix);

  OnnxBuilder written;
  const std::string x = written.input("x", {4}), zero = written.scalar(0), top = written.scalar(255);
  const std::string min = written.node("Min", {written.node("ReduceMin", {x}, {{"keepdims", std::int64_t{0}}}), zero});
  const std::string max = written.node("Max", {written.node("ReduceMax", {x}, {{"keepdims", std::int64_t{0}}}), zero});
  const std::string scale = written.node("Div", {written.node("Sub", {max, min}), top});
  std::string zp = written.node("Sub", {zero, written.node("Div", {min, scale})});
  zp =
      written.node("Cast", {written.node("Round", {written.node("Clip", {zp, zero, top})})}, {{"to", std::int64_t{2}}});
  const std::string reported = written.node("Identity", {scale});
  written.output(written.node("QuantizeLinear", {x, scale, zp}));
  written.output(reported);
  written.output(zp);

  for (const OnnxBuilder* b : {&called, &written}) {
    const IntNet net = import_built(*b);
    EXPECT_THAT(net.nodes, IsEmpty());
    EXPECT_THAT(net.notes,
                ElementsAre(HasSubstr("measured on the float input"), HasSubstr("measured on the float input")));
    ASSERT_EQ(net.input_borders.size(), 1U);
    EXPECT_EQ(net.input_borders[0].by, QuantizeBy::dynamic);
    EXPECT_EQ(net.input_borders[0].scale_output, b == &called ? y + "_1" : reported);
    EXPECT_EQ(net.input_borders[0].zero_point_output, b == &called ? y + "_2" : zp);
  }
}

TEST(OnnxInteger, graph_inputs_can_be_bound_and_initializers_can_be_inputs) {
  OnnxBuilder b;
  const std::string scale = b.input("scale", {}), zp = b.input("zp", {}, b.kUInt8);
  b.constant(b.kFloat, {}, {0, 0, 0, 0x3F}, "scale");  // 0.5, the input's default
  b.output(b.node("DequantizeLinear", {b.input("x", {3}, b.kUInt8), scale, zp}));
  ImportOptions options;
  EXPECT_THAT(message_of<Error>([&] { import_built(b, options); }), HasSubstr("expected a constant zero point"));
  options.bindings["zp"] = npy_from(Tensor({}, kUInt8, {7}));
  EXPECT_THAT(import_built(b, options).output_borders.at(0).affine.zero_points, ElementsAre(7));
  options.bindings["zp"] = npy_from(Tensor({}, kInt8, {7}));
  EXPECT_THAT(message_of<Error>([&] { import_built(b, options); }), HasSubstr("expected uint8 to bind, got int8"));
  options.bindings = {{"zq", npy_from(Tensor({}, kUInt8, {7}))}};
  EXPECT_THAT(message_of<Error>([&] { import_built(b, options); }), HasSubstr("did you mean \"zp\""));
}

// --- stand-alone tensors
// ----------------------------------------------------------------------------------------

TEST(OnnxTensor, narrow_integers_are_unpacked_low_bits_first) {
  const NpyArray int4 = parse_tensor_proto(test::tensor_message(22, {3}, {0x7F, 0x08}).get(), "t");
  EXPECT_EQ(npy_to_int64(int4, "t"), (std::vector<std::int64_t>{-1, 7, -8}));
  const NpyArray uint2 = parse_tensor_proto(test::tensor_message(25, {5}, {0xE4, 0x02}).get(), "t");
  EXPECT_EQ(npy_to_int64(uint2, "t"), (std::vector<std::int64_t>{0, 1, 2, 3, 2}));
}

TEST(OnnxTensor, typed_fields_mean_the_same_as_raw_bytes) {
  test::Message packed;  // int32_data = {-3, 5}, packed
  packed.integer(1, 2).integer(2, 3).bytes(5, {0xFD, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01, 0x05});
  EXPECT_EQ(npy_to_int64(parse_tensor_proto(packed.get(), "t"), "t"), (std::vector<std::int64_t>{-3, 5}));
  test::Message half;
  half.integer(1, 1).integer(2, 10).integer(5, 0x3C00);
  EXPECT_EQ(npy_to_double(parse_tensor_proto(half.get(), "t"), "t"), (std::vector<double>{1}));
}

TEST(OnnxTensor, damage_gives_one_sentence) {
  const auto fails = [](const Bytes& bytes) { return message_of<Error>([&] { parse_tensor_proto(bytes, "t.pb"); }); };
  EXPECT_THAT(fails({}), HasSubstr("t.pb: not an ONNX tensor"));
  EXPECT_THAT(fails({1, 2, 3}), HasSubstr("not an ONNX tensor"));
  EXPECT_THAT(fails(test::tensor_message(1, {2}, {0, 0, 0, 0}).get()),
              HasSubstr("expected 8 bytes for 2 float32, got 4"));
  EXPECT_THAT(fails(test::tensor_message(17, {1}, {0}).get()), HasSubstr("float8e4m3fn is out of scope"));
  EXPECT_THAT(fails(test::tensor_message(3, {-1}, {}).get()), HasSubstr("expected extents >= 0"));
  EXPECT_THAT(fails(test::tensor_message(3, {1 << 20, 1 << 20}, {}).get()), HasSubstr("expected at most"));
  test::Message wide;
  wide.integer(1, 1).integer(2, 3).integer(5, 300);
  EXPECT_THAT(fails(wide.get()), HasSubstr("value 300 does not fit"));
}

}  // namespace
}  // namespace obz
