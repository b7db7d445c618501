// The elementwise units are the reference, element by element: on complete sets of several profiles, on pools of every
// shape of window, on every sum of every count; and pauses of either side change nothing.
#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "accel/unit_jobs.hpp"
#include "golden/cases/synth.hpp"
#include "golden/complete/complete_layer.hpp"
#include "ref/arith/reciprocal.hpp"
#include "ref/base/error.hpp"
#include "ref/base/philox.hpp"
#include "ref/execute/naive.hpp"
#include "ref/read/fill.hpp"
#include "rtl/harness/rtl_engine.hpp"
#include "tests/support/run_obz.hpp"
#ifdef OBZ_HAVE_RTL
#include "rtl/harness/units.hpp"
#endif

namespace obz {
namespace {

using testing::HasSubstr;

#ifdef OBZ_HAVE_RTL

/// A network of one node over inputs of these shapes; the output's shape as the operator infers it.
template <class Op>
IntNet one_node(Op op, const std::vector<Shape>& shapes, IntType type, const Shape& y) {
  IntNet net;
  Node node{"node", "", {}, {static_cast<int>(shapes.size())}, std::move(op)};
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    net.tensors.push_back({.id = std::to_string(i), .shape = shapes[i], .type = type});
    net.inputs.push_back(static_cast<int>(i));
    node.inputs.push_back(static_cast<int>(i));
  }
  net.tensors.push_back({.id = "y", .shape = y, .type = type});
  net.outputs = node.outputs;
  net.nodes.push_back(std::move(node));
  return net;
}

/// The node of a network of one node, on these inputs.
LayerJob job_of(const IntNet& net, const std::vector<Tensor>& inputs) {
  LayerJob job{&net, net.nodes.data(), {}, &net.tensors[static_cast<std::size_t>(net.nodes[0].outputs[0])]};
  for (const Tensor& t : inputs) job.inputs.push_back(&t);
  return job;
}

/// How many outputs were compared.
std::int64_t expect_equal(rtl::Units& units, const IntNet& net, const std::vector<Tensor>& inputs,
                          const accel::Pauses& pauses = nullptr) {
  const LayerJob job = job_of(net, inputs);
  const auto why = accel::unit_refusal(job);
  EXPECT_FALSE(why) << *why;
  if (why) return 0;
  Tensor want(job.output->shape, job.output->type);
  run_naive(*job.node, job.inputs, want);
  const LayerResult got = accel::run_on_units(units, job, pauses);
  for (std::size_t i = 0; i < want.data.size(); ++i) {
    EXPECT_EQ(got.output.data[i], want.data[i]) << net.profile << ", output " << i;
    if (testing::Test::HasFailure()) return 0;
  }
  return want.elems();
}

constexpr std::array kProfiles{"hawq-v3/exact",   "hawq-v3/tvm",     "hawq-v3/torch",   "tflite/double",
                               "tflite/single",   "tosa-1.0/double", "tosa-1.0/single", "pulp-nn/floor",
                               "cmsis-nn/single", "vela/truncate",   "xnnpack/rndnu",   "qnnpack/q31"};

/// 13 channels of their own, along an axis that is not the last.
IntNet rescale_per_channel(const std::string& profile) {
  Rescale op{.x_zero_point = 9, .axis = 1};
  for (int c = 0; c < 13; ++c) {
    const Requant one = fill_factor(find_profile(profile), 0.2 + 0.06 * c, {}, "test");
    if (c == 0) op.requant = one;
    if (c > 0) op.requant.channels.push_back(one.channels[0]);
  }
  const Shape shape{2, 13, 7};
  return one_node(std::move(op), {shape}, kInt8, shape);
}

/// Complete inputs of a layer under every profile whose fields are integers.
void expect_complete(const std::string& op, const std::array<std::int64_t, 9>& conv, std::int64_t at_least,
                     std::size_t profiles_at_least) {
  rtl::Units units;
  std::int64_t compared = 0;
  std::size_t profiles = 0;
  for (const char* profile : kProfiles) {
    IntNet net;
    try {
      net = op == "rescale" ? rescale_per_channel(profile)
                            : synthesize({.op = op, .profile = profile, .seed = 71, .conv = conv});
    } catch (const Error&) {
      continue;  // the profile cannot express this scale
    }
    if (accel::unit_refusal(job_of(net, random_inputs(net, Goal::random, 71, 0)))) continue;
    ++profiles;
    for (const auto& sample : complete_inputs(net, 71).samples) compared += expect_equal(units, net, sample);
    ASSERT_FALSE(testing::Test::HasFailure());
  }
  EXPECT_GE(compared, at_least);
  EXPECT_GE(profiles, profiles_at_least);
}

TEST(Units, add_every_pair_of_operands_under_every_profile) {
  expect_complete("add", {1, 32, 32, 64, 1, 1, 1, 1, 0}, 11 * 65536, 11);
}
TEST(Units, pool_every_sum_under_every_profile) {
  expect_complete("avgpool", {1, 14, 14, 8, 1, 2, 2, 2, 0}, 11 * 1000, 11);
  expect_complete("avgpool", {1, 11, 11, 8, 1, 3, 3, 2, 1}, 11 * 1000, 11);  // windows of 4, 6 and 9
}
TEST(Units, concatenate_every_value_under_every_profile) {
  expect_complete("concat", {1, 4, 4, 11, 1, 1, 1, 1, 0}, 11 * 256, 11);
}
TEST(Units, rescale_every_value_on_every_channel_under_every_profile) {
  expect_complete("rescale", {1, 4, 4, 13, 1, 1, 1, 1, 0}, 11 * 13 * 256, 11);
}

TEST(Units, add_broadcasts_and_subtracts) {
  rtl::Units units;
  const OutputQuant out{.scale = 0.05F, .zero_point = 3};
  for (const char* profile : {"tflite/double", "hawq-v3/exact", "pulp-nn/floor"}) {
    const Add op = fill_add(find_profile(profile), {.scale = 0.03F, .zero_point = -5}, {.scale = 0.02F},
                            profile == std::string("tflite/double") ? out : OutputQuant{.scale = 0.05F}, true, "test");
    for (const auto& [a, b] :
         {std::pair{Shape{2, 3, 1, 5}, Shape{4, 5}}, {Shape{7}, Shape{3, 1}}, {Shape{}, Shape{9}}}) {
      const IntNet net = one_node(op, {a, b}, kInt8, broadcast(a, b));
      expect_equal(units, net, random_inputs(net, Goal::corners, 72, 0));
    }
  }
}

TEST(Units, narrow_accumulators_wrap_and_saturate) {
  rtl::Units units;
  for (const Overflow overflow : {Overflow::wrap, Overflow::saturate}) {
    Add add =
        fill_add(find_profile("tflite/double"), {.scale = 0.03F}, {.scale = 0.02F}, {.scale = 0.05F}, false, "test");
    add.accumulator = {20, overflow};
    const IntNet sums = one_node(add, {Shape{512}, Shape{512}}, kInt8, Shape{512});
    expect_equal(units, sums, random_inputs(sums, Goal::corners, 73, 0));
    AvgPool pool{.kernel_h = 4, .kernel_w = 4, .accumulator = {9, overflow}};
    const IntNet averages = one_node(pool, {Shape{1, 8, 8, 9}}, kInt8, Shape{1, 5, 5, 9});
    expect_equal(units, averages, random_inputs(averages, Goal::corners, 73, 0));
  }
}

/// Windows that pads cut, that are all padding, that stride and dilate; both layouts.
std::vector<std::pair<std::array<std::int32_t, 2>, Window>> geometries() {
  return {{{7, 7}, {}},  // global
          {{3, 3}, {.stride_h = 2, .stride_w = 2, .pad_top = 1, .pad_left = 1, .pad_bottom = 1, .pad_right = 1}},
          {{2, 5}, {.stride_w = 3, .dilation_h = 3, .pad_left = 4, .pad_right = 2}},
          {{1, 2}, {.pad_top = 3, .pad_left = 2}}};  // windows without elements
}

template <class Pool>
void expect_pools(rtl::Units& units, Pool op, std::uint64_t seed) {
  for (const auto& [kernel, window] : geometries()) {
    for (const Layout layout : {Layout::nhwc, Layout::nchw}) {
      op.kernel_h = kernel[0];
      op.kernel_w = kernel[1];
      op.window = window;
      op.layout = layout;
      if constexpr (requires { op.by; }) {
        op.requant.channels.resize(op.by == AverageBy::requant ? static_cast<std::size_t>(kernel[0] * kernel[1]) : 1);
        for (std::size_t i = 0; i < op.requant.channels.size(); ++i) {
          op.requant.channels[i] = {.multiplier = 1 << 20, .shift = 18 + static_cast<int>(i), .zero_point = -3};
        }
      }
      const Shape x = shape4(layout, 2, 7, 9, 11);
      const IntNet net = one_node(op, {x}, kInt8, infer(op, x, "test"));
      expect_equal(units, net, random_inputs(net, Goal::corners, seed, 0));
    }
  }
}

TEST(Units, take_the_maximum_of_any_window_and_padding_never_wins) {
  rtl::Units units;
  expect_pools(units, MaxPool{.lo = -100, .hi = 90}, 74);
  // All elements at the least value: a padding of 0 would win.
  const MaxPool op{.kernel_h = 2, .kernel_w = 2, .window = {.pad_top = 1, .pad_left = 1}};
  const Shape x{1, 3, 3, 2};
  const IntNet net = one_node(op, {x}, kInt8, infer(op, x, "test"));
  expect_equal(units, net, {Tensor(x, kInt8, std::vector<std::int32_t>(18, -128))});
}

TEST(Units, average_any_window) {
  rtl::Units units;
  for (const bool pad : {false, true}) {
    for (const AverageBy by : {AverageBy::division, AverageBy::requant}) {
      for (const Rounding rounding : {Rounding::floor, Rounding::half_even}) {
        expect_pools(units, AvgPool{.count_includes_pad = pad, .x_zero_point = -7, .by = by, .rounding = rounding}, 75);
      }
    }
  }
}

TEST(Units, mean_over_any_axes) {
  rtl::Units units;
  for (const Shape& axes : {Shape{1, 2}, Shape{3}, Shape{0, 3}, Shape{}, Shape{0, 1, 2, 3}}) {
    for (const Shape& x : {Shape{2, 5, 3, 13}, Shape{2, 0, 3, 4}}) {
      Mean op{.axes = axes, .x_zero_point = 11};
      fill_mean(find_profile("tflite/double"), op, 15, 0.04F, {.scale = 0.03F, .zero_point = -9}, "test");
      const IntNet net = one_node(op, {x}, kInt8, infer(op, x, "test"));
      expect_equal(units, net, random_inputs(net, Goal::corners, 76, 0));
    }
  }
}

TEST(Units, divide_every_sum_of_int8_by_every_count_to_64_in_all_roundings) {
  rtl::Units units;
  const Channel wide{.lo = kInt32.min(), .hi = kInt32.max()};
  for (const Rounding rounding :
       {Rounding::floor, Rounding::trunc, Rounding::half_up, Rounding::half_away, Rounding::half_even}) {
    for (std::int64_t n = 1; n <= 64; ++n) {
      const auto r = reciprocal(n, 128 * n, Quotient::truncated);
      ASSERT_TRUE(r);
      std::int64_t sent = -128 * n, seen = sent;  // one element that is the sum
      accel::stream(
          units, accel::PoolSetting{accel::PoolMode::divide, 0, {}, {.rounding = rounding}},
          [&](accel::PoolBeat& beat) {
            if (sent > 127 * n) return false;
            for (std::int32_t& x : beat.x) x = static_cast<std::int32_t>(sent++);
            beat.first = beat.last = true;
            beat.channel = &wide;
            beat.count = static_cast<std::uint32_t>(n);
            beat.reciprocal = r->multiplier;
            beat.reciprocal_shift = r->shift;
            return true;
          },
          [&](const accel::Lanes& y) {
            for (std::size_t i = 0; i < y.size(); ++i, ++seen) {
              if (seen <= 127 * n) ASSERT_EQ(y[i], divide(seen, n, rounding)) << seen << " / " << n;
            }
          });
      ASSERT_GT(seen, 127 * n);
      ASSERT_FALSE(HasFailure());
    }
  }
}

TEST(Units, pauses_of_either_side_change_no_result) {
  for (const char* op : {"add", "avgpool", "concat"}) {
    const IntNet net =
        synthesize({.op = op, .profile = "tflite/double", .seed = 77, .conv = {1, 9, 9, 21, 1, 3, 3, 2, 1}});
    const std::vector<Tensor> inputs = random_inputs(net, Goal::corners, 77, 0);
    rtl::Units units;
    const std::int64_t fewest = *accel::run_on_units(units, job_of(net, inputs)).cycles;
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
      CaseRandom random(seed, 0);
      const accel::Pauses pauses = [&] { return random.one_in(3); };
      expect_equal(units, net, inputs, pauses);
      EXPECT_GT(*accel::run_on_units(units, job_of(net, inputs), pauses).cycles, fewest + fewest / 3) << op;
    }
  }
}

