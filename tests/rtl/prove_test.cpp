// The proofs succeed for every integer recipe, planted bugs are refuted, and a certificate runs again by itself.
#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "ref/arith/requantize.hpp"
#include "rtl/proof/replay.hpp"
#include "rtl/proof/unit_proofs.hpp"
#include "tests/support/run_obz.hpp"

namespace obz {
namespace {

using testing::HasSubstr;

class Formal : public testing::Test {
 protected:
  void SetUp() override {
    if (!rtl::yosys_version()) GTEST_SKIP() << "skipped: no yosys";
  }
};

TEST_F(Formal, every_integer_recipe_is_proved_and_no_proof_is_missing) {
  const auto r = test::shell("obz prove requant --json");
  ASSERT_EQ(r.exit_code, 0) << r.err << r.out;
  const auto json = nlohmann::json::parse(r.out);
  EXPECT_GT(json.size(), 2 * 15U);
  for (const auto& certificate : json) EXPECT_EQ(certificate["result"], "proved") << certificate["name"];
}

TEST_F(Formal, planted_bugs_are_refuted) {
  const auto r = test::shell("obz prove requant --mutants");
  EXPECT_EQ(r.exit_code, 0) << r.out;
  const std::string all = std::to_string(rtl::requant_mutants().size());
  EXPECT_THAT(r.out, HasSubstr(all + " of " + all + " changes refuted"));
}

/// Changes of a unit that its proofs must notice.
void expect_refuted(const rtl::ProofUnit& unit, const std::vector<std::string>& names) {
  const test::TempDir dir;
  std::size_t seen = 0;
  for (const rtl::RtlMutant& m : unit.mutants()) {
    if (std::find(names.begin(), names.end(), m.name) == names.end()) continue;
    ++seen;
    for (const rtl::Proof& proof : unit.noticing(m.noticed_by)) {
      const rtl::ProofResult r = rtl::run_proof(proof, dir / "proof", &m);
      EXPECT_NE(r.outcome, rtl::Outcome::proved) << m.name;
      EXPECT_FALSE(r.counterexample.empty()) << m.name;
    }
  }
  EXPECT_EQ(seen, names.size());
}

/// Short of `obz prove add` and its mutants, which take a minute.
TEST_F(Formal, a_residual_sum_is_the_add_that_its_profile_fills) {
  const auto r = test::shell("obz prove add -p hawq-v3/exact");
  EXPECT_EQ(r.exit_code, 0) << r.err << r.out;
  EXPECT_THAT(r.out, HasSubstr("1 proofs"));
  EXPECT_THAT(r.out, HasSubstr("assumed: the three products"));
  expect_refuted(rtl::find_proof_unit("add"), {"the zero point is added", "always the sum", "the shift has five bits"});
}

TEST_F(Formal, averages_divide_and_every_planted_bug_is_refuted) {
  const test::TempDir dir;
  for (const int count : {7, 49, 64}) {
    for (const rtl::Proof& proof : rtl::average_proofs(count)) {
      EXPECT_EQ(rtl::run_proof(proof, dir / "proof").outcome, rtl::Outcome::proved) << count;
    }
  }
  EXPECT_EQ(test::shell("obz prove average --mutants").exit_code, 0);
}

TEST_F(Formal, registers_of_every_width_are_proved_and_every_planted_bug_is_refuted) {
  EXPECT_EQ(test::shell("obz prove narrow").exit_code, 0);
  EXPECT_EQ(test::shell("obz prove narrow --mutants").exit_code, 0);
}

TEST_F(Formal, the_tensor_core_keeps_its_promise_and_planted_bugs_are_refuted) {
  const auto r = test::shell("obz prove core");
  EXPECT_EQ(r.exit_code, 0) << r.err << r.out;
  EXPECT_THAT(r.out, HasSubstr("assumed: the multiplier array is some function"));
  expect_refuted(rtl::find_proof_unit("core"), {"stalls add products again", "takes a column's sign for a row's"});
}

TEST_F(Formal, products_of_lanes_and_their_sum_are_proved_and_planted_bugs_are_refuted) {
  const test::TempDir dir;
  // All of them: obz prove dot.
  for (const char* name :
       {"4 x 4 groups", "8 x 8 groups", "2 x 4 groups", "16 x 16 groups", "array sum", "array phases"}) {
    const std::vector<rtl::Proof> proofs = rtl::dot_proofs(name);
    ASSERT_EQ(proofs.size(), 1U) << name;
    EXPECT_EQ(rtl::run_proof(proofs[0], dir / "proof").outcome, rtl::Outcome::proved) << name;
  }
  EXPECT_EQ(rtl::dot_proofs().size(), 26U);
  expect_refuted(rtl::find_proof_unit("dot"), {"nibbles weigh as in a byte", "widened crumbs lose the sign",
                                               "16-bit lanes at twice the pace", "bits are multiplied"});
}

TEST_F(Formal, a_counterexample_is_one_for_verilator_too) {
  if (std::system("verilator --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "skipped: no verilator";
  const test::TempDir dir;
  const rtl::Proof proof = rtl::narrow_proofs().at(0);
  const rtl::ProofResult refuted = rtl::run_proof(proof, dir / "changed", &rtl::narrow_mutants().at(0));
  EXPECT_EQ(rtl::replay(proof, dir / "changed", refuted), true);
  const rtl::ProofResult proved = rtl::run_proof(proof, dir / "unchanged");
  EXPECT_EQ(rtl::replay(proof, dir / "unchanged", proved), std::nullopt);
  EXPECT_EQ(rtl::replay(proof, dir / "unchanged", refuted), false);
}

TEST_F(Formal, a_counterexample_shows_the_bug) {
  const test::TempDir dir;
  for (const rtl::RtlMutant& m : rtl::requant_mutants()) {
    if (m.name != "half-even rounds ties up") continue;
    const Profile& profile = find_profile(m.noticed_by);
    const rtl::ProofResult r = rtl::run_proof(rtl::requant_proofs(profile)[1], dir / "proof", &m);
    ASSERT_EQ(r.outcome, rtl::Outcome::refuted);
    long long product = 0, shift = 0, zero_point = 0;
    ASSERT_EQ(std::sscanf(r.counterexample.c_str(), "product_i = %lld, shift_i = %lld, zero_point_i = %lld", &product,
                          &shift, &zero_point),
              3)
        << r.counterexample;
    // The product of acc = product and 1: a tie whose quotient is even, which the bug rounds up.
    const Channel c{
        .multiplier = 1, .shift = static_cast<int>(shift), .zero_point = static_cast<std::int32_t>(zero_point)};
    Recipe up = profile.recipe;
    up.rounding = Rounding::half_up;
    EXPECT_NE(requantize(product, profile.recipe, c), requantize(product, up, c));
    return;
  }
  FAIL() << "the mutant is gone";
}

TEST_F(Formal, a_certificate_runs_again) {
  const test::TempDir dir;
  const std::string out = (dir / "certs").string();
  ASSERT_EQ(test::shell("obz prove requant -p hawq-v3/exact -o " + out).exit_code, 0);
  const auto json = nlohmann::json::parse(test::slurp(dir / "certs" / "hawq-v3_exact_scale" / "certificate.json"));
  EXPECT_EQ(json["result"], "proved");
  const auto again = test::shell("cd " + out + "/hawq-v3_exact_scale && yosys prove.ys");
  EXPECT_THAT(again.out, HasSubstr("no model found: SUCCESS"));
}

TEST(Prove, refuses_what_it_cannot_prove) {
  EXPECT_THAT(test::shell("obz prove conv2d").err, HasSubstr("expected requant"));
  EXPECT_THAT(test::shell("obz prove average -p tflite/double").err, HasSubstr("--profile means nothing here"));
  const auto r = test::shell("obz prove requant -p onnx/mlas");
  EXPECT_EQ(r.exit_code, 2);
  EXPECT_THAT(r.err, HasSubstr("expected integer arithmetic"));
}

}  // namespace
}  // namespace obz
