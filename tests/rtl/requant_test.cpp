// obz_requant is the reference, output by output: under every integer profile, and exhaustively where words are short.
#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "golden/cases/requant_case.hpp"
#include "golden/complete/complete.hpp"
#include "ref/arith/apply.hpp"
#include "ref/base/error.hpp"
#include "rtl/harness/rtl_engine.hpp"
#include "tests/support/run_obz.hpp"

namespace obz {
namespace {

using testing::HasSubstr;

class RtlRequant : public testing::Test {
 protected:
  void SetUp() override {
    try {
      rtl_ = rtl::make_rtl_engine();
    } catch (const MissingTool& e) {
      GTEST_SKIP() << "skipped: " << e.what();
    }
  }
  void expect_equal(const Profile& profile, const std::vector<RequantCase>& cases) {
    const RequantJob job{.profile = &profile, .recipe = profile.recipe, .cases = cases};
    ASSERT_TRUE(rtl_->supports(job).yes) << profile.id << ": " << rtl_->supports(job).why;
    const std::vector<std::int64_t> got = rtl_->run(job);
    for (std::size_t i = 0; i < cases.size(); ++i) {
      ASSERT_EQ(got[i], apply_recipe(cases[i].acc, profile.recipe, cases[i].channel))
          << profile.id << ", acc " << cases[i].acc << ", multiplier " << cases[i].channel.multiplier << ", shift "
          << cases[i].channel.shift;
    }
  }
  std::unique_ptr<Engine> rtl_;
};

bool on_the_ports(const Profile& p) { return p.recipe.arithmetic == Arithmetic::dyadic; }

TEST_F(RtlRequant, equals_the_reference_on_corners_and_random_cases_of_every_integer_profile) {
  int profiles = 0;
  for (const Profile& profile : profile_catalogue()) {
    if (!on_the_ports(profile)) continue;
    ++profiles;
    for (const Goal goal : {Goal::corners, Goal::random}) {
      const RequantSpace space{.profile = &profile, .out = kInt8, .goal = goal, .seed = 61};
      std::vector<RequantCase> cases;
      for (std::uint64_t i = 0; i < 20000; ++i) cases.push_back(make_requant_case(space, i));
      expect_equal(profile, cases);
      ASSERT_FALSE(HasFailure());
    }
  }
  EXPECT_GT(profiles, 25);
}

TEST_F(RtlRequant, equals_the_reference_on_complete_sets) {
  std::size_t cases = 0;
  for (const Profile& profile : profile_catalogue()) {
    if (!on_the_ports(profile)) continue;
    std::vector<Channel> channels;
    Certificate certificate;
    const RequantSpace space{.profile = &profile, .out = kInt8, .goal = Goal::random, .seed = 62};
    for (std::uint64_t i = 0; i < 12; ++i) channels.push_back(draw_channel(space, i));
    const std::vector<RequantCase> set = complete_cases(profile, channels, {-(1 << 20), 1 << 20}, certificate);
    cases += set.size();
    expect_equal(profile, set);
    ASSERT_FALSE(HasFailure());
  }
  EXPECT_GT(cases, 20000U);
}

TEST_F(RtlRequant, equals_the_reference_on_every_short_word) {
  for (const Rounding rounding :
       {Rounding::floor, Rounding::trunc, Rounding::half_up, Rounding::half_away, Rounding::half_even}) {
    for (const std::uint8_t first_bits : std::initializer_list<std::uint8_t>{0, 3}) {
      for (const Overflow overflow : {Overflow::exact, Overflow::wrap, Overflow::saturate}) {
        Profile profile = find_profile("hawq-v3/exact");
        profile.recipe = {.rounding = rounding,
                          .first_bits = first_bits,
                          .first_rounding = Rounding::half_up,
                          .scaled_bits = 5,
                          .scaled_overflow = overflow};
        std::vector<RequantCase> cases;
        for (int acc = -128; acc < 128; ++acc) {
          for (int multiplier = -8; multiplier < 8; ++multiplier) {
            for (int shift = 0; shift < 9; ++shift) {
              cases.push_back(
                  {acc, {.multiplier = multiplier, .shift = shift, .zero_point = acc & 3, .lo = -8, .hi = 7}});
            }
          }
        }
        expect_equal(profile, cases);
        ASSERT_FALSE(HasFailure());
      }
    }
  }
}

TEST_F(RtlRequant, refuses_what_its_ports_cannot_carry) {
  const Profile& floating = find_profile("onnx/mlas");
  const std::vector<RequantCase> one{{1, {}}};
  const RequantJob job{.profile = &floating, .recipe = floating.recipe, .cases = one};
  EXPECT_THAT(rtl_->supports(job).why, HasSubstr("scales in float"));
  const Profile& exact = find_profile("hawq-v3/exact");
  const std::vector<RequantCase> wide{{1, {.multiplier = std::int64_t{1} << 33}}};
  const RequantJob too_wide{.profile = &exact, .recipe = exact.recipe, .cases = wide};
  EXPECT_THAT(rtl_->supports(too_wide).why, HasSubstr("34 bits"));
}

TEST_F(RtlRequant, is_an_engine_of_check) {
  const test::TempDir dir;
  const std::string set = (dir / "set").string();
  ASSERT_EQ(test::shell("obz gen requant --profile tflite/single --goal corners -n 500 -o " + set).exit_code, 0);
  const auto same = test::shell("obz check " + set + " --engines ref,rtl");
  EXPECT_EQ(same.exit_code, 0) << same.err << same.out;
  EXPECT_THAT(same.out, HasSubstr("0 differ"));
}

TEST_F(RtlRequant, requantizes_the_layers_of_a_network) {
  const test::TempDir dir;
  const std::string net = (dir / "n.obz").string(), x = (dir / "x.npy").string();
  ASSERT_EQ(test::shell("obz zoo resnet20-cifar --bits w4a4 -o " + net + " --image " + x).exit_code, 0);
  const auto same = test::shell("obz check " + net + " --engines ref,rtl -i " + x);
  EXPECT_EQ(same.exit_code, 0) << same.err << same.out;
  EXPECT_THAT(same.out, HasSubstr(" 0 differ"));
  EXPECT_THAT(same.out, testing::Not(HasSubstr("scales in float")));
}

TEST(RtlSources, are_clean_under_lint) {
  if (std::system("verilator --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "skipped: no verilator";
  const std::string rtl = OBZ_SOURCE_DIR "/rtl/";
  const auto r = test::shell("verilator --lint-only -Wall --top-module obz_requant " + rtl + "obz_pkg.sv " + rtl +
                             "obz_round_shift.sv " + rtl + "obz_narrow.sv " + rtl + "obz_requant_operand.sv " + rtl +
                             "obz_requant_scale.sv " + rtl + "obz_requant.sv");
  EXPECT_EQ(r.exit_code, 0) << r.err;
}

}  // namespace
}  // namespace obz
