// One mma at a time: the compiled probes against plain loops over the matrices that the fragments hold, with the layout
// as the PTX ISA draws it.
#include <array>

#include <gtest/gtest.h>

#include "tests/execute/random_layers.hpp"
#include "tests/gpu/device.hpp"

namespace obz {
namespace {

using namespace test;
using testing::Random;

constexpr int kCases = 40;  // more than one block of eight warps

struct Side {
  const char* name;
  int bits;
  bool is_signed;
};

/// Element `index` of a register of elements this wide.
std::int64_t element(std::uint32_t word, int index, const Side& side) {
  const std::int64_t value = word >> index * side.bits & ((1U << side.bits) - 1);
  return side.is_signed && value >> (side.bits - 1) != 0 ? value - (std::int64_t{1} << side.bits) : value;
}

struct Probe {
  std::vector<std::uint32_t> a, b;
  std::vector<std::int32_t> c;

  explicit Probe(Random& r) {
    const std::array<std::uint32_t, 4> extremes{0, ~0U, 0x80808080U, 0x7f7f7f7fU};
    for (int warp = 0; warp < kCases; ++warp) {
      const bool uniform = r.one_in(3);  // all elements extreme: the largest sums
      const auto word_a = extremes[static_cast<std::size_t>(r.between(0, 3))];
      const auto word_b = extremes[static_cast<std::size_t>(r.between(0, 3))];
      for (int lane = 0; lane < 32; ++lane) {
        a.push_back(uniform ? word_a : static_cast<std::uint32_t>(r.between(0, 0xffffffffLL)));
        b.push_back(uniform ? word_b : static_cast<std::uint32_t>(r.between(0, 0xffffffffLL)));
        for (int i = 0; i < 2; ++i) c.push_back(static_cast<std::int32_t>(r.value(kInt32)));
      }
    }
  }

  /// D of all cases; term(a's element, b's element) is summed over the depth.
  template <class Term>
  std::vector<std::int32_t> expected(const Side& sa, const Side& sb, bool saturates, Term term) const {
    std::vector<std::int32_t> d(c.size());
    const int per_word = 32 / sa.bits;
    for (std::size_t warp = 0; warp < kCases; ++warp) {
      for (std::size_t row = 0; row < 8; ++row) {
        for (std::size_t column = 0; column < 8; ++column) {
          const std::size_t at = (warp * 32 + row * 4 + column / 2) * 2 + column % 2;
          std::int64_t sum = c[at];
          for (int k = 0; k < 4 * per_word; ++k) {
            const auto lane = static_cast<std::size_t>(k / per_word);
            sum += term(element(a[warp * 32 + row * 4 + lane], k % per_word, sa),
                        element(b[warp * 32 + column * 4 + lane], k % per_word, sb));
          }
          d[at] = static_cast<std::int32_t>(saturates ? saturate(sum, kInt32.min(), kInt32.max()) : wrap(sum, 32));
        }
      }
    }
    return d;
  }

  std::vector<std::int32_t> on(Device& device, const std::string& kernel) const {
    gpu::ProbeArgs args{.a = device.upload(a, "a"), .b = device.upload(b, "b"), .c = device.upload(c, "c")};
    args.d = device.room(c.size() * sizeof(std::int32_t), "d");
    args.cases = kCases;
    device.launch(kernel, kCases * 32, args, 256);
    return device.download<std::int32_t>(args.d, c.size());
  }
};

TEST(Probes, mma_is_the_product_of_the_matrices_in_its_fragments) {
  constexpr std::array<Side, 4> sides{{{"s8", 8, true}, {"u8", 8, false}, {"s4", 4, true}, {"u4", 4, false}}};
  Device device("probes");
  Random r(31);
  for (const Side& sa : sides) {
    for (const Side& sb : sides) {
      if (sa.bits != sb.bits) continue;
      for (const bool saturates : {false, true}) {
        const std::string kernel = std::string("mma_") + sa.name + "_" + sb.name + (saturates ? "_sat" : "");
        const Probe probe(r);
        EXPECT_EQ(probe.on(device, kernel), probe.expected(sa, sb, saturates, std::multiplies<>())) << kernel;
      }
    }
  }
}

TEST(Probes, saturation_is_seen) {
  Random r(31);
  const Probe probe(r);
  const Side s8{"s8", 8, true};
  EXPECT_NE(probe.expected(s8, s8, false, std::multiplies<>()), probe.expected(s8, s8, true, std::multiplies<>()));
}

TEST(Probes, mma_of_bits_counts_where_they_differ) {
  Device device("probes");
  Random r(32);
  const Probe probe(r);
  const Side b1{"b1", 1, false};
  EXPECT_EQ(probe.on(device, "mma_b1"), probe.expected(b1, b1, false, std::bit_xor<>()));
}

}  // namespace
}  // namespace obz
