// The independent oracle judges every profile of the catalogue: derivation of (multiplier, shift) from real scales, and
// requantization itself, on corner cases and on millions of random ones. Tolerance: none.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <mutex>
#include <string>

#include <gtest/gtest.h>
#include <tbb/parallel_for.h>

#include "golden/cases/requant_case.hpp"
#include "ref/arith/apply.hpp"
#include "ref/base/error.hpp"
#include "ref/base/philox.hpp"
#include "tests/oracle/oracle.hpp"

namespace obz {
namespace {

oracle::Params params_of(const Channel& c) {
  return {.multiplier = c.multiplier,
          .shift = c.shift,
          .addend = c.addend,
          .scale = c.scale,
          .zero_point = c.zero_point,
          .lo = c.lo,
          .hi = c.hi};
}

std::string text_of(const RequantCase& c) {
  const Channel& ch = c.channel;
  return "acc " + std::to_string(c.acc) + " mult " + std::to_string(ch.multiplier) + " shift " +
         std::to_string(ch.shift) + " addend " + std::to_string(ch.addend) + " scale " + std::to_string(ch.scale) +
         " zp " + std::to_string(ch.zero_point) + " clamp [" + std::to_string(ch.lo) + ", " + std::to_string(ch.hi) +
         "]";
}

/// Collects the first disagreement of many threads.
class Verdicts {
 public:
  void disagree(const std::string& text) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (first_.empty()) first_ = text;
  }
  const std::string& first() const { return first_; }
  std::atomic<std::int64_t> judged = 0, outside = 0;

 private:
  std::mutex mutex_;
  std::string first_;
};

class OracleJudges : public testing::TestWithParam<std::string> {};

std::vector<std::string> catalogue_ids() {
  std::vector<std::string> ids;
  for (const Profile& p : profile_catalogue()) ids.emplace_back(p.id);
  return ids;
}

TEST_P(OracleJudges, requantization) {
  const Profile& p = find_profile(GetParam());
  const auto known = oracle::profiles();
  ASSERT_NE(std::find(known.begin(), known.end(), GetParam()), known.end())
      << "the oracle has no judge for this profile";
  Verdicts verdicts;
  constexpr std::int64_t per_goal_and_type = 20000;
  for (const IntType out : {kInt8, kUInt8, kInt16}) {
    for (const Goal goal : {Goal::corners, Goal::random}) {
      const RequantSpace space{.profile = &p, .out = out, .goal = goal, .seed = 77};
      tbb::parallel_for(std::int64_t{0}, per_goal_and_type, [&](std::int64_t i) {
        const RequantCase c = make_requant_case(space, static_cast<std::uint64_t>(i));
        const oracle::Params q = params_of(c.channel);
        if (!oracle::in_domain(GetParam(), c.acc, q)) {
          ++verdicts.outside;
          return;
        }
        const std::int64_t got = apply_recipe(c.acc, p.recipe, c.channel);
        const std::int64_t want = oracle::requantize(GetParam(), c.acc, q);
        if (got != want)
          verdicts.disagree(text_of(c) + ": oracle " + std::to_string(want) + ", ref " + std::to_string(got));
        ++verdicts.judged;
      });
    }
  }
  EXPECT_EQ(verdicts.first(), "");
  EXPECT_GT(verdicts.judged, 6 * per_goal_and_type * 9 / 10)
      << verdicts.outside << " cases were outside the oracle's domain";
}

/// Scales of layers, and the corners: powers of two, mantissas that round up, ends of every shift range.
void draw_scales(CaseRandom& rng, std::uint64_t i, float& x, float& w, float& y) {
  const auto mantissa = [&] { return std::ldexp(static_cast<float>(rng.between(1 << 23, (1 << 24) - 1)), -24); };
  x = std::ldexp(mantissa(), static_cast<int>(rng.between(-10, 2)));
  w = std::ldexp(mantissa(), static_cast<int>(rng.between(-16, 0)));
  y = std::ldexp(mantissa(), static_cast<int>(rng.between(-8, 4)));
  switch (i % 6) {
    case 1: x = std::ldexp(1.0F, static_cast<int>(rng.between(-40, 20))), w = y = 1; break;
    case 2:
      x = std::ldexp(std::nextafter(1.0F, 0.0F), static_cast<int>(rng.between(-40, 20))), w = 1,
      y = std::nextafter(1.0F, 2.0F);
      break;
    case 3:
      x = std::ldexp(mantissa(), static_cast<int>(rng.between(-36, -24))),
      w = std::ldexp(mantissa(), static_cast<int>(rng.between(-36, 0)));
      break;
    case 4: x = std::ldexp(mantissa(), static_cast<int>(rng.between(0, 12))), y = std::ldexp(mantissa(), -6); break;
    case 5: x = y, w = std::ldexp(1.0F - std::ldexp(1.0F, -24), static_cast<int>(rng.between(-20, 0))); break;
    default: break;
  }
}

TEST_P(OracleJudges, derivation_of_multiplier_and_shift) {
  const Profile& p = find_profile(GetParam());
  Verdicts verdicts;
  constexpr std::int64_t count = 30000;
  tbb::parallel_for(std::int64_t{0}, count, [&](std::int64_t i) {
    CaseRandom rng(5, static_cast<std::uint64_t>(i));
    float x = 0, w = 0, y = 0;
    draw_scales(rng, static_cast<std::uint64_t>(i), x, w, y);
    for (const bool per_channel : {true, false}) {
      ScaleRule rule = p.scale;
      if (!per_channel) rule.precision = p.per_tensor_precision;
      const oracle::Encoding want = oracle::encode(GetParam(), x, w, y, per_channel);
      const std::string scales = "Sx " + std::to_string(x) + " Sw " + std::to_string(w) + " Sy " + std::to_string(y);
      try {
        const Channel got = encode_scale(rule, form_scale(rule, x, w, y));
        const bool equal =
            want.is_float ? got.scale == want.scale : got.multiplier == want.multiplier && got.shift == want.shift;
        if (want.refused || !equal) {
          verdicts.disagree(
              scales + ": oracle " +
              (want.refused ? "refuses" : std::to_string(want.multiplier) + " >> " + std::to_string(want.shift)) +
              ", ref " + std::to_string(got.multiplier) + " >> " + std::to_string(got.shift));
        }
      } catch (const Error&) {
        if (!want.refused)
          verdicts.disagree(scales + ": ref refuses, oracle " + std::to_string(want.multiplier) + " >> " +
                            std::to_string(want.shift));
      }
      ++verdicts.judged;
    }
  });
  EXPECT_EQ(verdicts.first(), "");
}

INSTANTIATE_TEST_SUITE_P(Profiles, OracleJudges, testing::ValuesIn(catalogue_ids()), [](const auto& profile) {
  std::string name = profile.param;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
  return name;
});

TEST(OracleJudges, knows_every_profile_of_the_catalogue_and_no_other) {
  std::vector<std::string> ids = catalogue_ids();
  EXPECT_EQ(oracle::profiles(), ids);
}

}  // namespace
}  // namespace obz