TEST(Units, take_a_beat_a_cycle_and_one_cycle_more) {
  rtl::Units units;
  const IntNet net = synthesize({.op = "add", .profile = "tflite/double", .conv = {1, 5, 5, 5, 1, 1, 1, 1, 0}});
  const std::vector<Tensor> inputs = random_inputs(net, Goal::random, 1, 0);
  EXPECT_EQ(accel::run_on_units(units, job_of(net, inputs)).cycles, 16 + 1);  // 125 elements, 8 lanes
}

TEST(Units, refuse_what_they_cannot_do) {
  const auto why = [](const IntNet& net) {
    return accel::unit_refusal(job_of(net, random_inputs(net, Goal::random, 1, 0))).value_or("");
  };
  EXPECT_THAT(why(synthesize({.op = "add", .profile = "onnx/mlas"})), HasSubstr("float32"));
  EXPECT_THAT(why(synthesize({.op = "concat", .profile = "xnnpack/fp32"})), HasSubstr("scales in float"));
  EXPECT_THAT(why(synthesize({.op = "conv2d"})), HasSubstr("no unit of the RTL does conv2d"));

  IntNet net = rescale_per_channel("tflite/double");
  std::get<Rescale>(net.nodes[0].op).requant.channels[0].multiplier = std::int64_t{1} << 33;
  EXPECT_THAT(why(net), HasSubstr("34 bits"));
  std::get<Rescale>(net.nodes[0].op).requant.channels[0] = {.hi = std::int64_t{1} << 31};
  EXPECT_THAT(why(net), HasSubstr("the clamp"));
  std::get<Rescale>(net.nodes[0].op).requant.channels[0] = {};
  std::get<Rescale>(net.nodes[0].op).requant.recipe.zero_point = ZeroPointAt::before_rounding;
  EXPECT_THAT(why(net), HasSubstr("zero point before the rounding"));

  const AvgPool far{.kernel_h = 9, .kernel_w = 9, .accumulator = {64, Overflow::exact}};
  EXPECT_THAT(why(one_node(far, {Shape{1, 9, 9, 1}}, kInt32, Shape{1, 1, 1, 1})), HasSubstr("no reciprocal"));
}

