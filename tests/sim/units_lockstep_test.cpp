// The SystemC elementwise units are the RTL, port by port and cycle by cycle, under random traffic and in whole layers;
// and the comparison sees what it should.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "accel/unit_jobs.hpp"
#include "golden/cases/synth.hpp"
#include "ref/base/error.hpp"
#include "ref/execute/naive.hpp"
#include "tests/execute/random_layers.hpp"
#include "tests/sim/both_units.hpp"
#include "tests/sim/cores.hpp"
#include "tests/sim/unit_stimuli.hpp"
#ifdef OBZ_HAVE_RTL
#include "rtl/harness/units.hpp"
#endif

namespace obz::test {
namespace {

std::unique_ptr<accel::UnitsDevice> make_rtl_units() {
#ifdef OBZ_HAVE_RTL
  return std::make_unique<rtl::Units>();
#else
  throw MissingTool("the Verilated units are not part of this build: Verilator was not there when it was configured");
#endif
}

class UnitsLockstep : public ::testing::Test {
 protected:
  void SetUp() override {
    try {
      twins_ = &twins();
      rtl_ = make_rtl_units();
    } catch (const MissingTool& e) {
      GTEST_SKIP() << "skipped: " << e.what();
    }
  }
  std::optional<UnitDifference> run(accel::UnitsDevice& twin, std::uint64_t cycles) {
    BothUnits both(*rtl_, twin);
    UnitTraffic traffic(2025);
    while (!both.difference && both.cycles < cycles) traffic.step(both);
    tally_ = traffic.tally;
    return both.difference;
  }
  Twins* twins_ = nullptr;
  std::unique_ptr<accel::UnitsDevice> rtl_;
  UnitsTally tally_;
};

TEST_F(UnitsLockstep, finds_the_twins_equal_to_the_rtl_on_every_port_in_every_cycle) {
  const auto difference = run(twins_->lockstep_units, 250'000);
  ASSERT_FALSE(difference) << difference->text();
  EXPECT_EQ(tally_.cycles, 250'000U);
  EXPECT_GT(tally_.resets, 100U);
  for (const UnitTally* unit : {&tally_.add, &tally_.pool, &tally_.scale}) {
    EXPECT_GT(unit->beats, 50'000U);
    EXPECT_GT(unit->stalls, 20'000U);
    EXPECT_GT(unit->inside, 50'000U);
    EXPECT_GT(unit->beats, unit->results);  // a reset drops some, a window takes many
  }
  EXPECT_GT(tally_.add.results, 50'000U);
  EXPECT_GT(tally_.pool.results, 10'000U);
  EXPECT_GT(tally_.scale.results, 50'000U);
  for (const std::uint64_t beats : tally_.modes) EXPECT_GT(beats, 10'000U);
  for (const Profile& p : profile_catalogue()) {
    if (p.is_dyadic() && p.recipe.zero_point != ZeroPointAt::before_rounding)
      EXPECT_TRUE(tally_.profiles.count(p.id)) << p.id;
  }
}

TEST_F(UnitsLockstep, notices_one_more_register) {
  const auto difference = run(twins_->late_units, 10'000);
  ASSERT_TRUE(difference);
  EXPECT_THAT(difference->port, ::testing::EndsWith("_valid_o")) << difference->text();
  EXPECT_EQ(difference->want, 1) << difference->text();
  EXPECT_LT(difference->cycle, 100U);
}

/// Bit 3 of lane 5 of the pool, from one cycle on.
class DamagedUnits final : public accel::UnitsDevice {
 public:
  explicit DamagedUnits(accel::UnitsDevice& units) : units_(units) {}
  void describe(const Add& op) override { units_.describe(op); }
  void describe(const accel::PoolSetting& setting) override { units_.describe(setting); }
  void describe(const accel::ScaleSetting& setting) override { units_.describe(setting); }
  void drive(const accel::AddBeat& beat) override { units_.drive(beat); }
  void drive(const accel::PoolBeat& beat) override { units_.drive(beat); }
  void drive(const accel::ScaleBeat& beat) override { units_.drive(beat); }
  const accel::UnitsOutputs& settle(const accel::UnitsInputs& inputs) override {
    out_ = units_.settle(inputs);
    if (++cycles_ > 5000) out_.pool.y_o[5] ^= 1 << 3;
    return out_;
  }
  void edge() override { units_.edge(); }

 private:
  accel::UnitsDevice& units_;
  accel::UnitsOutputs out_;
  int cycles_ = 0;
};

TEST_F(UnitsLockstep, names_cycle_port_and_lane_of_one_wrong_bit) {
  DamagedUnits damaged(twins_->damaged_units);
  const auto difference = run(damaged, 10'000);
  ASSERT_TRUE(difference);
  EXPECT_THAT(difference->text(), ::testing::StartsWith("cycle 5000, pool_y_o [5]: want "));
  EXPECT_EQ(difference->want ^ 1 << 3, difference->got);
}

/// A layer of the units' operators.
IntNet random_layer(testing::Random& random, const Profile& profile, int kind) {
  switch (kind) {
    case 0: return testing::random_add(random, profile);
    case 1: return testing::random_rescale(random, profile);
    case 2: return testing::random_mean(random, profile);
    case 3: return testing::random_concat(random, profile);
    case 4: return testing::random_max_pool(random, profile);
    default:
      return synthesize({.op = "avgpool",
                         .profile = std::string(profile.id),
                         .seed = static_cast<std::uint64_t>(random.between(1, 1000)),
                         .conv = {1, 6, 7, random.between(1, 20), 1, 3, 3, random.between(1, 2), 1}});
  }
}

TEST_F(UnitsLockstep, finds_them_equal_in_whole_layers_whose_outputs_are_the_references) {
  BothUnits both(*rtl_, twins_->layer_units);
  testing::Random random(18);
  const accel::Pauses pauses = [&] { return random.one_in(4); };
  int layers[6] = {};
  for (int run = 0; run < 240; ++run) {
    const char* const ids[] = {"tflite/double", "hawq-v3/exact", "tosa-1.0/single", "cmsis-nn/single"};
    const Profile& profile = find_profile(ids[run / 6 % 4]);
    const IntNet net = testing::draw(random, [&](testing::Random& r) { return random_layer(r, profile, run % 6); });
    const std::vector<Tensor> inputs = random_inputs(net, Goal::corners, 3, run);
    LayerJob job{&net, net.nodes.data(), {}, &net.tensors[static_cast<std::size_t>(net.nodes[0].outputs[0])]};
    for (const Tensor& t : inputs) job.inputs.push_back(&t);
    if (accel::unit_refusal(job)) continue;
    ++layers[run % 6];
    Tensor want(job.output->shape, job.output->type);
    run_naive(*job.node, job.inputs, want);
    const LayerResult got = accel::run_on_units(both, job, run % 2 == 0 ? pauses : nullptr);
    ASSERT_FALSE(both.difference) << "layer " << run << ", " << both.difference->text();
    ASSERT_EQ(got.output, want) << "layer " << run;
  }
  for (const int n : layers) EXPECT_GE(n, 25);
}

}  // namespace
}  // namespace obz::test
