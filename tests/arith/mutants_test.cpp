// Every clause of the normative arithmetic has a vector that notices when it breaks. The mutants are planted into
// copies of the source by mutants.cmake; the vectors are what `obz gen requant` gives plus, for registers no layer
// fills, a few by hand.
#include "mutants.hpp"

#include <cstring>
#include <vector>

#include <gtest/gtest.h>

#include "golden/cases/requant_case.hpp"
#include "ref/arith/requantize.hpp"

namespace obz {
namespace {

struct Vector {
  Recipe recipe;
  Channel channel;
  std::int64_t acc;
};

const std::vector<Vector>& vectors() {
  static const std::vector<Vector> all = [] {
    std::vector<Vector> list;
    for (const Profile& p : profile_catalogue()) {
      if (!p.is_dyadic()) continue;
      const RequantSpace space{.profile = &p, .out = kInt8, .goal = Goal::corners, .seed = 7};
      for (std::uint64_t i = 0; i < 2000; ++i) {
        const RequantCase c = make_requant_case(space, i);
        list.push_back({p.recipe, c.channel, c.acc});
      }
    }
    // Registers that overflow only outside what layers do, and the order of rounding and zero point.
    const Channel open{.multiplier = std::int64_t{1} << 30, .shift = 21, .lo = kInt32.min(), .hi = kInt32.max()};
    for (const char* id : {"gemmlowp/exponent", "tflite/double", "hawq-v3/tvm", "nvdla/sdp"}) {
      for (const std::int64_t acc : {1 << 23, -(1 << 23) - 1, 1 << 20, (1 << 26) + 5})
        list.push_back({find_profile(id).recipe, open, acc});
    }
    Recipe early{.rounding = Rounding::half_even, .zero_point = ZeroPointAt::before_rounding};
    list.push_back({early, {.multiplier = 1, .shift = 1, .zero_point = 1}, 1});
    early.rounding = Rounding::trunc;
    list.push_back({early, {.multiplier = 1, .shift = 1, .zero_point = 5}, -1});
    const Recipe saturating{.rounding = Rounding::floor, .scaled_bits = 9, .scaled_overflow = Overflow::saturate};
    for (const std::int32_t zero_point : {0, 10, -50}) {
      for (const std::int64_t acc : {600, -600})
        list.push_back(
            {saturating, {.multiplier = 1, .shift = 1, .zero_point = zero_point, .lo = -999, .hi = 999}, acc});
    }
    return list;
  }();
  return all;
}

template <class To, class From>
To as(const From& value) {  // the mutants' types are copies, byte for byte
  static_assert(sizeof(To) == sizeof(From));
  To copy;
  std::memcpy(static_cast<void*>(&copy), static_cast<const void*>(&value), sizeof copy);
  return copy;
}

#define OBZ_MUTANT_TEST(N, NAME)                                                                                       \
  TEST(Mutant, killed_##N) {                                                                                           \
    SCOPED_TRACE(NAME);                                                                                                \
    bool killed = false;                                                                                               \
    for (const Vector& v : vectors()) {                                                                                \
      const auto recipe = as<obz_mutant_##N::Recipe>(v.recipe);                                                        \
      const auto channel = as<obz_mutant_##N::Channel>(v.channel);                                                     \
      killed = killed || obz_mutant_##N::requantize(v.acc, recipe, channel) != requantize(v.acc, v.recipe, v.channel); \
    }                                                                                                                  \
    EXPECT_TRUE(killed) << "no vector notices: " << NAME;                                                              \
  }

OBZ_FOR_EACH_MUTANT(OBZ_MUTANT_TEST)

}  // namespace
}  // namespace obz