TEST(Units, are_part_of_the_engine_with_their_cycles) {
  const auto engine = rtl::make_rtl_engine();
  const IntNet net = synthesize({.op = "avgpool", .profile = "hawq-v3/exact"});
  const std::vector<Tensor> inputs = random_inputs(net, Goal::random, 1, 0);
  const LayerJob job = job_of(net, inputs);
  ASSERT_TRUE(engine->supports(job).yes) << engine->supports(job).why;
  EXPECT_TRUE(engine->run(job).cycles.has_value());
  const IntNet floating = synthesize({.op = "add", .profile = "onnx/mlas"});
  EXPECT_THAT(engine->supports(job_of(floating, random_inputs(floating, Goal::random, 1, 0))).why,
              HasSubstr("float32"));
}

TEST(UnitSources, are_clean_under_lint_and_read_by_yosys) {
  const std::string files =
      " obz_pkg.sv obz_round_shift.sv obz_narrow.sv obz_requant_operand.sv obz_requant_scale.sv obz_requant.sv "
      "obz_requant_lane.sv obz_round_divide.sv obz_out_stage.sv obz_add_lane.sv obz_residual_add.sv obz_pool_lane.sv "
      "obz_pool.sv obz_concat_rescale.sv obz_units.sv";
  const std::string there = "cd " OBZ_SOURCE_DIR "/rtl && ";
  if (std::system("verilator --version >/dev/null 2>&1") == 0) {
    const auto lint = test::shell(there + "verilator --lint-only -Wall --top-module obz_units" + files);
    EXPECT_EQ(lint.exit_code, 0) << lint.err;
  }
  if (std::system("yosys -V >/dev/null 2>&1") != 0) GTEST_SKIP() << "skipped: no yosys";
  const auto read = test::shell(there + "yosys -q -p \"read_verilog -sv" + files +
                                "; hierarchy -check -top obz_units; proc; check -assert\"");
  EXPECT_EQ(read.exit_code, 0) << read.err;
}

#else

TEST(Units, are_the_reference) { GTEST_SKIP() << "skipped: built without Verilator"; }

#endif

}  // namespace
}  // namespace obz
