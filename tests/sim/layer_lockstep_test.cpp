// Claims: the SystemC layer unit shows what the Verilated one shows, on every port in every cycle of every layer, with
// writes that wait at random; one cycle more in the tensor core is noticed. And the engine `sysc` computes what `ref`
// does.
#include <random>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "accel/lower.hpp"
#include "golden/cases/synth.hpp"
#include "ref/base/error.hpp"
#include "ref/execute/naive.hpp"
#ifdef OBZ_HAVE_RTL
#include "rtl/harness/layer_unit.hpp"
#endif
#include "tests/execute/random_layers.hpp"
#include "tests/sim/cores.hpp"

namespace obz::sim {
namespace {

using ::testing::HasSubstr;

/// Both devices as one: every call goes to both, every output is compared.
class Both final : public accel::LayerDevice {
 public:
  Both(accel::LayerDevice& want, accel::LayerDevice& got) : want_(want), got_(got) {}

  void describe(const accel::LayerProgram& program) override {
    want_.describe(program);
    got_.describe(program);
  }
  void load(std::size_t address, const accel::Word128& word) override { load_both(address, word); }
  void load(std::size_t address, const accel::WeightWord& word) override { load_both(address, word); }
  void load(std::size_t address, const accel::TileParameters& word) override { load_both(address, word); }
  const accel::LayerOutputs& settle(const accel::LayerInputs& inputs) override {
    const accel::LayerOutputs &a = want_.settle(inputs), &b = got_.settle(inputs);
    if (difference.empty() && !(a == b)) {
      std::ostringstream text;
      text << "cycle " << cycles;
      port(text, "busy_o", a.busy_o, b.busy_o);
      port(text, "write_o", a.write_o, b.write_o);
      port(text, "write_addr_o", a.write_addr_o, b.write_addr_o);
      port(text, "write_enable_o", a.write_enable_o, b.write_enable_o);
      port(text, "issue_o", a.issue_o, b.issue_o);
      port(text, "issue_tile_o", a.issue_tile_o, b.issue_tile_o);
      port(text, "result_o", a.result_o, b.result_o);
      port(text, "result_tile_o", a.result_tile_o, b.result_tile_o);
      for (std::size_t i = 0; i < 8; ++i) {
        port(text, "write_data_o", a.write_data_o[i], b.write_data_o[i]);
        port(text, "unload_data_o", a.unload_data_o[i], b.unload_data_o[i]);
      }
      difference = text.str();
    }
    return a;
  }
  void edge() override {
    want_.edge();
    got_.edge();
    ++cycles;
  }

  std::int64_t cycles = 0;
  std::string difference;  ///< the first one

 private:
  template <class Word>
  void load_both(std::size_t address, const Word& word) {
    want_.load(address, word);
    got_.load(address, word);
  }
  static void port(std::ostringstream& text, const char* name, std::uint64_t want, std::uint64_t got) {
    if (want != got) text << ", " << name << ": want " << want << ", got " << got;
  }
  accel::LayerDevice &want_, &got_;
};

/// Skips where the build had no SystemC.
#define REQUIRE_TWINS                        \
  try {                                      \
    test::twins();                           \
  } catch (const MissingTool& e) {           \
    GTEST_SKIP() << "skipped: " << e.what(); \
  }

LayerJob job_of(const IntNet& net, const std::vector<Tensor>& inputs) {
  LayerJob job{&net, &net.nodes[0], {}, &net.tensors[static_cast<std::size_t>(net.nodes[0].outputs[0])]};
  for (const Tensor& t : inputs) job.inputs.push_back(&t);
  return job;
}

Tensor reference(const LayerJob& job) {
  Tensor y(job.output->shape, job.output->type);
  run_naive(*job.node, job.inputs, y);
  return y;
}

TEST(LayerLockstep, shows_the_same_in_every_cycle_of_random_layers) {
#ifndef OBZ_HAVE_RTL
  GTEST_SKIP() << "skipped: Verilator was not there when this was built";
#else
  REQUIRE_TWINS
  obz::testing::Random random(17);
  std::mt19937 stalls(5);
  rtl::LayerUnit rtl;
  Both both(rtl, test::twins().lockstep_layer);
  int run = 0;
  while (both.cycles < 1'000'000) {
    const char* const ids[] = {"tflite/double", "hawq-v3/exact", "gemmlowp/fixedpoint", "tosa-1.0/single"};
    const Profile& p = find_profile(ids[run % 4]);
    const auto make = run % 4 == 0   ? obz::testing::random_dense
                      : run % 4 == 1 ? obz::testing::random_matmul
                                     : obz::testing::random_conv;
    const IntNet net = obz::testing::draw(random, [&](obz::testing::Random& r) { return make(r, p); });
    const std::vector<Tensor> inputs = random_inputs(net, Goal::corners, 3, run++);
    const LayerJob job = job_of(net, inputs);
    if (!accel::refusal(job).empty()) continue;
    const auto programs = std::get<std::vector<accel::LayerProgram>>(accel::lower(job));
    std::vector<std::vector<std::uint8_t>> bytes;
    const unsigned one_in = run % 3 == 0 ? 2 : 7;
    for (const accel::LayerProgram& program : programs) {
      bytes.push_back(run_program(both, program, nullptr, [&] { return run % 2 == 0 && stalls() % one_in == 0; }).y);
    }
    ASSERT_EQ(both.difference, "") << "layer " << run;
    ASSERT_EQ(accel::raise(job, programs, bytes), reference(job)) << "layer " << run;
  }
  EXPECT_GT(run, 100);
#endif
}

TEST(LayerLockstep, notices_one_cycle_in_the_tensor_core) {
#ifndef OBZ_HAVE_RTL
  GTEST_SKIP() << "skipped: Verilator was not there when this was built";
#else
  REQUIRE_TWINS
  rtl::LayerUnit rtl;
  Both both(rtl, test::twins().late_layer);
  const IntNet net = synthesize({.op = "conv2d"});
  const std::vector<Tensor> inputs = random_inputs(net, Goal::random, 1, 0);
  const LayerJob job = job_of(net, inputs);
  const auto programs = std::get<std::vector<accel::LayerProgram>>(accel::lower(job));
  run_program(both, programs[0]);
  EXPECT_THAT(both.difference, HasSubstr("result_o: want 1, got 0"));
#endif
}

TEST(LayerTwin, computes_what_the_reference_does) {
  REQUIRE_TWINS
  for (std::uint8_t w = 1; w <= 16; ++w) {
    for (const std::uint8_t a : std::initializer_list<std::uint8_t>{1, 2, 3, 4, 7, 8, 12, 16}) {
      SynthSpec spec{.op = "conv2d", .profile = "hawq-v3/exact", .conv = {1, 3, 3, 19, 9, 2, 2, 1, 1}};
      spec.activation = {a, a > 1 && (w + a) % 2 == 0};
      spec.weight = {w, w > 1 && w % 3 != 0};
      const IntNet net = synthesize(spec);
      const std::vector<Tensor> inputs = random_inputs(net, Goal::corners, 3, 0);
      const LayerJob job = job_of(net, inputs);
      const auto programs = std::get<std::vector<accel::LayerProgram>>(accel::lower(job));
      const LayerResult result = run_layer(test::twins().layer, job, programs);
      ASSERT_EQ(result.output, reference(job)) << int{w} << "x" << int{a};
    }
  }
}

}  // namespace
}  // namespace obz::sim
