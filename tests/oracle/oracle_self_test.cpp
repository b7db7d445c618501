// One file, as each claim is a line of the catalogue and they are read along it.
// Claims about the oracle itself: hand-worked values, every number of the catalogue that a few seconds can
// reproduce, and its float rounding against the float unit of the machine.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/oracle/oracle.hpp"

namespace oracle {
namespace {

using Strings = std::vector<std::string>;

constexpr long long kMin32 = -2147483648LL, kMax32 = 2147483647LL;
constexpr long long kHalf = 1LL << 30;  // a 31-bit mantissa of one half

Params wide(long long multiplier, int shift, int zero_point = 0) {
  return {.multiplier = multiplier, .shift = shift, .zero_point = zero_point, .lo = kMin32, .hi = kMax32};
}

Params real(double scale, int zero_point = 0) {
  return {.scale = scale, .zero_point = zero_point, .lo = -1000000, .hi = 1000000};
}

struct Random {
  std::mt19937_64 engine{20240607};
  long long in(long long lo, long long hi) {
    return lo + static_cast<long long>(engine() % static_cast<std::uint64_t>(hi - lo + 1));
  }
};

// encode() of one real scale, given as input * weight / output.
Encoding scale_of(const std::string& profile, float a, float w = 1, float y = 1, bool per_channel = true) {
  return encode(profile, a, w, y, per_channel);
}

void expect_stored(const Encoding& e, long long multiplier, int shift, const std::string& what) {
  EXPECT_FALSE(e.refused) << what;
  EXPECT_FALSE(e.is_float) << what;
  EXPECT_EQ(e.multiplier, multiplier) << what;
  EXPECT_EQ(e.shift, shift) << what;
}

void expect_refused(const Encoding& e, const std::string& what) { EXPECT_TRUE(e.refused) << what; }

float power(int exponent) { return std::ldexp(1.0f, exponent); }

// ---- profiles ----

TEST(OracleProfiles, AreSortedUniqueAndComplete) {
  const Strings ids = profiles();
  EXPECT_EQ(ids.size(), 41u);
  EXPECT_TRUE(std::is_sorted(ids.begin(), ids.end()));
  EXPECT_EQ(std::adjacent_find(ids.begin(), ids.end()), ids.end());
  for (const std::string& id : ids) EXPECT_NE(requantizer(id), nullptr) << id;
}

TEST(OracleProfiles, AnUnknownIdThrows) {
  EXPECT_THROW(requantize("tflite/triple", 0, {}), std::invalid_argument);
  EXPECT_THROW(in_domain("", 0, {}), std::invalid_argument);
  EXPECT_THROW(encode("zzz", 1, 1, 1, false), std::invalid_argument);
}

// ---- rounding: the table at the top of the catalogue ----

// The profiles that take m = 1, s = 1, applied to -5, -3, -1, 1, 3, 5.
void expect_halves(const Strings& ids, const std::vector<long long>& expected) {
  const long long numerators[] = {-5, -3, -1, 1, 3, 5};
  for (const std::string& id : ids) {
    for (std::size_t i = 0; i < 6; ++i) {
      EXPECT_EQ(requantize(id, numerators[i], wide(1, 1)), expected[i]) << id << " " << numerators[i] << "/2";
    }
  }
}

TEST(OracleRounding, HalfUp) {
  expect_halves({"tflite/single", "cmsis-nn/single", "tflite/int16", "cmsis-nn/int16", "fbgemm/fixed",
                 "tosa-1.0/single", "tosa-1.0/double", "tosa-1.0/scale16", "tvm/upward", "hawq-v3/tvm-upward",
                 "vela/natural", "vela/tfl", "xnnpack/rndnu"},
                {-2, -1, 0, 1, 2, 3});
}

TEST(OracleRounding, HalfAway) {
  expect_halves({"tvm/tonearest", "hawq-v3/tvm", "nvdla/sdp", "gemmlowp/legacy", "qnnpack/precise"},
                {-3, -2, -1, 1, 2, 3});
}

TEST(OracleRounding, HalfEven) {
  expect_halves({"hawq-v3/exact", "hawq-v3/torch", "i-bert/torch", "i-vit/torch", "hmq/strict", "gemmini/shift"},
                {-2, -2, 0, 0, 2, 2});
}

TEST(OracleRounding, HalfEvenInFloat) {
  const long long numerators[] = {-5, -3, -1, 1, 3, 5}, expected[] = {-2, -2, 0, 0, 2, 2};
  for (const char* id :
       {"onnx/mlas", "onnx/reference", "xnnpack/fp32", "qnnpack/fp32", "fbgemm/fp32", "cutlass/fp32", "gemmini/fp32"}) {
    for (int i = 0; i < 6; ++i) EXPECT_EQ(requantize(id, numerators[i], real(0.5)), expected[i]) << id;
  }
}

TEST(OracleRounding, Floor) {
  expect_halves({"pulp-nn/floor", "pulp-nn/floor32", "nemo/floor", "hawq-v3/tvm-truncate"}, {-3, -2, -1, 0, 1, 2});
}

TEST(OracleRounding, TowardZero) { expect_halves({"vela/truncate"}, {-2, -1, 0, 0, 1, 2}); }

// ---- catalogue 1.4 (1): SRDHM is half-up ----

TEST(OracleDoubleRounding, FirstStageIsHalfUp) {
  for (const char* id : {"tflite/double", "cmsis-nn/double", "gemmlowp/fixedpoint", "gemmlowp/exponent", "qnnpack/q31",
                         "tosa-1.0/double", "vela/tfl"}) {
    EXPECT_EQ(requantize(id, -3, wide(kHalf, 31)), -1) << id;  // -1.5
    EXPECT_EQ(requantize(id, -1, wide(kHalf, 31)), 0) << id;   // -0.5
    EXPECT_EQ(requantize(id, 1, wide(kHalf, 31)), 1) << id;
  }
}

TEST(OracleDoubleRounding, FirstStageEqualsPlainNudgeAndShift) {
  Random random;
  for (int i = 0; i < 200000; ++i) {
    const long long x = random.in(kMin32, kMax32), m = random.in(0, kMax32);
    const long long plain = (x * m + (1LL << 30)) >> 31;
    ASSERT_EQ(requantize("gemmlowp/fixedpoint", x, wide(m, 31)), plain) << x << " " << m;
  }
}

// x / 4 in two steps: x / 2 half-up, then half of that half-away.
TEST(OracleDoubleRounding, SecondStageIsHalfAway) {
  const long long x[] = {-7, -5, -3, -2, -1, 1, 2, 3, 5, 7};
  const long long twice[] = {-2, -1, -1, -1, 0, 1, 1, 1, 2, 2};  // -3,-2,-1,-1,0,1,1,2,3,4 over 2
  const long long once[] = {-2, -1, -1, 0, 0, 0, 1, 1, 1, 2};    // half-up of x / 4
  for (int i = 0; i < 10; ++i) {
    for (const char* id : {"tflite/double", "cmsis-nn/double", "gemmlowp/fixedpoint", "gemmlowp/exponent",
                           "qnnpack/q31", "tosa-1.0/double", "vela/tfl"}) {
      EXPECT_EQ(requantize(id, x[i], wide(kHalf, 32)), twice[i]) << id << " " << x[i];
    }
    for (const char* id : {"tflite/single", "cmsis-nn/single", "tosa-1.0/single", "tvm/upward"}) {
      EXPECT_EQ(requantize(id, x[i], wide(kHalf, 32)), once[i]) << id << " " << x[i];
    }
  }
}

// Catalogue 1.3: TFLite double = TOSA DOUBLE_ROUND = QNNPACK q31, with s = 31 - shift.
TEST(OracleDoubleRounding, TfliteDoubleIsTosaDouble) {
  Random random;
  int compared = 0;
  for (int i = 0; i < 100000; ++i) {
    const Params p = wide(random.in(kHalf, kMax32), static_cast<int>(random.in(2, 62)));
    const long long limit = std::min(kMax32, (1LL << (p.shift - 1)) - 1);
    const long long x = random.in(-limit - 1, limit);
    if (!in_domain("tosa-1.0/double", x, p) || !in_domain("tflite/double", x, p)) continue;
    ++compared;
    ASSERT_EQ(requantize("tosa-1.0/double", x, p), requantize("tflite/double", x, p)) << x << " " << p.shift;
    if (!in_domain("qnnpack/q31", x, p)) continue;
    ASSERT_EQ(requantize("qnnpack/q31", x, p), requantize("tflite/double", x, p)) << x << " " << p.shift;
  }
  EXPECT_GT(compared, 90000);
}

// ---- HAWQ near-ties: exact integers against the float64 product ----

void expect_near_tie(long long acc, long long m, int shift, long long exact, long long torch) {
  EXPECT_EQ(requantize("hawq-v3/exact", acc, wide(m, shift)), exact);
  EXPECT_EQ(requantize("hawq-v3/torch", acc, wide(m, shift)), torch);
  EXPECT_EQ(requantize("i-bert/torch", acc, wide(m, shift)), torch);
  EXPECT_EQ(requantize("i-vit/torch", -acc, wide(-m, shift)), torch);
  EXPECT_EQ(requantize("hawq-v3/tvm-upward", acc, wide(m, shift)), exact);
}

TEST(OracleHawq, Float64ProductIsWrongOnNearTies) {
  expect_near_tie(22628097, 1498921217, 48, 121, 120);   // catalogue 1.3
  expect_near_tie(4527887, 2050951185, 42, 2111, 2112);  // catalogue 1.3, 16-bit residual
  expect_near_tie(941079352, 1311245747, 54, 69, 68);    // switch list 2 and H.0
  expect_near_tie(1215171227, 1134080083, 54, 77, 76);   // H.0
}

TEST(OracleHawq, TorchEqualsExactWhileTheProductFits53Bits) {
  Random random;
  for (int i = 0; i < 20000; ++i) {
    const Params p = wide(random.in(kHalf, 1LL << 31), static_cast<int>(random.in(20, 62)));
    const long long acc = random.in(-(1LL << 22), 1LL << 22);
    ASSERT_EQ(requantize("hawq-v3/torch", acc, p), requantize("hawq-v3/exact", acc, p));
  }
}

TEST(OracleHawq, MultiplierOfTwoToThe31IsOne) {
  for (const char* id : {"hawq-v3/exact", "hawq-v3/torch", "vela/tfl", "vela/natural", "vela/truncate"}) {
    EXPECT_EQ(requantize(id, 77, wide(1LL << 31, 31)), 77) << id;
    EXPECT_TRUE(in_domain(id, 77, wide(1LL << 31, 31))) << id;
  }
  EXPECT_FALSE(in_domain("tflite/double", 77, wide(1LL << 31, 31)));
}

TEST(OracleHawq, TvmCastWrapsWhereExactSaturates) {
  const Params p = wide(kHalf, 28);  // times 4
  EXPECT_EQ(requantize("hawq-v3/tvm", 1LL << 30, p), 0);
  EXPECT_EQ(requantize("hawq-v3/tvm", (1LL << 29) + 5, p), kMin32 + 20);  // 2^31 + 20
  EXPECT_EQ(requantize("hawq-v3/exact", 1LL << 30, p), kMax32);
  EXPECT_EQ(requantize("tvm/upward", 1LL << 30, p), kMax32);
  EXPECT_TRUE(in_domain("hawq-v3/tvm", (1LL << 29) + 5, p));
  EXPECT_FALSE(in_domain("hawq-v3/tvm", 1LL << 30, p));  // the int64 product is 2^63
}

TEST(OracleHawq, NoZeroPoint) {
  for (const char* id : {"hawq-v3/exact", "hawq-v3/torch", "i-bert/torch", "i-vit/torch", "cutlass/fp32",
                         "gemmini/fp32", "gemmini/shift", "hmq/strict", "nemo/floor", "pulp-nn/floor"}) {
    EXPECT_TRUE(in_domain(id, 5, wide(1, 1))) << id;
    EXPECT_FALSE(in_domain(id, 5, wide(1, 1, 1))) << id;
  }
}

// ---- catalogue 1.3: rates of disagreement ----

// Share of the un-saturated int8 range on which two integer profiles differ, m random, total shift given.
double disagreement(const char* a, const char* b, int shift, int samples) {
  Random random;
  int differ = 0;
  for (int i = 0; i < samples; ++i) {
    Params p{.multiplier = random.in(kHalf, kMax32), .shift = shift};
    const auto limit = static_cast<long long>(std::ldexp(128.0, shift) / static_cast<double>(p.multiplier));
    const long long acc = random.in(-limit, limit);
    if (requantize(a, acc, p) != requantize(b, acc, p)) ++differ;
  }
  return differ / static_cast<double>(samples);
}

TEST(OracleRates, DoubleAgainstSingleHalvesWithEveryRightShift) {
  EXPECT_EQ(disagreement("tflite/double", "tflite/single", 31, 20000), 0);
  const double expected[] = {0.253, 0.126, 0.063, 0.032, 0.016};
  for (int r = 1; r <= 5; ++r) {
    const double rate = disagreement("tflite/double", "tflite/single", 31 + r, 40000);
    EXPECT_NEAR(rate, expected[r - 1], 5 * std::sqrt(expected[r - 1] / 40000)) << "right shift " << r;
  }
}

TEST(OracleRates, RandomMultipliersHideTheTieRule) {
  for (const char* id : {"hawq-v3/exact", "tvm/tonearest"}) {
    EXPECT_EQ(disagreement("tvm/upward", id, 38, 40000), 0) << id;
  }
}

TEST(OracleRates, FloorDiffersHalfOfTheTime) {
  EXPECT_NEAR(disagreement("tvm/upward", "hawq-v3/tvm-truncate", 38, 40000), 0.5, 0.0125);
}

// Exhaustive over one period, averaged over k = 5..12 as in the table.
double power_of_two_disagreement(const char* a, const char* b) {
  double sum = 0;
  for (int k = 5; k <= 12; ++k) {
    const Params p = wide(kHalf, 30 + k);
    const long long period = 1LL << (k + 1);
    int differ = 0;
    for (long long x = -period; x < period; ++x) differ += requantize(a, x, p) != requantize(b, x, p) ? 1 : 0;
    sum += differ / static_cast<double>(2 * period);
  }
  return sum / 8;
}

TEST(OracleRates, PowerOfTwoScales) {
  const double ties = (std::ldexp(1.0, -4) - std::ldexp(1.0, -12)) / 8;  // mean of 2^-k; half of it is 0.39 %
  EXPECT_DOUBLE_EQ(power_of_two_disagreement("tvm/upward", "tvm/tonearest"), ties / 2);
  EXPECT_DOUBLE_EQ(power_of_two_disagreement("tvm/upward", "hawq-v3/exact"), ties / 2);
  EXPECT_DOUBLE_EQ(power_of_two_disagreement("tvm/tonearest", "hawq-v3/exact"), ties / 2);
  for (const char* single : {"tflite/single", "tvm/tonearest", "hawq-v3/exact"}) {
    const double rate = power_of_two_disagreement("tflite/double", single);
    EXPECT_GE(rate, ties / 2) << single;  // the table samples 0.38 .. 0.77 %
    EXPECT_LE(rate, ties) << single;
  }
}

TEST(OracleRates, NemoFactorIsCoarse) {
  Random random;
  int differ = 0;
  constexpr int kSamples = 20000;
  for (int i = 0; i < kSamples; ++i) {
    const auto scale = static_cast<float>(std::exp2(-12 + 7 * static_cast<double>(random.in(0, 1 << 24)) / (1 << 24)));
    const Encoding coarse = scale_of("nemo/floor", scale), fine = scale_of("tvm/upward", scale);
    const auto limit = static_cast<long long>(128 / scale);
    const long long acc = random.in(-limit, limit);
    const Params a{.multiplier = coarse.multiplier, .shift = coarse.shift};
    const Params b{.multiplier = fine.multiplier, .shift = fine.shift};
    if (requantize("nemo/floor", acc, a) != requantize("pulp-nn/floor", acc, b)) ++differ;
  }
  EXPECT_NEAR(differ / static_cast<double>(kSamples), 0.35, 0.025);
}

// ---- systems with an order or a width of their own ----

TEST(OracleOnnx, ZeroPointBeforeRoundingFlipsTies) {
  EXPECT_EQ(requantize("onnx/mlas", 1, real(0.5, 1)), 1);       // RNE(0.5) + 1
  EXPECT_EQ(requantize("onnx/reference", 1, real(0.5, 1)), 2);  // RNE(1.5)
  EXPECT_EQ(requantize("onnx/mlas", 3, real(0.5, 1)), 3);
  EXPECT_EQ(requantize("onnx/reference", 3, real(0.5, 1)), 2);
  EXPECT_EQ(requantize("onnx/mlas", 1, real(0.5, 2)), requantize("onnx/reference", 1, real(0.5, 2)));
}

TEST(OracleFloat, AccumulatorsLoseBitsBeyond24) {
  const long long acc = 16777217;  // 2^24 + 1, a tie in float32
  for (const char* id : {"cutlass/fp32", "gemmini/fp32", "onnx/mlas", "xnnpack/fp32", "qnnpack/fp32", "fbgemm/fp32"}) {
    EXPECT_EQ(requantize(id, acc, real(std::ldexp(1.0, -25))), 0) << id;
  }
  EXPECT_EQ(requantize("onnx/reference", acc, real(std::ldexp(1.0, -25))), 1);
  EXPECT_EQ(requantize("hawq-v3/exact", acc, wide(1, 25)), 1);
}

TEST(OracleFloat, ClampsToTheOutputRange) {
  const Params p{.scale = 1.5, .zero_point = 3, .lo = 0, .hi = 255};
  for (const char* id : {"onnx/mlas", "onnx/reference", "xnnpack/fp32", "qnnpack/fp32", "fbgemm/fp32"}) {
    EXPECT_EQ(requantize(id, 200, p), 255) << id;
    EXPECT_EQ(requantize(id, -200, p), 0) << id;
    EXPECT_EQ(requantize(id, 2, p), 6) << id;
    EXPECT_TRUE(in_domain(id, 200, p)) << id;
  }
}

TEST(OracleFloat, DomainWantsAFloat32Scale) {
  EXPECT_FALSE(in_domain("cutlass/fp32", 1, real(0.1)));
  EXPECT_TRUE(in_domain("cutlass/fp32", 1, real(0.1f)));
  EXPECT_FALSE(in_domain("cutlass/fp32", 1, real(-0.5)));
  EXPECT_FALSE(in_domain("xnnpack/fp32", 1, real(256)));
  EXPECT_FALSE(in_domain("fbgemm/fp32", kMax32, real(2)));
  EXPECT_TRUE(in_domain("cutlass/fp32", kMax32, real(2)));
}

TEST(OracleNvdla, OffsetFirstThen17Bits) {
  EXPECT_EQ(requantize("nvdla/sdp", 10, wide(1, 1, -3)), 4);   // 3.5
  EXPECT_EQ(requantize("nvdla/sdp", -10, wide(1, 1, 3)), -4);  // -3.5
  EXPECT_EQ(requantize("nvdla/sdp", 200000, wide(1, 0)), 65535);
  EXPECT_EQ(requantize("nvdla/sdp", -200000, wide(1, 0)), -65536);
  EXPECT_EQ(requantize("nvdla/sdp", 3, wide(-1, 1)), -2);
  EXPECT_FALSE(in_domain("nvdla/sdp", 3, wide(32768, 1)));
}

TEST(OraclePulp, ThirtyTwoBitBuildWraps) {
  EXPECT_EQ(requantize("pulp-nn/floor", 100000, wide(30000, 20)), 2861);     // 3e9 / 2^20 = 2861.02
  EXPECT_EQ(requantize("pulp-nn/floor32", 100000, wide(30000, 20)), -1235);  // (3e9 - 2^32) / 2^20
  EXPECT_TRUE(in_domain("pulp-nn/floor32", 100000, wide(30000, 20)));
  EXPECT_FALSE(in_domain("pulp-nn/floor32", 1, wide(1, 32)));
  Params p = wide(3, 2);
  p.addend = 5;
  EXPECT_EQ(requantize("pulp-nn/floor", 10, p), 8);  // 35 / 4
  EXPECT_EQ(requantize("pulp-nn/floor", -10, p), -7);
  EXPECT_FALSE(in_domain("nemo/floor", 10, p));
  EXPECT_FALSE(in_domain("tflite/single", 10, p));
}

TEST(OracleGemmlowp, LegacyAddsTheOffsetFirstAndWraps) {
  EXPECT_EQ(requantize("gemmlowp/legacy", -7, wide(3, 1, 2)), -8);  // -7.5
  EXPECT_EQ(requantize("gemmlowp/legacy", kMax32, wide(1, 31, 1)), -1);
  EXPECT_EQ(requantize("gemmlowp/legacy", 1 << 30, wide(4, 0)), 0);
}

TEST(OracleGemmlowp, LeftShiftAndSquareOfIntMinSaturate) {
  EXPECT_EQ(requantize("gemmlowp/exponent", 1 << 30, wide(kHalf, 29)), 1 << 30);  // (2^31 - 1) / 2 half-up
  EXPECT_TRUE(in_domain("gemmlowp/exponent", 1 << 30, wide(kHalf, 29)));
  EXPECT_FALSE(in_domain("tflite/double", 1 << 30, wide(kHalf, 29)));
  EXPECT_FALSE(in_domain("cmsis-nn/double", 1 << 30, wide(kHalf, 29)));
  EXPECT_EQ(requantize("gemmlowp/fixedpoint", kMin32, wide(kMin32, 31)), kMax32);
  EXPECT_TRUE(in_domain("gemmlowp/fixedpoint", kMin32, wide(kMin32, 31)));
  EXPECT_FALSE(in_domain("cmsis-nn/double", kMin32, wide(kMin32, 31)));
  EXPECT_FALSE(in_domain("tflite/double", kMin32, wide(kMin32, 31)));
  EXPECT_FALSE(in_domain("gemmlowp/fixedpoint", 1, wide(kHalf, 30)));
}

TEST(OracleInt16, CmsisNarrowsBeforeTheLastIncrement) {
  const Params half = wide(0x4000, 15);
  for (const char* id : {"tflite/int16", "cmsis-nn/int16"}) {
    EXPECT_EQ(requantize(id, 3, half), 2) << id;    // 1.5
    EXPECT_EQ(requantize(id, -3, half), -1) << id;  // -1.5
    EXPECT_FALSE(in_domain(id, 1LL << 47, half)) << id;
    EXPECT_FALSE(in_domain(id, 1, wide(0x8000, 15))) << id;
  }
  const long long big = (1LL << 32) + 3;
  EXPECT_EQ(requantize("cmsis-nn/int16", big, half), 2);  // wrap32(2^32 + 3) = 3, (3 + 1) / 2
  EXPECT_TRUE(in_domain("cmsis-nn/int16", big, half));
  EXPECT_FALSE(in_domain("tflite/int16", big, half));
  EXPECT_FALSE(in_domain("cmsis-nn/int16", kMax32, half));  // q + 1 overflows
}

TEST(OracleTosa, ValueRange) {
  for (const char* id : {"tosa-1.0/single", "tosa-1.0/double"}) {
    EXPECT_TRUE(in_domain(id, 1, wide(kHalf, 2))) << id;
    EXPECT_FALSE(in_domain(id, 2, wide(kHalf, 2))) << id;
    EXPECT_TRUE(in_domain(id, -2, wide(kHalf, 2))) << id;
    EXPECT_FALSE(in_domain(id, -3, wide(kHalf, 2))) << id;
    EXPECT_FALSE(in_domain(id, 1, wide(kHalf, 1))) << id;
    EXPECT_FALSE(in_domain(id, 1, wide(-1, 31))) << id;
  }
  EXPECT_TRUE(in_domain("tosa-1.0/scale16", 1LL << 46, wide(0x4000, 40)));
  EXPECT_FALSE(in_domain("tosa-1.0/scale16", 1LL << 46, wide(0x4000, 20)));
}

TEST(OracleXnnpack, RndnuDomainFollowsTheNeonPreShift) {
  const Params p{.multiplier = 1 << 23, .shift = 16};   // times 128; pre-shift 9
  EXPECT_TRUE(in_domain("xnnpack/rndnu", 1 << 25, p));  // saturates, but so does the int8 output
  EXPECT_FALSE(in_domain("xnnpack/rndnu", 1 << 23, wide(1 << 23, 16)));
  EXPECT_FALSE(in_domain("xnnpack/rndnu", 1, wide(1 << 23, 15)));
  EXPECT_FALSE(in_domain("xnnpack/rndnu", 1, wide(1 << 24, 24)));
}

TEST(OracleSingle, ResultMustFitInt32) {
  EXPECT_FALSE(in_domain("tflite/single", 1 << 30, wide(kHalf, 28)));
  EXPECT_TRUE(in_domain("tflite/single", 1 << 30, wide(kHalf, 30)));
  EXPECT_FALSE(in_domain("cmsis-nn/single", 1 << 30, wide(kHalf, 30)));  // 32-bit pre-shift of the MVE form
  EXPECT_TRUE(in_domain("cmsis-nn/single", 1 << 28, wide(kHalf, 30)));
  EXPECT_FALSE(in_domain("tflite/single", kMax32, wide(kMax32, 31, 2)));  // zero point add
}

// ---- encodings ----

TEST(OracleEncode, QuarterInEveryIntegerProfile) {
  const auto expect = [](const Strings& ids, long long multiplier, int shift) {
    for (const std::string& id : ids) expect_stored(encode(id, 0.5f, 0.5f, 1, false), multiplier, shift, id);
  };
  expect({"cmsis-nn/double",    "cmsis-nn/single", "tflite/double", "tflite/single",   "gemmlowp/fixedpoint",
          "gemmlowp/exponent",  "hawq-v3/exact",   "hawq-v3/torch", "hawq-v3/tvm",     "hawq-v3/tvm-truncate",
          "hawq-v3/tvm-upward", "i-bert/torch",    "i-vit/torch",   "tosa-1.0/single", "tosa-1.0/double",
          "qnnpack/q31",        "fbgemm/fixed",    "tvm/upward",    "tvm/tonearest",   "vela/tfl",
          "vela/natural",       "vela/truncate"},
         kHalf, 32);
  expect({"tflite/int16", "cmsis-nn/int16", "tosa-1.0/scale16", "nvdla/sdp", "pulp-nn/floor"}, 1 << 14, 16);
  expect({"hmq/strict", "gemmini/shift"}, 1, 2);
  expect({"xnnpack/rndnu", "qnnpack/precise"}, 1 << 23, 25);
  expect({"nemo/floor", "pulp-nn/floor32"}, 32, 7);
  expect({"gemmlowp/legacy"}, 128, 9);
  for (const char* id :
       {"onnx/mlas", "onnx/reference", "xnnpack/fp32", "qnnpack/fp32", "fbgemm/fp32", "cutlass/fp32", "gemmini/fp32"}) {
    const Encoding e = encode(id, 0.5f, 0.5f, 1, false);
    EXPECT_TRUE(e.is_float && !e.refused) << id;
    EXPECT_EQ(e.scale, 0.25) << id;
  }
}

// (2^23 - 1)(2^23 + 1) / 2^46 = 1 - 2^-46: the mantissa rounds up to 2^31 when the product is exact.
TEST(OracleEncode, MantissaThatReachesTwoToThe31) {
  const auto corner = [](const char* id, bool per_channel) {
    return encode(id, 8388607.0f, 8388609.0f, power(46), per_channel);
  };
  for (const char* id : {"tflite/double", "tflite/single", "cmsis-nn/double", "gemmlowp/exponent", "tosa-1.0/single"}) {
    expect_stored(corner(id, true), kHalf, 30, id);  // renormalised
  }
  expect_stored(corner("vela/tfl", true), 1LL << 31, 31, "kept");
  expect_stored(corner("vela/tfl", false), kHalf, 30, "the float32 product is 2^46");
  expect_stored(corner("hawq-v3/exact", true), kHalf, 30, "the float32 product is 2^46");
  expect_stored(corner("nvdla/sdp", true), 1 << 14, 14, "renormalised");
  expect_stored(corner("nemo/floor", true), 64, 6, "kept");
  expect_refused(corner("gemmlowp/fixedpoint", true), "one is not below one");
}

TEST(OracleEncode, PrecisionOfTheScaleShowsInTheMultiplier) {
  const float a = 1 + power(-12);  // squared: 1 + 2^-11 + 2^-24, a float32 tie
  const long long even = kHalf + (1 << 19), exact = even + (1 << 6);
  for (const char* id : {"tflite/double", "cmsis-nn/double", "vela/natural"}) {
    expect_stored(scale_of(id, a, a, 1, true), exact, 30, id);
    expect_stored(scale_of(id, a, a, 1, false), even, 30, id);
  }
  for (const char* id : {"hawq-v3/exact", "tvm/upward", "i-bert/torch", "fbgemm/fixed"}) {
    expect_stored(scale_of(id, a, a), even, 30, id);
  }
  for (const char* id : {"gemmlowp/exponent", "tosa-1.0/double"}) {
    expect_stored(scale_of(id, a, a, 1, false), exact, 30, id);
  }
}

TEST(OracleEncode, MantissaTies) {
  const float a = 1 + power(-15), b = 1 + power(-16);  // product * 2^30 = 2^30 + 2^15 + 2^14 + 1/2
  expect_stored(scale_of("tflite/double", a, b), kHalf + 49153, 30, "half-away");
  expect_stored(scale_of("tosa-1.0/single", a, b), kHalf + 49153, 30, "half-away");
  expect_stored(scale_of("pulp-nn/floor", a), 16384, 14, "16384.5 half-even");
  expect_stored(scale_of("nvdla/sdp", a), 16385, 14, "16384.5 half-away");
  expect_stored(scale_of("tosa-1.0/scale16", a), 16385, 14, "16384.5 half-away");
  expect_stored(scale_of("pulp-nn/floor", 2 - power(-16)), 16384, 13, "renormalised");
  expect_stored(scale_of("gemmlowp/legacy", 1 + power(-8)), 129, 7, "128.5 half-away");
}

TEST(OracleEncode, NemoMultiplierIs32To64) {
  expect_stored(scale_of("nemo/floor", 1), 32, 5, "D = 32");
  expect_stored(scale_of("nemo/floor", 1 + 1.0f / 64), 32, 5, "32.5");
  expect_stored(scale_of("nemo/floor", 1 + 3.0f / 64), 34, 5, "33.5");
  expect_stored(scale_of("nemo/floor", 2 - 1.0f / 64), 64, 5, "63.5");
  expect_stored(scale_of("nemo/floor", 0.03f), 61, 11, "D = 2^11, 61.44");
  expect_stored(scale_of("nemo/floor", 32), 32, 0, "D = 1");
  expect_refused(scale_of("nemo/floor", 64), "D < 1");
  expect_stored(scale_of("pulp-nn/floor32", power(-26)), 32, 31, "last shift of an int32");
  expect_refused(scale_of("pulp-nn/floor32", power(-27)), "shift 32");
}

TEST(OracleEncode, TfliteRange) {
  for (const char* id : {"tflite/double", "cmsis-nn/double", "tflite/single", "cmsis-nn/single", "gemmlowp/exponent"}) {
    expect_stored(scale_of(id, power(-32)), kHalf, 62, id);
    expect_stored(scale_of(id, power(-33)), 0, 31, id);
    expect_stored(scale_of(id, power(29)), kHalf, 1, id);
  }
  expect_refused(scale_of("tflite/double", power(30)), "shift 31");
  expect_refused(scale_of("gemmlowp/exponent", power(30)), "shift 31");
  expect_stored(scale_of("tflite/single", power(30)), kMax32, 1, "greatest pair");
  expect_stored(scale_of("cmsis-nn/single", power(40)), kMax32, 1, "greatest pair");
  expect_stored(scale_of("gemmlowp/fixedpoint", 0.75f), 3LL << 29, 31, "below one");
  expect_refused(scale_of("gemmlowp/fixedpoint", power(-33)), "this stage flushes nothing");
  expect_refused(scale_of("gemmlowp/fixedpoint", 1), "one");
}

TEST(OracleEncode, Int16Reduction) {
  for (const char* id : {"tflite/int16", "cmsis-nn/int16"}) {
    expect_stored(scale_of(id, 1), 1 << 14, 14, id);
    expect_stored(scale_of(id, 1 - power(-24)), 0x7FFF, 15, id);  // 0x8000 capped
    expect_stored(scale_of(id, 1 + power(-15)), 16385, 14, id);   // 16384.5 half-up
    expect_stored(scale_of(id, power(6)), 1 << 14, 8, id);
    expect_refused(scale_of(id, power(7)), id);
    expect_stored(scale_of(id, power(-32)), 1 << 14, 46, id);
    expect_stored(scale_of(id, power(-33)), 0, 15, id);
  }
}

TEST(OracleEncode, RangesOfTheOthers) {
  for (const char* id : {"hawq-v3/exact", "hawq-v3/torch", "hawq-v3/tvm", "tvm/upward", "i-vit/torch"}) {
    expect_stored(scale_of(id, power(-32)), kHalf, 62, id);
    expect_stored(scale_of(id, power(-33)), 0, 31, id);
    expect_stored(scale_of(id, power(30)), kHalf, 0, id);
    expect_refused(scale_of(id, power(31)), id);
  }
  const auto range = [](const char* id, int top, int bottom, long long multiplier, int first, int last) {
    expect_stored(scale_of(id, power(top)), multiplier, first, id);
    expect_refused(scale_of(id, power(top + 1)), id);
    expect_stored(scale_of(id, power(bottom)), multiplier, last, id);
    expect_refused(scale_of(id, power(bottom - 1)), id);
  };
  range("hmq/strict", 0, -62, 1, 0, 62);
  range("gemmini/shift", 0, -62, 1, 0, 62);
  range("tosa-1.0/single", 28, -32, kHalf, 2, 62);
  range("tosa-1.0/scale16", 12, -48, 1 << 14, 2, 62);
  range("xnnpack/rndnu", 7, -32, 1 << 23, 16, 55);
  range("qnnpack/q31", -1, -32, kHalf, 31, 62);
  range("qnnpack/precise", -1, -32, 1 << 23, 24, 55);
  range("fbgemm/fixed", 30, -33, kHalf, 0, 63);
  range("nvdla/sdp", 14, -49, 1 << 14, 0, 63);
  range("pulp-nn/floor", 14, -48, 1 << 14, 0, 62);
  range("nemo/floor", 5, -57, 32, 0, 62);
  range("gemmlowp/legacy", 7, -24, 128, 0, 31);
}

TEST(OracleEncode, VelaFallsBackOnBothSides) {
  for (const char* id : {"vela/tfl", "vela/natural", "vela/truncate"}) {
    expect_stored(scale_of(id, power(-33)), kHalf, 63, id);
    expect_stored(scale_of(id, power(-34)), 0, 16, id);
    expect_stored(scale_of(id, power(30)), kHalf, 0, id);
    expect_stored(scale_of(id, power(31)), 0, 16, id);
    EXPECT_TRUE(in_domain(id, kMin32, wide(0, 16, -5))) << id;
    EXPECT_EQ(requantize(id, kMin32, wide(0, 16, -5)), -5) << id;
  }
}

TEST(OracleEncode, Refusals) {
  expect_refused(scale_of("hmq/strict", 0.75f), "not a power of two");
  expect_refused(scale_of("gemmini/shift", 2), "above one");
  expect_refused(scale_of("xnnpack/fp32", 256), "out of range");
  expect_refused(scale_of("xnnpack/fp32", power(-33)), "out of range");
  for (const std::string& id : profiles()) {
    expect_refused(encode(id, 1, 1, 0, false), id);
    expect_refused(encode(id, 1, INFINITY, 1, false), id);
    expect_refused(encode(id, NAN, 1, 1, true), id);
    if (id != "i-bert/torch" && id != "i-vit/torch") expect_refused(encode(id, -0.5f, 0.5f, 1, false), id);
  }
  expect_stored(encode("i-vit/torch", -0.5f, 0.5f, 1, true), -kHalf, 32, "negative gain");
  expect_stored(encode("i-bert/torch", 0.5f, -0.5f, 1, true), -kHalf, 32, "negative gain");
}

TEST(OracleEncode, Float16Scales) {
  const float tenth = 1638.0f / 16384;  // float16(0.1)
  // 1638^2 = 2683044 = 1310.08 * 2^11: eleven bits keep 1310
  EXPECT_EQ(encode("onnx/reference", tenth, tenth, 0.5f, false, true).scale, std::ldexp(1310.0, -16));
  EXPECT_EQ(encode("onnx/reference", tenth, tenth, 0.5f, false, false).scale, std::ldexp(2683044.0, -27));
  EXPECT_EQ(encode("onnx/reference", 0.1f, 0.1f, 0.5f, false, true).scale, std::ldexp(1310.0, -16));
  EXPECT_EQ(encode("onnx/mlas", tenth, tenth, 0.5f, false, true).scale, std::ldexp(2683044.0, -27));
  EXPECT_EQ(encode("onnx/reference", power(-10), power(-10), 1, false, true).scale, std::ldexp(1.0, -20));
  EXPECT_EQ(encode("onnx/reference", power(-13), power(-12), 1, false, true).scale, 0);  // 2^-25 to even
  EXPECT_EQ(encode("onnx/reference", power(-13), 1.5f * power(-12), 1, false, true).scale, std::ldexp(1.0, -24));
  expect_refused(encode("onnx/reference", 256, 256, 1, false, true), "65536 overflows float16");
  EXPECT_EQ(encode("onnx/reference", 65504, 1, 1, false, true).scale, 65504);
}

// ---- float rounding against the machine ----

float machine_scale(float a, float w, float y) {
  const volatile float product = a * w;
  const volatile float scale = product / y;
  return scale;
}

TEST(OracleFloatUnit, ScalesInFloat32) {
  Random random;
  int overflowed = 0, subnormal = 0;
  for (int i = 0; i < 20000; ++i) {
    const auto draw = [&] { return std::bit_cast<float>(static_cast<std::uint32_t>(random.in(1, 0x7F7FFFFF))); };
    const float a = draw(), w = draw(), y = draw();
    const float expected = machine_scale(a, w, y);
    const Encoding e = encode("cutlass/fp32", a, w, y, false);
    ASSERT_EQ(e.refused, std::isinf(expected)) << a << " " << w << " " << y;
    if (e.refused) {
      ++overflowed;
    } else {
      ASSERT_EQ(e.scale, static_cast<double>(expected)) << a << " " << w << " " << y;
      subnormal += expected > 0 && expected < power(-126) ? 1 : 0;
    }
  }
  EXPECT_GT(overflowed, 100);
  EXPECT_GT(subnormal, 100);
}

TEST(OracleFloatUnit, RequantizationInFloat32) {
  Random random;
  for (int i = 0; i < 20000; ++i) {
    const long long acc = random.in(kMin32, kMax32) / (1LL << random.in(0, 24));
    const float scale =
        std::ldexp(static_cast<float>(random.in(1 << 23, (1 << 24) - 1)), static_cast<int>(random.in(-48, -24)));
    const volatile float x = static_cast<float>(acc);
    const volatile float scaled = x * scale;
    const auto expected = static_cast<long long>(std::nearbyint(scaled));
    ASSERT_EQ(requantize("cutlass/fp32", acc, {.scale = scale, .lo = kMin32, .hi = kMax32}),
              std::clamp(expected, kMin32, kMax32))
        << acc << " " << scale;
  }
}

TEST(OracleFloatUnit, RequantizationInFloat64) {
  Random random;
  for (int i = 0; i < 20000; ++i) {
    const long long acc = random.in(kMin32, kMax32), m = random.in(kHalf, 1LL << 31);
    const int shift = static_cast<int>(random.in(31, 62));
    const volatile double product = static_cast<double>(acc) * static_cast<double>(m);
    const auto torch = static_cast<long long>(std::nearbyint(std::ldexp(product, -shift)));
    ASSERT_EQ(requantize("hawq-v3/torch", acc, wide(m, shift)), std::clamp(torch, kMin32, kMax32));
    const auto scale = static_cast<float>(std::ldexp(static_cast<double>(m), -shift));
    const int zero_point = static_cast<int>(random.in(-128, 127));
    const volatile double scaled = static_cast<double>(acc) * static_cast<double>(scale);
    const volatile double moved = scaled + zero_point;
    const auto numpy = static_cast<long long>(std::nearbyint(moved));
    ASSERT_EQ(
        requantize("onnx/reference", acc, {.scale = scale, .zero_point = zero_point, .lo = -kMax32, .hi = kMax32}),
        std::clamp(numpy, -kMax32, kMax32));
  }
}

TEST(OracleFloatUnit, ScalesInFloat64) {
  Random random;
  for (int i = 0; i < 5000; ++i) {
    const auto draw = [&] { return std::ldexp(static_cast<float>(random.in(1 << 23, (1 << 24) - 1)), -30); };
    const float a = draw(), w = draw(), y = draw();
    const volatile double product = static_cast<double>(a) * static_cast<double>(w);
    const volatile double scale = product / static_cast<double>(y);
    int exponent = 0;
    double mantissa = std::round(std::ldexp(std::frexp(scale, &exponent), 31));
    if (mantissa == 2147483648.0) {
      mantissa /= 2;
      ++exponent;
    }
    const Encoding e = encode("tflite/double", a, w, y, true);
    ASSERT_EQ(e.multiplier, static_cast<long long>(mantissa));
    ASSERT_EQ(e.shift, 31 - exponent);
  }
}

}  // namespace
}  // namespace oracle
