// The TFLite importer on models built in memory: what it understands and what it refuses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "golden/cases/synth.hpp"
#include "ref/base/error.hpp"
#include "ref/border/convert.hpp"
#include "ref/execute/naive.hpp"
#include "ref/net/bounds.hpp"
#include "ref/net/save_load.hpp"
#include "ref/read/import.hpp"
#include "ref/read/tables.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/tflite_builder.hpp"

namespace obz {
namespace {

using test::message_of;
using test::TensorSpec;
using test::TfliteBuilder;
using testing::HasSubstr;

std::vector<Tensor> run_ref(const IntNet& net, const std::vector<Tensor>& inputs) {
  return run_net(net, inputs, [](const Node& n, std::span<const Tensor* const> in, Tensor& y) { run_naive(n, in, y); });
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

TEST(TfliteImport, small_network_keeps_structure_and_numbers) {
  const IntNet net = import_model(test::small_cnn(), "small.tflite");
  ASSERT_EQ(net.nodes.size(), 7U);
  const auto& conv = op_at<Conv2d>(net, 0);
  EXPECT_EQ(conv.window.pad_top, 1);
  EXPECT_EQ(conv.x_zero_point, -5);
  EXPECT_EQ(conv.requant.channels.size(), 4U);
  EXPECT_EQ(conv.requant.channels[0].lo, -128);  // relu: the zero point is -128
  const auto& depthwise = op_at<Conv2d>(net, 1);
  EXPECT_EQ(depthwise.groups, 4);
  EXPECT_EQ(depthwise.filter.weights.shape, (Shape{4, 3, 3, 1}));
  EXPECT_EQ(op_at<Add>(net, 2).left_shift, 20);
  EXPECT_EQ(net.profile, "tflite/double");
}

TEST(TfliteImport, every_operator_executes_and_survives_save_and_load) {
  for (const Bytes& model : {test::small_cnn(), test::operator_tour()}) {
    const IntNet net = import_model(model, "model.tflite");
    const Bytes saved = format_net(net);
    const IntNet loaded = parse_net(saved, "model.obz");
    EXPECT_EQ(format_net(loaded), saved);
    const std::vector<Tensor> inputs = random_inputs(net, Goal::corners, 3, 0);
    EXPECT_EQ(run_ref(net, inputs), run_ref(loaded, inputs));
  }
}

TEST(TfliteImport, every_profile_imports_or_names_the_reason) {
  int imported = 0;
  for (const Profile& p : profile_catalogue()) {
    const std::string error = message_of<Error>([&] {
      const IntNet net = import_model(test::operator_tour(), "tour.tflite", with_profile(std::string(p.id).c_str()));
      run_ref(net, random_inputs(net, Goal::random, 1, 0));
      ++imported;
    });
    if (!error.empty()) EXPECT_THAT(error, HasSubstr(std::string(p.id))) << "the sentence must name the profile";
  }
  EXPECT_GE(imported, 20);
}

TEST(TfliteImport, profiles_without_zero_point_say_so) {
  EXPECT_THAT(message_of<Error>([] { import_model(test::small_cnn(), "s.tflite", with_profile("hawq-v3/exact")); }),
              HasSubstr("s.tflite: operator 0 (CONV_2D): profile hawq-v3/exact knows no zero point"));
}

TEST(TfliteImport, int4_weights_unpack_low_nibble_first) {
  TfliteBuilder m;
  const int x = m.tensor({.name = "x", .shape = {1, 4}});
  const int w = m.tensor({.name = "w", .shape = {1, 4}, .type = 17, .data = {0x21, 0xF8}});
  const int y = m.tensor({.name = "y", .shape = {1, 1}});
  m.op(9, {x, w}, {y});
  const IntNet net = import_model(m.finish({x}, {y}), "int4.tflite");
  EXPECT_EQ(op_at<Dense>(net, 0).filter.weights.data, (std::vector<std::int32_t>{1, 2, -8, -1}));
  EXPECT_EQ(op_at<Dense>(net, 0).filter.weights.type, kInt4);
}

TEST(TfliteImport, int16_activations_take_the_wide_accumulator_only_with_a_64_bit_bias) {
  for (const bool wide : {false, true}) {
    TfliteBuilder m;
    const int x = m.tensor({.name = "x", .shape = {1, 2}, .type = 7});
    const int w = m.tensor({.name = "w", .shape = {1, 2}, .data = {3, 4}});
    const int b = m.tensor({.name = "b",
                            .shape = {1},
                            .type = wide ? 4 : 2,
                            .scales = {0.0025F},
                            .data = wide ? Bytes{1, 1, 0, 0, 0, 0, 0, 0} : Bytes{1, 1, 0, 0}});
    const int y = m.tensor({.name = "y", .shape = {1, 1}, .type = 7});
    m.op(9, {x, w, b}, {y});
    const auto& dense = op_at<Dense>(import_model(m.finish({x}, {y}), "int16.tflite"), 0);
    EXPECT_EQ(dense.accumulator.bits, wide ? 64 : 32);
    EXPECT_EQ(dense.requant.recipe.first_bits, wide ? 0 : 31);
  }
}

TEST(TfliteImport, a_float_front_becomes_a_border) {
  TfliteBuilder m;
  const int f = m.tensor({.name = "image", .shape = {1, 3}, .type = 0, .scales = {}, .zero_points = {}});
  const int q = m.tensor({.name = "q", .shape = {1, 3}, .scales = {0.5F}, .zero_points = {10}});
  const int r = m.tensor({.name = "r", .shape = {3}, .scales = {0.5F}, .zero_points = {10}});
  const int d = m.tensor({.name = "d", .shape = {3}, .type = 0, .scales = {}, .zero_points = {}});
  const int s = m.tensor({.name = "s", .shape = {3}, .type = 0, .scales = {}, .zero_points = {}});
  m.op(114, {f}, {q});
  m.op(22, {q, m.list({3})}, {r});
  m.op(6, {r}, {d});
  m.op(50, {d}, {s});
  const IntNet net = import_model(m.finish({f}, {s}), "border.tflite");
  ASSERT_EQ(net.input_borders.size(), 1U);
  ASSERT_EQ(net.output_borders.size(), 1U);
  ASSERT_EQ(net.notes.size(), 1U);
  EXPECT_THAT(net.notes[0], HasSubstr("LOG_SOFTMAX"));
  // TFLite rounds half away: 0.25 / 0.5 = 0.5 -> 1
  const Tensor t = quantize(net.input_borders[0], kInt8, {Shape{1, 3}, {0.25F, -0.25F, 100.0F}}).values;
  EXPECT_EQ(t.data, (std::vector<std::int32_t>{11, 9, 127}));
  EXPECT_EQ(dequantize(net.output_borders[0], run_ref(net, {t})[0]).data, (std::vector<float>{0.5F, -0.5F, 58.5F}));
}

TEST(TfliteImport, refusals_name_operator_and_file) {
  const auto error = [](const Bytes& model) { return message_of<Error>([&] { import_model(model, "m.tflite"); }); };
  {
    TfliteBuilder m;
    const int x = m.tensor({.name = "x", .shape = {1, 4}});
    m.op(16, {x}, {m.tensor({.name = "y", .shape = {1, 4}})});
    EXPECT_THAT(error(m.finish({x}, {1})), HasSubstr("m.tflite: operator 0 (LSTM): not supported"));
  }
  {
    TfliteBuilder m;  // average pools have no multiplier
    const int x = m.tensor({.name = "x", .shape = {1, 2, 2, 1}, .scales = {0.1F}});
    const int y = m.tensor({.name = "y", .shape = {1, 1, 1, 1}, .scales = {0.2F}});
    m.op(1, {x}, {y});
    EXPECT_THAT(error(m.finish({x}, {y})), HasSubstr("expected equal quantization"));
  }
  {
    TfliteBuilder m;
    const int x = m.tensor({.name = "x", .shape = {1, 4}});
    const int w = m.tensor({.name = "w", .shape = {2, 3}, .data = Bytes(6)});
    const int y = m.tensor({.name = "y", .shape = {1, 2}});
    m.op(9, {x, w}, {y});
    EXPECT_THAT(error(m.finish({x}, {y})), HasSubstr("input 1x4 is not rows of 3"));
  }
  {
    TfliteBuilder m;
    const int x = m.tensor({.name = "x", .shape = {1, 4}});
    const int w = m.tensor({.name = "w", .shape = {2, 4}, .data = Bytes(7)});
    const int y = m.tensor({.name = "y", .shape = {1, 2}});
    m.op(9, {x, w}, {y});
    EXPECT_THAT(error(m.finish({x}, {y})), HasSubstr("expected 8 bytes for 2x4 int8, got 7"));
  }
  EXPECT_THAT(error(Bytes{1, 2, 3, 4, 'T', 'F', 'L', '3'}), HasSubstr("damaged TFLite model"));
}

TEST(Tables, logistic_and_tanh_hit_their_fixed_points) {
  const TableQuant from{0.05F, 0, kInt8}, sigmoid{1.0F / 256, -128, kInt8}, signed_unit{1.0F / 128, 0, kInt8};
  EXPECT_EQ(logistic_table(from, sigmoid).table.data[128], 0);    // sigmoid(0) = 1/2
  EXPECT_EQ(logistic_table(from, sigmoid).table.data[255], 127);  // 6.35: 0.998, saturates at 127
  EXPECT_EQ(tanh_table(from, signed_unit).table.data[128], 0);
  EXPECT_EQ(tanh_table(from, signed_unit).table.data[128 + 20], 97);  // tanh(1) = 0.7616 * 128 = 97.48
}

TEST(Tables, hard_swish_is_zero_below_minus_three_and_identity_above_three) {
  const TableQuant from{0.05F, 0, kInt8}, to{0.05F, 0, kInt8};
  const Lookup table = tflite_hard_swish_table(from, to, "t");
  EXPECT_EQ(table.table.data[0], 0);         // -6.4
  EXPECT_EQ(table.table.data[128 - 70], 0);  // -3.5
  for (int q = 70; q < 128; ++q) EXPECT_NEAR(table.table.data[static_cast<std::size_t>(128 + q)], q, 1) << q;
  EXPECT_EQ(table.table.data[128], 0);
}

TEST(Bounds, conv_bound_is_attained) {
  const IntNet net = import_model(test::small_cnn(), "small.tflite");
  const auto& dense = op_at<Dense>(net, 5);
  const std::vector<Range> ranges = value_ranges(net);
  const Range bound = *accumulator_range(net, net.nodes[5], ranges);
  const Range x = ranges[static_cast<std::size_t>(net.nodes[5].inputs[0])];
  std::int64_t highest = INT64_MIN;
  for (std::int64_t o = 0; o < dense.out_channels(); ++o) {  // the witness: every input at the rail its weight prefers
    std::int64_t sum = dense.filter.bias_of(o);
    for (std::int64_t i = 0; i < 16; ++i) {
      const std::int64_t w = dense.filter.weights.data[static_cast<std::size_t>(o * 16 + i)];
      sum += w * ((w > 0 ? x.hi : x.lo) - dense.x_zero_point);
    }
    highest = std::max(highest, sum);
  }
  EXPECT_EQ(bound.hi, highest);
  EXPECT_EQ(signed_bits({-128, 127}), 8);
  EXPECT_EQ(signed_bits({-129, 0}), 9);
  EXPECT_EQ(signed_bits({0, 0}), 1);
}

}  // namespace
}  // namespace obz
