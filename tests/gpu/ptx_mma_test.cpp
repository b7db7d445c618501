// mma.sync against plain loops over elements placed as the PTX ISA's fragment tables say.
#include <algorithm>
#include <limits>
#include <random>

#include <gtest/gtest.h>

#include "tests/gpu/ptx_snippet.hpp"

namespace obz {
namespace {

struct Shape {
  const char* name;
  int k, bits;
};

/// Element i of the 32-bit register of `lane` lies at (row or column g, k = per * t + i).
std::int64_t element(const std::vector<std::uint32_t>& registers, int line, int k, int bits, bool is_signed) {
  const int per = 32 / bits, lane = 4 * line + k / per;
  const std::uint32_t word = registers[static_cast<std::size_t>(lane)] >> (bits * (k % per));
  const std::uint32_t value = bits == 32 ? word : word & ((1U << bits) - 1);
  const bool negative = is_signed && (value >> (bits - 1) & 1) != 0;
  return static_cast<std::int64_t>(value) - (negative ? std::int64_t{1} << bits : 0);
}

struct Inputs {
  std::vector<std::uint32_t> a, b, c0, c1;
};

Inputs inputs(unsigned seed) {
  std::mt19937 g(seed);
  Inputs x;
  for (auto* v : {&x.a, &x.b, &x.c0, &x.c1}) {
    for (int i = 0; i < 32; ++i)
      v->push_back(seed == 0 ? 0x80808080U : seed == 1 ? 0xFFFFFFFFU : static_cast<std::uint32_t>(g()));
  }
  if (seed % 4 == 3) {  // near the rails, so that saturation matters
    for (auto& c : x.c0) c = 0x7FFFFF00U + (c & 0xFF);
    for (auto& c : x.c1) c = 0x80000000U + (c & 0xFF);
  }
  return x;
}

/// d0 then d1, a word per lane.
std::vector<std::uint32_t> device(const std::string& opcode, const Inputs& x) {
  test::Snippet s{
      .body =
          "mad.wide.u32 %d1, %tid, 4, %in;\nld.global.u32 %r1, [%d1]; ld.global.u32 %r2, [%d1+128];\n"
          "ld.global.u32 %r3, [%d1+256]; ld.global.u32 %r4, [%d1+384];\n" +
          opcode + " {%r5, %r6}, {%r1}, {%r2}, {%r3, %r4};\nst.global.u32 [%at], %r5; st.global.u32 [%at+128], %r6;"};
  s.in.clear();
  for (const auto* v : {&x.a, &x.b, &x.c0, &x.c1}) s.in.insert(s.in.end(), v->begin(), v->end());
  return test::run(s).out;
}

void expect_sums(const Shape& shape, bool sa, bool sb, bool saturate) {
  const auto type = [&](bool s) { return std::string(s ? "s" : "u") + std::to_string(shape.bits); };
  const std::string opcode = std::string("mma.sync.aligned.") + shape.name + ".row.col" +
                             (saturate ? ".satfinite" : "") + ".s32." + type(sa) + "." + type(sb) + ".s32";
  for (unsigned seed = 0; seed < 12; ++seed) {
    const Inputs x = inputs(seed);
    const std::vector<std::uint32_t> got = device(opcode, x);
    for (int g = 0; g < 8; ++g) {
      for (int n = 0; n < 8; ++n) {
        const std::size_t lane = static_cast<std::size_t>(4 * g + n / 2);
        std::int64_t sum = static_cast<std::int32_t>(n % 2 == 0 ? x.c0[lane] : x.c1[lane]);
        for (int k = 0; k < shape.k; ++k)
          sum += element(x.a, g, k, shape.bits, sa) * element(x.b, n, k, shape.bits, sb);
        if (saturate)
          sum = std::clamp<std::int64_t>(sum, std::numeric_limits<std::int32_t>::min(),
                                         std::numeric_limits<std::int32_t>::max());
        ASSERT_EQ(got[lane + (n % 2 == 0 ? 0 : 32)], static_cast<std::uint32_t>(sum))
            << opcode << " seed " << seed << " row " << g << " column " << n;
      }
    }
  }
}

TEST(PtxMma, every_signedness_of_both_shapes_is_the_plain_sum) {
  for (const Shape& shape : {Shape{"m8n8k16", 16, 8}, Shape{"m8n8k32", 32, 4}}) {
    for (const bool sa : {false, true}) {
      for (const bool sb : {false, true}) {
        for (const bool saturate : {false, true}) expect_sums(shape, sa, sb, saturate);
      }
    }
  }
}

TEST(PtxMma, single_bits_count_those_that_differ_or_are_both_set) {
  for (const bool both : {false, true}) {
    for (unsigned seed = 0; seed < 8; ++seed) {
      const Inputs x = inputs(seed);
      const auto got =
          device(std::string("mma.sync.aligned.m8n8k128.row.col.s32.b1.b1.s32.") + (both ? "and" : "xor") + ".popc", x);
      for (int g = 0; g < 8; ++g) {
        for (int n = 0; n < 8; ++n) {
          const std::size_t lane = static_cast<std::size_t>(4 * g + n / 2);
          std::uint32_t sum = n % 2 == 0 ? x.c0[lane] : x.c1[lane];
          for (int k = 0; k < 128; ++k) {
            const std::int64_t a = element(x.a, g, k, 1, false), b = element(x.b, n, k, 1, false);
            sum += static_cast<std::uint32_t>(both ? a * b : a ^ b);
          }
          ASSERT_EQ(got[lane + (n % 2 == 0 ? 0 : 32)], sum) << both << " seed " << seed;
        }
      }
    }
  }
}

TEST(PtxMma, ldmatrix_delivers_the_fragments) {
  // Shared byte i holds i % 251; matrix m, row r starts at 16 * (8m + r).
  const std::string fill =
      "mov.u32 %r1, %tid;\nF: rem.u32 %r2, %r1, 251; st.shared.u8 [%r1], %r2; add.u32 %r1, %r1, 32; setp.lt.u32 %p1, "
      "%r1, 512; @%p1 bra F;\n"
      "bar.warp.sync -1; shl.b32 %r3, %tid, 4;\n";
  for (const bool transposed : {false, true}) {
    const auto o = test::run({.body = fill + "ldmatrix.sync.aligned.m8n8.x4" + (transposed ? ".trans" : "") +
                                      ".shared.b16 {%r4, %r5, %r6, %r7}, [%r3];\nmad.wide.u32 %d1, %tid, 16, %out; "
                                      "st.global.v4.u32 [%d1], {%r4, %r5, %r6, %r7};",
                              .around = ".shared .align 16 .b8 tile[512];\n",
                              .out_words = 128});
    for (std::uint32_t lane = 0; lane < 32; ++lane) {
      for (std::uint32_t m = 0; m < 4; ++m) {
        std::uint32_t want = 0;
        for (std::uint32_t half = 0; half < 2; ++half) {
          const std::uint32_t row = transposed ? 2 * (lane % 4) + half : lane / 4,
                              column = transposed ? lane / 4 : 2 * (lane % 4) + half;
          const std::uint32_t at = 16 * (8 * m + row) + 2 * column;
          want |= (at % 251 | (at + 1) % 251 << 8) << (16 * half);
        }
        ASSERT_EQ(o.out[4 * lane + m], want) << "lane " << lane << " matrix " << m << " transposed " << transposed;
      }
    }
  }
}

TEST(PtxMma, is_counted_by_shape_and_work) {
  const Inputs x = inputs(5);
  test::Snippet s{.body =
                      "mma.sync.aligned.m8n8k32.row.col.satfinite.s32.u4.s4.s32 {%r1, %r2}, {%r3}, {%r4}, {%r5, %r6};\n"
                      "mma.sync.aligned.m8n8k16.row.col.s32.s8.s8.s32 {%r1, %r2}, %r3, %r4, {%r5, %r6};",
                  .grid = {3, 1, 1},
                  .block = {64, 1, 1}};
  const ptx::Counters c = test::run(s).counters;
  EXPECT_EQ(c.mma.at("m8n8k32.u4.s4"), 6U);
  EXPECT_EQ(c.mma.at("m8n8k16.s8.s8"), 6U);
  EXPECT_EQ(c.mma_macs, 6U * 2048 + 6 * 1024);
}

}  // namespace
}  // namespace obz
