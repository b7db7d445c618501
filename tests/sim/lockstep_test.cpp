// The SystemC tensor core is the RTL, port by port and cycle by cycle; and the comparison sees what it should.
#include "tests/sim/lockstep.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ref/base/error.hpp"
#include "tests/sim/cores.hpp"

namespace obz::test {
namespace {

class Lockstep : public testing::Test {
 protected:
  void SetUp() override {
    try {
      twins_ = &twins();
      rtl_ = std::make_unique<VerilatedCore>();
    } catch (const MissingTool& e) {
      GTEST_SKIP() << "skipped: " << e.what();
    }
  }
  std::optional<Difference> run(sim::Core& twin, std::uint64_t cycles) {
    return lockstep(*rtl_, twin, cycles, 2024, tally_);
  }
  Twins* twins_ = nullptr;
  std::unique_ptr<VerilatedCore> rtl_;
  LockstepTally tally_;
};

TEST_F(Lockstep, finds_the_twin_equal_to_the_rtl_on_every_port_in_every_cycle) {
  const auto difference = run(twins_->lockstep, 1'000'000);
  ASSERT_FALSE(difference) << difference->text();
  EXPECT_EQ(tally_.cycles, 1'000'000U);
  EXPECT_GT(tally_.results, 50'000U);
  EXPECT_GT(tally_.accepted, tally_.results);  // a reset drops some
  EXPECT_GT(tally_.stalls, 100'000U);
  EXPECT_GT(tally_.resets, 200U);
  EXPECT_GT(tally_.overflows, 100'000U);
  for (const auto& row : tally_.lane_pairs) {
    for (const std::uint64_t n : row) EXPECT_GT(n, 1000U);
  }
}

TEST_F(Lockstep, notices_a_latency_that_is_a_cycle_shorter) {
  const auto difference = run(twins_->early, 10'000);
  ASSERT_TRUE(difference);
  EXPECT_EQ(difference->port, "valid_o") << difference->text();
  EXPECT_EQ(difference->want, 0);
  EXPECT_LT(difference->cycle, 100U);
}

TEST_F(Lockstep, notices_a_latency_that_is_a_cycle_longer) {
  const auto difference = run(twins_->late, 10'000);
  ASSERT_TRUE(difference);
  EXPECT_EQ(difference->port, "valid_o") << difference->text();
  EXPECT_EQ(difference->want, 1);
  EXPECT_LT(difference->cycle, 100U);
}

TEST_F(Lockstep, notices_an_interval_that_is_a_cycle_longer) {
  const auto difference = run(twins_->slow, 10'000);
  ASSERT_TRUE(difference);
  EXPECT_EQ(difference->port, "ready_o") << difference->text();
  EXPECT_LT(difference->cycle, 100U);
}

/// Bit 3 of [4][5], from one cycle on.
class DamagedCore final : public sim::Core {
 public:
  explicit DamagedCore(sim::Core& core) : core_(core) {}
  const sim::CoreOutputs& settle(const sim::CoreInputs& in) override {
    out_ = core_.settle(in);
    if (++cycles_ > 5000) out_.d_o.at[4 * sim::kMmaCols + 5] ^= 1 << 3;
    return out_;
  }
  void edge() override { core_.edge(); }

 private:
  sim::Core& core_;
  sim::CoreOutputs out_;
  int cycles_ = 0;
};

TEST_F(Lockstep, names_cycle_port_and_element_of_one_wrong_bit) {
  DamagedCore damaged(twins_->damaged);
  const auto difference = run(damaged, 10'000);
  ASSERT_TRUE(difference);
  EXPECT_THAT(difference->text(), testing::StartsWith("cycle 5000, d_o [4][5]: want "));
  EXPECT_EQ(difference->want ^ 1 << 3, difference->got);
}

}  // namespace
}  // namespace obz::test
