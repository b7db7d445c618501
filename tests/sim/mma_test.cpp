// What the tensor core computes, on the RTL and on its twin alike: D = A x B + C at every width and signedness, every
// product of short lanes in every place.
#include <functional>

#include <gtest/gtest.h>

#include "ref/base/error.hpp"
#include "sim/sysc_engine.hpp"
#include "tests/sim/cores.hpp"
#include "tests/sim/stimuli.hpp"

namespace obz::test {
namespace {

class MmaOn : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    try {
      if (GetParam() == std::string("twin")) {
        core_ = &twins().mma;
      } else {
        rtl_ = std::make_unique<VerilatedCore>();
        core_ = rtl_.get();
      }
    } catch (const MissingTool& e) {
      GTEST_SKIP() << "skipped: " << e.what();
    }
    step({.rst_ni = false});
  }
  /// Queues one, and compares those that come back.
  void expect_plain(const sim::Mma& mma) {
    const PlainResult plain = plain_mma(mma);
    overflows_ += plain.overflows;
    sim::CoreInputs in{.valid_i = true, .mma = mma, .tag_i = ++tag_};
    while (!step(in)) {
    }
    expected_[tag_] = plain.d;
    mmas_[tag_] = mma;
  }
  void drain() {
    for (unsigned i = 0; i < 2 * sim::kMmaLatency; ++i) step({});
    EXPECT_EQ(back_, queued_) << "results that never came";
  }
  std::uint64_t overflows_ = 0;

 private:
  /// Whether it was accepted.
  bool step(const sim::CoreInputs& in) {
    const sim::CoreOutputs& out = core_->settle(in);
    if (in.rst_ni && out.valid_o) {
      ++back_;
      if (!(out.d_o == expected_[out.tag_o])) report(mmas_[out.tag_o], expected_[out.tag_o], out.d_o);
    }
    const bool accepted = in.rst_ni && in.valid_i && out.ready_o;
    if (accepted) ++queued_;
    core_->edge();
    return accepted;
  }
  void report(const sim::Mma& m, const sim::Tile& want, const sim::Tile& got) {
    if (HasFailure()) return;  // the first one says enough
    for (unsigned i = 0; i < want.at.size(); ++i) {
      EXPECT_EQ(got.at[i], want.at[i]) << "[" << i / 8 << "][" << i % 8 << "], lanes of " << (1 << m.a_lane) << " and "
                                       << (1 << m.b_lane) << " bits, signed " << m.a_signed << " " << m.b_signed
                                       << ", satfinite " << m.satfinite;
    }
  }

  std::unique_ptr<VerilatedCore> rtl_;
  sim::Core* core_ = nullptr;
  sim::Tile expected_[256];  ///< by tag: far fewer are in flight
  sim::Mma mmas_[256];
  std::uint8_t tag_ = 0;
  std::uint64_t queued_ = 0, back_ = 0;
};

TEST_P(MmaOn, adds_products_of_all_widths_and_signs_wrapped_or_clamped) {
  Random random(7);
  for (std::uint8_t a = 0; a <= sim::kLane16; ++a) {
    for (std::uint8_t b = 0; b <= sim::kLane16; ++b) {
      for (unsigned mode = 0; mode < 8; ++mode) {
        overflows_ = 0;
        for (int i = 0; i < 48; ++i)
          expect_plain(draw_mma(random, a, b, (mode & 1) != 0, (mode & 2) != 0, (mode & 4) != 0));
        EXPECT_GT(overflows_, 0U) << "nothing left 32 bits: " << int{a} << " " << int{b} << " " << mode;
      }
    }
  }
  drain();
}

/// All lanes at the rails, C at the rails: the largest sums of both signs.
TEST_P(MmaOn, holds_the_largest_sums) {
  for (std::uint8_t a = 0; a <= sim::kLane16; ++a) {
    for (std::uint8_t b = 0; b <= sim::kLane16; ++b) {
      for (unsigned mode = 0; mode < 64; ++mode) {
        sim::Mma m{.a_lane = a, .b_lane = b, .a_signed = (mode & 1) != 0, .b_signed = (mode & 2) != 0};
        m.satfinite = (mode & 4) != 0;
        const auto fill = [](sim::Rows& rows, std::uint8_t lane, bool is_signed, bool top) {
          const unsigned bits = 1U << lane;
          const std::int64_t most = (std::int64_t{1} << (bits - (is_signed ? 1 : 0))) - 1;
          for (unsigned r = 0; r < 8; ++r) {
            for (unsigned k = 0; k < 128 / bits; ++k)
              set_lane(rows, r, k, bits, top ? most : is_signed ? -most - 1 : 0);
          }
        };
        fill(m.a, a, m.a_signed, (mode & 8) != 0);
        fill(m.b, b, m.b_signed, (mode & 16) != 0);
        for (unsigned i = 0; i < m.c.at.size(); ++i) {
          const auto step = static_cast<std::int32_t>(i / 2);
          m.c.at[i] = (mode & 32) != 0 ? INT32_MAX - step : INT32_MIN + step;
        }
        expect_plain(m);
      }
    }
  }
  drain();
}

/// One lane holds the pair, all others 0: nothing can cancel. 64 pairs in one mma.
TEST_P(MmaOn, multiplies_every_pair_of_values_in_every_lane) {
  for (std::uint8_t a = 0; a <= sim::kLane8; ++a) {
    for (std::uint8_t b = 0; b <= sim::kLane8; ++b) {
      const unsigned a_bits = 1U << a, b_bits = 1U << b, a_values = 1U << a_bits, b_values = 1U << b_bits;
      for (unsigned mode = 0; mode < 4; ++mode) {
        sim::Mma m{.a_lane = a, .b_lane = b, .a_signed = (mode & 1) != 0, .b_signed = (mode & 2) != 0};
        for (unsigned k = 0; k < sim::depth_of(m); ++k) {
          m.a = m.b = {};
          for (unsigned first_a = 0; first_a < a_values; first_a += 8) {
            for (unsigned r = 0; r < 8; ++r) set_lane(m.a, r, k, a_bits, (first_a + r) % a_values);
            for (unsigned first_b = 0; first_b < b_values; first_b += 8) {
              for (unsigned c = 0; c < 8; ++c) set_lane(m.b, c, k, b_bits, (first_b + c) % b_values);
              expect_plain(m);
            }
          }
        }
      }
    }
  }
  drain();
}

INSTANTIATE_TEST_SUITE_P(Core, MmaOn, testing::Values("rtl", "twin"),
                         [](const auto& core) { return std::string(core.param); });

}  // namespace
}  // namespace obz::test
