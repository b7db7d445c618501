// Claim: multiply and shift equals the division it replaces, on the whole stated range, and one step less of shift or
// range would not be claimed.
#include "ref/arith/reciprocal.hpp"

#include <gtest/gtest.h>

#include "ref/arith/requantize.hpp"

namespace obz::test {
namespace {

std::int64_t quotient_of(std::int64_t sum, std::int64_t n, Quotient quotient) {
  if (quotient == Quotient::truncated || sum >= 0) return sum / n;
  return -((-sum - 1) / n);  // trunc(sum / n + 0.01): a negative multiple of n steps up by one
}

std::int64_t by_shift(std::int64_t sum, Channel c) {
  c.lo = INT32_MIN;
  c.hi = INT32_MAX;
  return requantize(sum, Recipe{.rounding = Rounding::trunc}, c);
}

TEST(Reciprocal, equals_the_division_for_every_sum_of_its_range) {
  for (const Quotient quotient : {Quotient::truncated, Quotient::after_hundredth}) {
    for (std::int64_t n = 1; n <= 98; ++n) {
      for (const std::int64_t largest : {std::int64_t{1}, 3 * n - 1, n * 255, n * 300 + 7}) {
        const auto c = reciprocal(n, largest, quotient);
        ASSERT_TRUE(c.has_value()) << n;
        for (std::int64_t sum = -largest; sum <= largest; ++sum) {
          ASSERT_EQ(by_shift(sum, *c), quotient_of(sum, n, quotient)) << sum << " / " << n;
        }
      }
    }
  }
}

TEST(Reciprocal, covers_the_sums_of_a_global_pool_over_16_bits) {
  for (const std::int64_t n : {49, 64}) {
    for (const Quotient quotient : {Quotient::truncated, Quotient::after_hundredth}) {
      const auto c = reciprocal(n, n << 16, quotient);
      ASSERT_TRUE(c.has_value());
      for (std::int64_t sum = -(n << 16); sum <= n << 16; ++sum) {
        ASSERT_EQ(by_shift(sum, *c), quotient_of(sum, n, quotient)) << sum << " / " << n;
      }
    }
  }
}

TEST(Reciprocal, is_refused_where_no_multiplier_fits_64_bits_and_where_a_hundredth_would_carry) {
  EXPECT_FALSE(reciprocal(3, std::int64_t{1} << 40, Quotient::truncated).has_value());
  EXPECT_FALSE(reciprocal(0, 10, Quotient::truncated).has_value());
  EXPECT_TRUE(reciprocal(98, 98 * 255, Quotient::after_hundredth).has_value());
  EXPECT_FALSE(reciprocal(99, 99 * 255, Quotient::after_hundredth).has_value());
  EXPECT_TRUE(reciprocal(99, 99 * 255, Quotient::truncated).has_value());
}

TEST(Reciprocal, a_power_of_two_is_a_shift) {
  const auto c = reciprocal(64, 1 << 20, Quotient::truncated);
  ASSERT_TRUE(c.has_value());
  EXPECT_EQ(c->multiplier, 1);
  EXPECT_EQ(c->shift, 6);
}

}  // namespace
}  // namespace obz::test
