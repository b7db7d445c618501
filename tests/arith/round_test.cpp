// Claims about ref/arith/round.hpp: the five modes, exactly.
#include "ref/arith/round.hpp"

#include <array>

#include <gtest/gtest.h>

#include "ref/arith/int_type.hpp"

namespace obz {
namespace {

struct ModeRow {
  Rounding mode;
  std::array<std::int64_t, 6> of;  // -2.5 -1.5 -0.5 0.5 1.5 2.5
};

// The vocabulary table of docs/semantics.md.
constexpr ModeRow kTable[] = {{Rounding::half_up, {-2, -1, 0, 1, 2, 3}},
                              {Rounding::half_away, {-3, -2, -1, 1, 2, 3}},
                              {Rounding::half_even, {-2, -2, 0, 0, 2, 2}},
                              {Rounding::floor, {-3, -2, -1, 0, 1, 2}},
                              {Rounding::trunc, {-2, -1, 0, 0, 1, 2}}};

TEST(Rounding, ties_follow_the_vocabulary_table) {
  for (const ModeRow& row : kTable) {
    for (int i = 0; i < 6; ++i) {
      EXPECT_EQ(shift_right(2 * i - 5, 1, row.mode), row.of[static_cast<std::size_t>(i)])
          << "mode " << static_cast<int>(row.mode);
      EXPECT_EQ(divide(2 * i - 5, 2, row.mode), row.of[static_cast<std::size_t>(i)])
          << "mode " << static_cast<int>(row.mode);
    }
  }
}

TEST(Rounding, only_floor_and_trunc_ignore_what_is_not_a_tie) {
  for (const Rounding mode : {Rounding::half_up, Rounding::half_away, Rounding::half_even}) {
    EXPECT_EQ(shift_right(5, 2, mode), 1);    // 1.25
    EXPECT_EQ(shift_right(7, 2, mode), 2);    // 1.75
    EXPECT_EQ(shift_right(-5, 2, mode), -1);  // -1.25
    EXPECT_EQ(shift_right(-7, 2, mode), -2);  // -1.75
  }
  EXPECT_EQ(shift_right(7, 2, Rounding::floor), 1);
  EXPECT_EQ(shift_right(-5, 2, Rounding::floor), -2);
  EXPECT_EQ(shift_right(7, 2, Rounding::trunc), 1);
  EXPECT_EQ(shift_right(-7, 2, Rounding::trunc), -1);
}

TEST(Rounding, integers_stay_in_every_mode) {
  for (int mode = 0; mode < 5; ++mode) {
    for (const std::int64_t v : {-3, -1, 0, 1, 7}) {
      EXPECT_EQ(shift_right(v << 20, 20, static_cast<Rounding>(mode)), v);
      EXPECT_EQ(shift_right(v, 0, static_cast<Rounding>(mode)), v);
    }
  }
}

TEST(Rounding, no_shift_overflows_at_the_ends_of_int64) {
  for (int mode = 0; mode < 5; ++mode) {
    const auto m = static_cast<Rounding>(mode);
    EXPECT_EQ(shift_right(INT64_MAX, 63, m), mode <= 1 ? 0 : 1);
    EXPECT_EQ(shift_right(INT64_MIN, 63, m), -1);
    EXPECT_EQ(shift_right(INT64_MIN, 1, m), INT64_MIN / 2);
  }
  EXPECT_EQ(shift_right(std::int64_t{1} << 62, 63, Rounding::half_up), 1);
  EXPECT_EQ(shift_right(std::int64_t{1} << 62, 63, Rounding::half_even), 0);
  EXPECT_EQ(shift_right(-(std::int64_t{1} << 62), 63, Rounding::half_up), 0);
  EXPECT_EQ(shift_right(-(std::int64_t{1} << 62), 63, Rounding::half_away), -1);
}

TEST(Rounding, an_offset_before_rounding_moves_ties) {
  EXPECT_EQ(shift_right(1, 1, Rounding::half_even), 0);         // 0.5 -> 0
  EXPECT_EQ(shift_right(1, 1, Rounding::half_even, 1), 2);      // 1.5 -> 2, not 0 + 1
  EXPECT_EQ(shift_right(1, 1, Rounding::half_away, -3), -3);    // -2.5 -> -3
  EXPECT_EQ(shift_right(1, 1, Rounding::half_away) - 3, -2);    // 0.5 -> 1, then -3
  EXPECT_EQ(shift_right(-1, 1, Rounding::trunc, 5), 4);         // 4.5 -> 4
  EXPECT_EQ(shift_right(-1, 1, Rounding::trunc) + 5, 5);        // -0.5 -> 0, then +5
  EXPECT_EQ(shift_right(-3, 1, Rounding::half_up, 7), -1 + 7);  // half_up and floor do not see it
}

TEST(Rounding, division_agrees_with_the_shift_for_powers_of_two) {
  for (int mode = 0; mode < 5; ++mode) {
    for (std::int64_t n = -100; n <= 100; ++n) {
      for (int bits = 0; bits < 6; ++bits) {
        EXPECT_EQ(divide(n, std::int64_t{1} << bits, static_cast<Rounding>(mode)),
                  shift_right(n, bits, static_cast<Rounding>(mode)));
      }
    }
  }
}

TEST(IntType, ranges_of_all_widths) {
  EXPECT_EQ(kInt4.min(), -8);
  EXPECT_EQ(kInt4.max(), 7);
  EXPECT_EQ(kUInt4.max(), 15);
  EXPECT_EQ((IntType{1, true}.min()), -1);
  EXPECT_EQ((IntType{1, true}.max()), 0);
  EXPECT_EQ(kInt64.min(), INT64_MIN);
  EXPECT_EQ(kInt64.max(), INT64_MAX);
  EXPECT_EQ((IntType{63, false}.max()), INT64_MAX);
}

TEST(IntType, narrowing_takes_a_named_verb) {
  EXPECT_EQ(narrow(200, 8, Overflow::wrap), -56);
  EXPECT_EQ(narrow(200, 8, Overflow::saturate), 127);
  EXPECT_EQ(narrow(-200, 8, Overflow::saturate), -128);
  EXPECT_EQ(narrow(200, 8, Overflow::exact), 200);
  EXPECT_EQ(wrap(INT64_MIN, 64), INT64_MIN);
  EXPECT_EQ(wrap(std::int64_t{1} << 31, 32), INT32_MIN);
}

}  // namespace
}  // namespace obz
