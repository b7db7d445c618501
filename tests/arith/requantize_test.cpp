// Claims about the normative requantizer, one clause each. The catalogue's traps (section 1.4) keep their numbers.
#include "ref/arith/requantize.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include "ref/arith/apply.hpp"
#include "ref/arith/profile.hpp"
#include "ref/base/error.hpp"

namespace obz {
namespace {

constexpr std::int64_t kHalf = std::int64_t{1} << 30;  // 1/2 as a 31-bit multiplier at shift 31

Channel wide(std::int64_t multiplier, int shift, std::int32_t zero_point = 0) {
  return {.multiplier = multiplier, .shift = shift, .zero_point = zero_point, .lo = kInt32.min(), .hi = kInt32.max()};
}

std::int64_t with(const char* profile, std::int64_t acc, const Channel& c) {
  return apply_recipe(acc, find_profile(profile).recipe, c);
}

// It is constexpr, so the compiler itself evaluates these.
static_assert(requantize(5, Recipe{}, Channel{.multiplier = 1, .shift = 1}) == 3);
static_assert(requantize(-5, Recipe{.rounding = Rounding::half_away}, Channel{.multiplier = 1, .shift = 1}) == -3);
static_assert(noexcept(requantize(0, Recipe{}, Channel{})));

TEST(Requantize, one_stage_rounds_the_product_once) {
  EXPECT_EQ(with("tflite/single", -3, wide(kHalf, 31)), -1);  // -1.5, half-up
  EXPECT_EQ(with("hawq-v3/exact", -3, wide(kHalf, 31)), -2);  // half-even
  EXPECT_EQ(with("tvm/tonearest", -3, wide(kHalf, 31)), -2);  // half-away
  EXPECT_EQ(with("pulp-nn/floor", 3, wide(1 << 14, 15)), 1);  // floor
  EXPECT_EQ(with("vela/truncate", -3, wide(kHalf, 31)), -1);  // trunc
}

TEST(Requantize, two_stages_round_twice) {
  // 0.499999... : rounds up to 0.5 at bit 31 of the product, then away from zero.
  const Channel c = wide((std::int64_t{1} << 31) - 1, 32);
  EXPECT_EQ(with("tflite/double", 1, c), 1);
  EXPECT_EQ(with("tflite/single", 1, c), 0);
}

TEST(Requantize, trap_1_doubling_high_multiply_is_half_up) {
  for (const auto& [acc, want] : {std::pair{-3, -1}, {-1, 0}, {1, 1}, {3, 2}}) {
    EXPECT_EQ(with("tflite/double", acc, wide(kHalf, 31)), want) << acc;  // shift 31: stage one alone
  }
}

TEST(Requantize, trap_1_sign_dependent_nudge_equals_plain_half_up) {
  // gemmlowp writes (ab + (ab >= 0 ? 2^30 : 1 - 2^30)) / 2^31 with truncating division.
  std::int64_t state = 88172645463325252;
  for (int i = 0; i < 200000; ++i) {
    state ^= state << 13;
    state ^= static_cast<std::int64_t>(static_cast<std::uint64_t>(state) >> 7);
    state ^= state << 17;
    const std::int64_t a = wrap(state, 32), b = wrap(state >> 20, 32), p = a * b;
    if (a == INT32_MIN && b == INT32_MIN) continue;
    const std::int64_t nudge = p >= 0 ? kHalf : 1 - kHalf;
    ASSERT_EQ(shift_right(p, 31, Rounding::half_up), (p + nudge) / (std::int64_t{1} << 31)) << a << " * " << b;
  }
}

TEST(Requantize, trap_2_names_in_the_wild) {
  // QONNX's "HALF_UP" is half_away; XNNPACK's add says "away from zero" and is half_up; gemmlowp is half_up at bit 31.
  EXPECT_EQ(shift_right(-3, 1, Rounding::half_away), -2);
  EXPECT_EQ(find_profile("xnnpack/rndnu").recipe.rounding, Rounding::half_up);
  EXPECT_EQ(find_profile("tflite/double").recipe.first_rounding, Rounding::half_up);
}

TEST(Requantize, trap_3_zero_point_before_or_after_rounding) {
  Channel c{.scale = 0.5, .zero_point = 1};
  EXPECT_EQ(with("onnx/mlas", 1, c), 1);       // rne(0.5) + 1
  EXPECT_EQ(with("onnx/reference", 1, c), 2);  // rne(1.5)
  c.zero_point = 2;
  EXPECT_EQ(with("onnx/mlas", 1, c), with("onnx/reference", 1, c));  // even zero points do not show it
}

TEST(Requantize, trap_4_clamp_before_rounding_is_equal_for_integer_bounds) {
  const Recipe after{.arithmetic = Arithmetic::float32_scale, .rounding = Rounding::half_even};
  Recipe before = after;
  before.clamp = ClampAt::before_rounding;
  for (std::int64_t acc = -5000; acc <= 5000; ++acc) {
    const Channel c{.scale = 0.0631, .zero_point = -7, .lo = -100, .hi = 90};
    ASSERT_EQ(apply_recipe(acc, after, c), apply_recipe(acc, before, c)) << acc;
  }
}

TEST(Requantize, trap_5_mantissa_that_rounds_up_to_two_to_the_31) {
  const double scale = 1.0 - std::ldexp(1.0, -33);
  const Channel kept = encode_scale(find_profile("hawq-v3/exact").scale, scale);
  EXPECT_EQ(kept.multiplier, std::int64_t{1} << 31);
  EXPECT_EQ(kept.shift, 31);
  const Channel renormalised = encode_scale(find_profile("tflite/double").scale, scale);
  EXPECT_EQ(renormalised.multiplier, std::int64_t{1} << 30);
  EXPECT_EQ(renormalised.shift, 30);
  for (const std::int64_t acc : {-1000, -1, 0, 1, 77, 100000}) {
    EXPECT_EQ(with("hawq-v3/exact", acc, wide(kept.multiplier, kept.shift)),
              with("hawq-v3/exact", acc, wide(renormalised.multiplier, renormalised.shift)));
  }
  EXPECT_EQ(encode_scale(find_profile("vela/natural").scale, scale).multiplier, std::int64_t{1} << 31);
}

TEST(Requantize, trap_6_float32_product_or_all_double) {
  const float a = 0.0235F, w = 0.0042F, y = 0.0517F;
  const double all_double = form_scale(find_profile("tflite/double").scale, a, w, y);
  const double float_product = form_scale(find_profile("hawq-v3/exact").scale, a, w, y);
  const double all_float = form_scale(find_profile("onnx/mlas").scale, a, w, y);
  EXPECT_NE(all_double, float_product);
  EXPECT_NE(float_product, all_float);
  EXPECT_NE(encode_scale(find_profile("tflite/double").scale, all_double).multiplier,
            encode_scale(find_profile("tflite/double").scale, float_product).multiplier);
}

TEST(Requantize, trap_7_left_shift_wraps_saturates_or_is_exact) {
  const Channel c = wide(kHalf, 21);  // scale 2^9
  const std::int64_t acc = std::int64_t{1} << 23;
  EXPECT_EQ(with("gemmlowp/exponent", acc, c), kHalf);  // (2^31 - 1) / 2, rounded
  EXPECT_EQ(with("tflite/double", acc, c), 0);          // 2^33 wraps to 0 in 32 bits
  EXPECT_EQ(with("tvm/upward", acc, {.multiplier = kHalf, .shift = 21, .lo = INT64_MIN, .hi = INT64_MAX}),
            std::int64_t{1} << 32);
}

TEST(Requantize, trap_8_registers_wrap_or_saturate) {
  EXPECT_EQ(with("nvdla/sdp", 1 << 20, wide(1 << 14, 14)), 65535);  // 17 bits, saturated
  EXPECT_EQ(with("pulp-nn/floor32", 1 << 27, wide(32, 5)), 0);      // the product 2^32 wraps to 0
  EXPECT_EQ(
      with("hawq-v3/tvm", std::int64_t{1} << 30, {.multiplier = kHalf, .shift = 28, .lo = INT64_MIN, .hi = INT64_MAX}),
      0);  // cast to int32
}

TEST(Requantize, trap_9_reduced_multiplier_is_rounded_and_capped) {
  const ScaleRule& rule = find_profile("tflite/int16").scale;
  EXPECT_EQ(encode_scale(rule, 1.0 - std::ldexp(1.0, -20)).multiplier, 0x7FFF);  // would be 0x8000
  const Channel c = encode_scale(rule, 0.75 + std::ldexp(1.0, -17));             // 0x6000 and 8/16 of the next bit
  EXPECT_EQ(c.multiplier, 0x6000);
  EXPECT_EQ(c.shift, 15);
  EXPECT_EQ(encode_scale(rule, 0.75 + std::ldexp(1.0, -16)).multiplier, 0x6001);
}

TEST(Requantize, trap_10_tosa_double_is_the_two_stage_rounding) {
  // apply_scale_32 with double_round: add +-2^30 by sign when shift > 31, then one floor shift.
  for (std::int64_t acc = -20000; acc <= 20000; acc += 7) {
    for (int shift = 32; shift <= 45; ++shift) {
      const std::int64_t m = kHalf + 12345 * shift;
      const std::int64_t round = (std::int64_t{1} << (shift - 1)) + (acc >= 0 ? kHalf : -kHalf);
      ASSERT_EQ(with("tosa-1.0/double", acc, wide(m, shift)), (acc * m + round) >> shift) << acc << " " << shift;
    }
  }
}

TEST(Requantize, trap_11_reference_and_runtime_differ_in_one_graph) {
  // The builtin kernels round twice, the XNNPACK delegate works in float32: 1 output in about 240 for int8 layers.
  int differ = 0;
  const double scale = 0.0019;
  Channel builtin = encode_scale(find_profile("tflite/double").scale, scale);
  Channel delegate = encode_scale(find_profile("xnnpack/fp32").scale, static_cast<double>(static_cast<float>(scale)));
  for (std::int64_t acc = -60000; acc < 60000; ++acc)
    differ += with("tflite/double", acc, builtin) != with("xnnpack/fp32", acc, delegate) ? 1 : 0;
  EXPECT_GT(differ, 0);
  EXPECT_LT(differ, 1200);
}

TEST(Requantize, float64_product_misses_near_ties) {
  // hawq-ivit-hmq.md H.0 and catalogue 1.3: the PyTorch golden itself is wrong here.
  struct Row {
    std::int64_t acc, multiplier;
    int shift;
    std::int64_t exact, torch;
  };
  for (const Row& r : {Row{941079352, 1311245747, 54, 69, 68}, Row{1215171227, 1134080083, 54, 77, 76},
                       Row{22628097, 1498921217, 48, 121, 120}, Row{4527887, 2050951185, 42, 2111, 2112}}) {
    EXPECT_EQ(with("hawq-v3/exact", r.acc, wide(r.multiplier, r.shift)), r.exact) << r.acc;
    EXPECT_EQ(with("hawq-v3/torch", r.acc, wide(r.multiplier, r.shift)), r.torch) << r.acc;
  }
}

TEST(Requantize, negative_multipliers_mirror) {
  for (std::int64_t acc = -999; acc < 1000; acc += 13) {
    EXPECT_EQ(with("hawq-v3/exact", acc, wide(-kHalf - 77, 38)), with("hawq-v3/exact", -acc, wide(kHalf + 77, 38)));
  }
}

TEST(Requantize, addend_joins_the_product) {
  Channel c = wide(3, 2);
  c.addend = 5;
  EXPECT_EQ(with("pulp-nn/floor", 7, c), (3 * 7 + 5) >> 2);
}

TEST(Requantize, zero_point_before_scaling_is_scaled) {
  EXPECT_EQ(with("nvdla/sdp", 10, wide(1 << 14, 15, -4)), 3);
  EXPECT_EQ(with("gemmlowp/legacy", 10, wide(1, 1, 3)), 7);  // 6.5, half-away
}

TEST(Requantize, clamp_before_the_zero_point_cannot_leave_the_type) {
  Channel c{.multiplier = kHalf, .shift = 30, .zero_point = 100};
  EXPECT_EQ(with("qnnpack/q31", 1000, {.multiplier = kHalf, .shift = 31, .zero_point = 100}), 127);
  EXPECT_EQ(with("xnnpack/rndnu", -1000, c), -128);
}

TEST(EncodeScale, powers_of_two_only) {
  const ScaleRule& rule = find_profile("gemmini/shift").scale;
  EXPECT_EQ(encode_scale(rule, 0.125).shift, 3);
  EXPECT_EQ(encode_scale(rule, 0.125).multiplier, 1);
  EXPECT_THROW(encode_scale(rule, 0.3), Error);
  EXPECT_THROW(encode_scale(rule, 2.0), Error);
}

TEST(EncodeScale, tiny_scales_flush_or_are_refused) {
  EXPECT_EQ(encode_scale(find_profile("tflite/double").scale, 1e-12).multiplier, 0);
  EXPECT_EQ(encode_scale(find_profile("vela/tfl").scale, 1e-15).shift, 16);
  EXPECT_THROW(encode_scale(find_profile("xnnpack/rndnu").scale, 1e-12), Error);
}

TEST(EncodeScale, large_scales_saturate_or_are_refused) {
  const Channel c = encode_scale(find_profile("tflite/single").scale, 3e9);
  EXPECT_EQ(c.multiplier, INT32_MAX);
  EXPECT_EQ(c.shift, 1);
  EXPECT_THROW(encode_scale(find_profile("qnnpack/q31").scale, 1.5), Error);
  EXPECT_THROW(encode_scale(find_profile("hawq-v3/exact").scale, INFINITY), Error);
}

TEST(Profiles, ids_are_sorted_unique_and_complete) {
  const auto all = profile_catalogue();
  for (std::size_t i = 1; i < all.size(); ++i) EXPECT_LT(all[i - 1].id, all[i].id);
  for (const char* id :
       {"hawq-v3/exact",   "hawq-v3/torch",   "hawq-v3/tvm",     "tflite/double",   "tflite/single",    "tflite/int16",
        "cmsis-nn/double", "cmsis-nn/single", "tosa-1.0/single", "tosa-1.0/double", "tosa-1.0/scale16", "onnx/mlas",
        "onnx/reference",  "xnnpack/fp32",    "xnnpack/rndnu",   "qnnpack/q31",     "fbgemm/fp32",      "fbgemm/fixed",
        "nvdla/sdp",       "pulp-nn/floor",   "gemmini/fp32",    "gemmini/shift",   "cutlass/fp32",     "tvm/upward",
        "tvm/tonearest",   "vela/tfl",        "vela/natural",    "vela/truncate"}) {
    EXPECT_EQ(find_profile(id).id, id);
  }
  for (const Profile& p : all) {
    EXPECT_FALSE(p.version.empty() || p.citation.empty() || p.summary.empty()) << p.id;
  }
}

TEST(Profiles, an_unknown_id_names_its_neighbours) {
  try {
    find_profile("tflite/dobule");
    FAIL();
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("tflite/double"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace obz
