// Claims: whole convolutions, dense layers and matrix products in obz_layer equal the reference, whatever their shapes,
// widths, signs and recipes; what the unit cannot hold is refused with a number.
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "accel/lower.hpp"
#include "golden/cases/synth.hpp"
#include "ref/execute/naive.hpp"
#include "ref/net/save_load.hpp"
#include "rtl/harness/rtl_engine.hpp"
#ifdef OBZ_HAVE_RTL
#include "rtl/harness/layer_unit.hpp"
#endif
#include "tests/execute/random_layers.hpp"
#include "tests/support/networks.hpp"

namespace obz {
namespace {

using ::testing::HasSubstr;

/// A net of one node with values at its inputs and the reference's answer.
struct OneLayer {
  IntNet net;
  std::vector<Tensor> inputs;
  Tensor want;

  OneLayer(IntNet n, std::uint64_t seed) : net(std::move(n)), inputs(random_inputs(net, Goal::corners, seed, 0)) {
    const TensorInfo& y = net.tensors[static_cast<std::size_t>(net.nodes[0].outputs[0])];
    want = Tensor(y.shape, y.type);
    const LayerJob j = job();
    run_naive(net.nodes[0], j.inputs, want);
  }
  LayerJob job() const {
    LayerJob j{&net, &net.nodes[0], {}, &net.tensors[static_cast<std::size_t>(net.nodes[0].outputs[0])]};
    for (const Tensor& t : inputs) j.inputs.push_back(&t);
    return j;
  }
};

TEST(LayerPrograms, refuse_what_the_unit_cannot_hold) {
  SynthSpec spec{.op = "conv2d", .conv = {1, 300, 300, 16, 16, 3, 3, 1, 1}};
  EXPECT_THAT(accel::refusal(OneLayer(synthesize(spec), 1).job()),
              HasSubstr("90000 words of activations; the scratch"));
  spec.conv = {1, 3, 3, 1024, 1024, 3, 3, 1, 1};
  EXPECT_THAT(accel::refusal(OneLayer(synthesize(spec), 1).job()), HasSubstr("73728 words of weights"));
  EXPECT_THAT(accel::refusal(OneLayer(synthesize({.op = "add"}), 1).job()), HasSubstr("not a convolution"));
}

TEST(LayerPrograms, share_fetched_words_between_tiles_of_channels) {
  const OneLayer layer(synthesize({.op = "conv2d", .conv = {1, 8, 8, 16, 24, 3, 3, 1, 1}}), 1);
  const accel::Lowered lowered = accel::lower(layer.job());
  const auto& program = std::get<std::vector<accel::LayerProgram>>(lowered).at(0);
  EXPECT_EQ(program.block_n, 3);
  EXPECT_EQ(program.block_m, 2);
  EXPECT_EQ(program.tiles.size(), 3U);
  EXPECT_EQ(program.w.size(), 27U);
  EXPECT_EQ(accel::ideal_cycles(program), 8 * 8 * 24 * 9 * 16 / 256);
}

#ifdef OBZ_HAVE_RTL

class RtlLayers : public ::testing::Test {
 protected:
  /// Whether the layer ran on obz_layer.
  bool expect_equal(const OneLayer& layer, const std::string& what) {
    const LayerJob job = layer.job();
    const std::string why = accel::refusal(job);
    if (!why.empty()) return false;
    const auto programs = std::get<std::vector<accel::LayerProgram>>(accel::lower(job));
    std::vector<std::vector<std::uint8_t>> bytes;
    for (const accel::LayerProgram& program : programs) {
      const accel::LayerRun run = accel::run_program(unit_, program);
      EXPECT_GE(run.cycles.run, accel::ideal_cycles(program)) << what;
      bytes.push_back(run.y);
    }
    EXPECT_EQ(accel::raise(job, programs, bytes), layer.want) << what;
    return true;
  }
  rtl::LayerUnit unit_;
};

TEST_F(RtlLayers, equal_the_reference_on_random_layers) {
  testing::Random random(71);
  int on_unit = 0, drawn = 0;
  for (const char* id : {"tflite/double", "tflite/single", "hawq-v3/exact", "tosa-1.0/double", "pulp-nn/floor",
                         "gemmlowp/fixedpoint", "hmq/strict"}) {
    const Profile& p = find_profile(id);
    for (int i = 0; i < 24; ++i, ++drawn) {
      const auto make = i % 4 == 0 ? testing::random_dense : i % 4 == 1 ? testing::random_matmul : testing::random_conv;
      const OneLayer layer(testing::draw(random, [&](testing::Random& r) { return make(r, p); }),
                           static_cast<std::uint64_t>(i));
      on_unit += expect_equal(layer, std::string(id) + " " + std::to_string(i)) ? 1 : 0;
      ASSERT_FALSE(HasFailure()) << id << " " << i;
    }
  }
  EXPECT_GT(on_unit, drawn / 2);
}

TEST_F(RtlLayers, multiply_every_pair_of_widths_and_signs) {
  for (std::uint8_t w = 1; w <= 16; ++w) {
    for (std::uint8_t a = 1; a <= 16; ++a) {
      const bool a_signed = a > 1 && (w + a) % 2 == 0, w_signed = w > 1 && w % 3 != 0;
      SynthSpec spec{.op = "conv2d", .profile = "hawq-v3/exact", .seed = 5, .conv = {1, 3, 3, 19, 9, 2, 2, 1, 1}};
      spec.activation = {a, a_signed};
      spec.weight = {w, w_signed};
      EXPECT_TRUE(expect_equal(OneLayer(synthesize(spec), 3), std::to_string(w) + "x" + std::to_string(a)));
      ASSERT_FALSE(HasFailure()) << int{w} << "x" << int{a};
    }
  }
}

TEST_F(RtlLayers, give_the_same_outputs_however_long_writes_wait) {
  const OneLayer layer(synthesize({.op = "conv2d", .conv = {2, 9, 7, 20, 21, 3, 3, 2, 1}}), 9);
  const LayerJob job = layer.job();
  const auto programs = std::get<std::vector<accel::LayerProgram>>(accel::lower(job));
  const accel::LayerRun quick = accel::run_program(unit_, programs[0]);
  std::mt19937 random(4);
  const accel::LayerRun slow = accel::run_program(unit_, programs[0], nullptr, [&] { return random() % 3 == 0; });
  EXPECT_EQ(accel::raise(job, programs, {slow.y}), layer.want);
  EXPECT_EQ(accel::raise(job, programs, {quick.y}), layer.want);
  EXPECT_GT(slow.cycles.run, quick.cycles.run);
}

TEST_F(RtlLayers, issue_an_mma_every_four_cycles_when_nothing_waits) {
  const OneLayer layer(synthesize({.op = "conv2d", .conv = {1, 8, 8, 64, 64, 3, 3, 1, 1}}), 2);
  const auto programs = std::get<std::vector<accel::LayerProgram>>(accel::lower(layer.job()));
  std::int64_t last = -1, fours = 0, others = 0;
  const accel::LayerRun run =
      accel::run_program(unit_, programs[0], [&](std::int64_t cycle, const accel::LayerOutputs& e) {
        if (!e.issue_o) return;
        if (last >= 0) (cycle - last == 4 ? fours : others) += 1;
        last = cycle;
      });
  EXPECT_EQ(run.mmas, 8 * 8 * 36);
  EXPECT_EQ(others, 7);  // between the blocks of pixels
  EXPECT_GT(static_cast<double>(accel::ideal_cycles(programs[0])) / static_cast<double>(run.cycles.run), 0.9);
}

std::string check(const std::string& net, const std::string& options) {
  const auto r = test::shell("obz check " + net + " --engines rtl,sysc " + options);
  EXPECT_EQ(r.exit_code, 0) << r.err << r.out;
  EXPECT_THAT(r.out, HasSubstr(" 0 differ"));
  return r.out;
}

class RtlDigits : public ::testing::TestWithParam<const char*> {};

TEST_P(RtlDigits, are_equal_in_every_layer) {
  const test::TempDir dir;
  const test::NetFiles digits = test::quantized_digits(dir, GetParam());
  EXPECT_THAT(check(digits.net, "-i " + digits.inputs + " -n 4"), HasSubstr(" cy"));
}

/// More pixels than the scratchpad has words; and the same layer with few.
TEST(RtlEngine, marks_a_layer_of_which_it_did_the_requantization_alone) {
  const test::TempDir dir;
  const std::string large = (dir / "large.obz").string(), small = (dir / "small.obz").string();
  save_net(synthesize({.op = "conv2d", .conv = {1, 300, 300, 16, 1, 1, 1, 1, 0}}), large);
  save_net(synthesize({.op = "conv2d", .conv = {1, 30, 30, 16, 1, 1, 1, 1, 0}}), small);
  const std::string partly =
      "requantization alone, of the reference's sums: 90000 words of activations; the scratchpad has 65536";
  const auto text = test::shell("obz check " + large + " --engines ref,rtl");
  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_THAT(text.out, HasSubstr("90 000  =    =*\n"));
  EXPECT_THAT(text.out, HasSubstr("\nrtl *: " + partly + "\n"));
  const auto cells = nlohmann::json::parse(test::shell("obz check " + large + " --engines ref,rtl --json").out);
  EXPECT_EQ(cells["rows"][0]["cells"][1]["partly"], partly);
  EXPECT_FALSE(cells["rows"][0]["cells"][0].contains("partly"));

  const auto whole = test::shell("obz check " + small + " --engines ref,rtl");
  EXPECT_EQ(whole.exit_code, 0) << whole.err;
  EXPECT_THAT(whole.out, HasSubstr(" cy"));
  EXPECT_THAT(whole.out, ::testing::Not(HasSubstr("*")));
}

INSTANTIATE_TEST_SUITE_P(Bits, RtlDigits, ::testing::Values("w8a8", "w4a4", "w4a8", "mixed"),
                         [](const auto& bits) { return std::string(bits.param); });

TEST(RtlNetworks, of_tflite_are_equal_in_every_layer) {
  const test::TempDir dir;
  for (const auto& [model, golden] : test::kTfliteModels) {
    const auto files = test::imported(dir, model, golden);
    if (!files) GTEST_SKIP() << "skipped: no " << model;
    check(files->net, "-i " + files->inputs + " -n 4");
  }
}

#else

TEST(RtlEngine, is_skipped_with_a_reason_where_the_build_had_no_verilator) {
  const auto engine = rtl::make_rtl_engine();
  EXPECT_EQ(engine->name(), "rtl");
  EXPECT_THAT(engine->absent().value_or(""), HasSubstr("Verilator was not there"));
  const test::TempDir dir;
  save_net(synthesize({.op = "conv2d", .conv = {1, 4, 4, 3, 5, 3, 3, 1, 1}}), dir / "n.obz");
  const auto r = test::shell("obz check " + (dir / "n.obz").string() + " --engines ref,rtl");
  EXPECT_EQ(r.exit_code, 0) << r.err;
  EXPECT_THAT(r.out, HasSubstr("Verilator was not there when this was built"));
}

#endif

}  // namespace
}  // namespace obz
