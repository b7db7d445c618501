// Claims: a hidden device of the theory space is identified from few questions, and never lost from passive data.
#include "golden/explain/explain.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "golden/explain/theory.hpp"
#include "ref/arith/apply.hpp"
#include "ref/base/philox.hpp"

namespace obz {
namespace {

const Profile& hawq() { return find_profile("hawq-v3/exact"); }
const Profile& tflite() { return find_profile("tflite/double"); }

std::vector<RequantCase> some_cases(const Profile& p, Goal goal, std::uint64_t count, std::uint64_t seed) {
  std::vector<RequantCase> cases;
  for (std::uint64_t i = 0; i < count; ++i) cases.push_back(make_requant_case({&p, kInt8, goal, seed}, i));
  return cases;
}

std::vector<std::int64_t> answers(const Theory& t, const std::vector<RequantCase>& cases) {
  std::vector<std::int64_t> out;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    out.push_back(predict(t, cases[i].acc, cases[i].channel, cases[i == 0 ? 0 : i - 1].channel, kInt8));
  }
  return out;
}

std::vector<Observation> observe(const Theory& t, const std::vector<RequantCase>& cases) {
  std::vector<Observation> all;
  const std::vector<std::int64_t> got = answers(t, cases);
  for (std::size_t i = 0; i < cases.size(); ++i) all.push_back({cases[i], got[i]});
  return all;
}

TEST(Theories, that_are_profiles_compute_what_the_profiles_compute) {
  int judged = 0;
  for (const Profile& p : profile_catalogue()) {
    const auto t = theory_of(p);
    const bool narrow =
        p.recipe.product_bits < 64 || p.recipe.scaled_bits < 32 || p.recipe.arithmetic == Arithmetic::float64_dyadic;
    if (!t || narrow || p.has_addend || p.acc_bits > 32) continue;
    ++judged;
    for (const RequantCase& c : some_cases(p, Goal::corners, 3000, 5)) {
      if (!p.uses_multiplier()) continue;
      ASSERT_EQ(predict(*t, c.acc, c.channel, c.channel, kInt8), apply_recipe(c.acc, p.recipe, c.channel)) << p.id;
    }
  }
  EXPECT_GT(judged, 20);
}

TEST(Theories, begin_with_the_reference_and_are_all_different_points) {
  const Theory reference = *theory_of(tflite());
  const std::vector<Theory> all = theory_space(reference);
  EXPECT_EQ(all.size(), 5U * (3 * 5 + 1) * 5 * 4 * 7 * 3);
  EXPECT_EQ(all.front(), reference);
  EXPECT_EQ(departures(all[1], reference), 1);
}

TEST(Explain, identifies_300_hidden_devices_with_at_most_64_questions_each) {
  const std::vector<Theory> space = theory_space(*theory_of(tflite()));
  std::vector<RequantCase> pool = some_cases(tflite(), Goal::corners, 4000, 99);
  const std::vector<RequantCase> random = some_cases(tflite(), Goal::random, 4000, 98);
  pool.insert(pool.end(), random.begin(), random.end());
  std::size_t most = 0;
  for (std::uint64_t i = 0; i < 300; ++i) {
    CaseRandom rng(11, i);
    const Theory hidden = space[static_cast<std::size_t>(rng.between(0, static_cast<std::int64_t>(space.size()) - 1))];
    const Identification id =
        identify([&](const std::vector<RequantCase>& asked) { return answers(hidden, asked); }, tflite(), kInt8, 64, i);
    most = std::max(most, id.queries.size());
    ASSERT_NE(std::find(id.alive.begin(), id.alive.end(), hidden), id.alive.end()) << describe(hidden);
    // What is left besides the hidden device must be the same function: on 8,000 cases of other seeds.
    const std::vector<std::int64_t> want = answers(hidden, pool);
    for (const Theory& t : id.alive) {
      if (t == hidden) continue;
      const std::vector<std::int64_t> got = answers(t, pool);
      const auto differ = std::mismatch(got.begin(), got.end(), want.begin()).first - got.begin();
      EXPECT_EQ(differ, static_cast<std::ptrdiff_t>(got.size())) << describe(t) << " against " << describe(hidden);
    }
  }
  EXPECT_LE(most, 64U);
  RecordProperty("most_questions", static_cast<int>(most));
}

TEST(Explain, never_loses_the_true_theory_on_passive_data) {
  const std::vector<Theory> space = theory_space(*theory_of(tflite()));
  const std::vector<RequantCase> cases = some_cases(tflite(), Goal::random, 10000, 3);
  for (std::uint64_t i = 0; i < 16; ++i) {
    CaseRandom rng(12, i);
    const Theory hidden = space[static_cast<std::size_t>(rng.between(0, static_cast<std::int64_t>(space.size()) - 1))];
    const Explanation e = explain(observe(hidden, cases), *theory_of(tflite()), kInt8);
    EXPECT_EQ(e.explained, e.observed);
    EXPECT_NE(std::find(e.best.begin(), e.best.end(), hidden), e.best.end()) << describe(hidden);
  }
}

TEST(Explain, names_a_planted_rounding_bug_through_noise) {
  Theory bug = *theory_of(hawq());
  bug.rounding = Rounding::half_up;
  std::vector<Observation> seen = observe(bug, some_cases(hawq(), Goal::corners, 4000, 1));
  for (std::size_t i = 0; i < seen.size(); i += 50) seen[i].got = 0;  // rows that say nothing
  const Explanation e = explain(seen, *theory_of(hawq()), kInt8);
  ASSERT_EQ(e.best.size(), 1U);
  EXPECT_EQ(e.best[0], bug);
  EXPECT_LT(e.explained, e.observed);
  EXPECT_GT(e.explained, e.observed * 97 / 100);
  EXPECT_GT(e.reference_wrong, e.observed - e.explained);
}

TEST(Explain, asks_for_ties_when_random_data_leaves_rounding_open) {
  const Theory reference = *theory_of(hawq());
  const Explanation e = explain(observe(reference, some_cases(hawq(), Goal::random, 3000, 2)), reference, kInt8);
  std::vector<Rounding> open;
  for (const Theory& t : e.best) open.push_back(t.rounding);
  EXPECT_NE(std::count(open.begin(), open.end(), Rounding::half_up), 0)
      << "31-bit multipliers hide ties from random data";
  const std::vector<RequantCase> next = next_cases(e.best, hawq(), kInt8, 8, 1);
  ASSERT_FALSE(next.empty());
  std::vector<Theory> left = e.best;
  const std::vector<std::int64_t> want = answers(reference, next);
  std::erase_if(left, [&](const Theory& t) { return answers(t, next) != want; });
  EXPECT_LT(left.size(), e.best.size());
  EXPECT_TRUE(std::all_of(left.begin(), left.end(), [](const Theory& t) { return t.rounding == Rounding::half_even; }));
}

}  // namespace
}  // namespace obz
