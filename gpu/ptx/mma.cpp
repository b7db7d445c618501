// mma.sync for 8 x 8 outputs over rows of 128 bits. Lane 4g + t holds bytes 4t..4t+3 of row g of A (column g of B), so
// a register's row of 32 lanes is the 8 x 16-byte matrix as it lies in memory. See docs/ptx.md for the fragments.
#include "gpu/ptx/lanes.hpp"

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gpu/ptx/mma.cpp"
#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>

#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace obz::ptx {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Sums = std::array<std::int32_t, 64>;   ///< row g, column n at 8g + n
using Words = std::array<std::int32_t, 32>;  ///< an operand's row of lanes

template <bool kSaturate>
std::int32_t Plus(std::int32_t c, std::int32_t sum) {
  if constexpr (kSaturate) {
    constexpr std::int64_t lo = std::numeric_limits<std::int32_t>::min(), hi = std::numeric_limits<std::int32_t>::max();
    return static_cast<std::int32_t>(std::clamp(std::int64_t{c} + sum, lo, hi));
  }
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(c) + static_cast<std::uint32_t>(sum));
}

/// Column 2t goes to the first register of lane 4g + t, column 2t + 1 to the second.
template <bool kSaturate>
void Finish(const MmaArgs& x, const Sums& sums) {
  alignas(32) Words c0, c1;
  std::memcpy(c0.data(), x.c0, 128);
  std::memcpy(c1.data(), x.c1, 128);
  for (std::size_t i = 0; i < 32; ++i) {
    c0[i] = Plus<kSaturate>(c0[i], sums[2 * i]);
    c1[i] = Plus<kSaturate>(c1[i], sums[2 * i + 1]);
  }
  std::memcpy(x.d0, c0.data(), 128);
  std::memcpy(x.d1, c1.data(), 128);
}

// A 16-bit lane holds two bytes or four nibbles. Part k of it, widened to 16 bits; as both operands are taken apart
// alike, the order of the products changes, which a sum of integers does not see.
template <int kBits, bool kSigned, int kPart, class V>
HWY_INLINE V Part(V v) {
  constexpr int left = 16 - kBits * (kPart + 1), right = 16 - kBits;
  const hn::DFromV<V> d;
  const hn::RebindToUnsigned<decltype(d)> du;
  const V up = hn::ShiftLeft<left>(v);
  if constexpr (kSigned) return hn::ShiftRight<right>(up);
  return hn::BitCast(d, hn::ShiftRight<right>(hn::BitCast(du, up)));
}

#if HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128

using D32 = hn::CappedTag<std::int32_t, 8>;
using D16 = hn::RepartitionToNarrow<D32>;
constexpr std::size_t kWide = hn::MaxLanes(D32());

/// sums += part kPart of a times part kPart of b. x86 adds neighbouring products within a 32-bit lane; a lane is a
/// column here.
template <int kBits, bool kSignedA, bool kSignedB, int kPart>
HWY_INLINE void Products(const Words& a, const std::array<hn::Vec<D16>, 4>& b, std::size_t column, Sums& sums) {
  const D32 d;
  const D16 d16;
  alignas(32) Words parts;
  for (std::size_t i = 0; i < 32; i += kWide) {
    const auto v = hn::BitCast(d16, hn::Load(d, a.data() + i));
    hn::Store(hn::BitCast(d, Part<kBits, kSignedA, kPart>(v)), d, parts.data() + i);
  }
  const auto b0 = Part<kBits, kSignedB, kPart>(b[0]), b1 = Part<kBits, kSignedB, kPart>(b[1]);
  const auto b2 = Part<kBits, kSignedB, kPart>(b[2]), b3 = Part<kBits, kSignedB, kPart>(b[3]);
  for (std::size_t g = 0; g < 8; ++g) {
    const std::int32_t* const row = parts.data() + 4 * g;
    std::int32_t* const to = sums.data() + 8 * g + column;
    auto unused = hn::Zero(d);
    auto sum = hn::LoadU(d, to);
    sum = hn::ReorderWidenMulAccumulate(d, hn::BitCast(d16, hn::Set(d, row[0])), b0, sum, unused);
    sum = hn::ReorderWidenMulAccumulate(d, hn::BitCast(d16, hn::Set(d, row[1])), b1, sum, unused);
    sum = hn::ReorderWidenMulAccumulate(d, hn::BitCast(d16, hn::Set(d, row[2])), b2, sum, unused);
    sum = hn::ReorderWidenMulAccumulate(d, hn::BitCast(d16, hn::Set(d, row[3])), b3, sum, unused);
    hn::StoreU(sum, d, to);
  }
}

template <int kBits, bool kSignedA, bool kSignedB>
void Accumulate(const Words& a, const Words& b, Sums& sums) {
  const D32 d;
  const D16 d16;
  for (std::size_t column = 0; column < 8; column += kWide) {
    // Column n of B is words 4n..4n+3: word t of all columns side by side.
    hn::Vec<D32> w0, w1, w2, w3;
    hn::LoadInterleaved4(d, b.data() + 4 * column, w0, w1, w2, w3);
    const std::array<hn::Vec<D16>, 4> words{hn::BitCast(d16, w0), hn::BitCast(d16, w1), hn::BitCast(d16, w2),
                                            hn::BitCast(d16, w3)};
    Products<kBits, kSignedA, kSignedB, 0>(a, words, column, sums);
    Products<kBits, kSignedA, kSignedB, 1>(a, words, column, sums);
    if constexpr (kBits == 4) {
      Products<kBits, kSignedA, kSignedB, 2>(a, words, column, sums);
      Products<kBits, kSignedA, kSignedB, 3>(a, words, column, sums);
    }
  }
}

#else

template <int kBits, bool kSigned>
std::int32_t Element(const Words& w, std::size_t line, std::uint32_t k) {
  constexpr std::uint32_t per_word = 32 / kBits;
  const auto word = static_cast<std::uint32_t>(w[4 * line + k / per_word]);
  const std::uint32_t up = word << (32 - kBits * (k % per_word + 1));
  return kSigned ? static_cast<std::int32_t>(up) >> (32 - kBits) : static_cast<std::int32_t>(up >> (32 - kBits));
}

template <int kBits, bool kSignedA, bool kSignedB>
void Accumulate(const Words& a, const Words& b, Sums& sums) {
  for (std::size_t i = 0; i < 64; ++i) {
    for (std::uint32_t k = 0; k < 128 / kBits; ++k) {
      sums[i] += Element<kBits, kSignedA>(a, i / 8, k) * Element<kBits, kSignedB>(b, i % 8, k);
    }
  }
}

#endif

template <int kBits, bool kSignedA, bool kSignedB, bool kSaturate>
void MmaSums(const MmaArgs& x) {
  alignas(32) Words a, b;
  std::memcpy(a.data(), x.a, 128);
  std::memcpy(b.data(), x.b, 128);
  alignas(32) Sums sums{};
  Accumulate<kBits, kSignedA, kSignedB>(a, b, sums);
  Finish<kSaturate>(x, sums);
}

template <bool kAnd>
void MmaBits(const MmaArgs& x) {
  std::array<std::uint64_t, 16> a, b;
  std::memcpy(a.data(), x.a, 128);
  std::memcpy(b.data(), x.b, 128);
  Sums sums;
  for (std::size_t g = 0; g < 8; ++g) {
    for (std::size_t n = 0; n < 8; ++n) {
      const std::uint64_t low = kAnd ? a[2 * g] & b[2 * n] : a[2 * g] ^ b[2 * n];
      const std::uint64_t high = kAnd ? a[2 * g + 1] & b[2 * n + 1] : a[2 * g + 1] ^ b[2 * n + 1];
      sums[8 * g + n] = std::popcount(low) + std::popcount(high);
    }
  }
  Finish<false>(x, sums);
}

template <int kBits, bool kA, bool kB>
MmaFn SumsOf(bool saturate) {
  return saturate ? &MmaSums<kBits, kA, kB, true> : &MmaSums<kBits, kA, kB, false>;
}

MmaFn FindMma(MmaType a, MmaType b, bool saturate) {
  using enum MmaType;
  if (a == s8 && b == s8) return SumsOf<8, true, true>(saturate);
  if (a == s8 && b == u8) return SumsOf<8, true, false>(saturate);
  if (a == u8 && b == s8) return SumsOf<8, false, true>(saturate);
  if (a == u8 && b == u8) return SumsOf<8, false, false>(saturate);
  if (a == s4 && b == s4) return SumsOf<4, true, true>(saturate);
  if (a == s4 && b == u4) return SumsOf<4, true, false>(saturate);
  if (a == u4 && b == s4) return SumsOf<4, false, true>(saturate);
  if (a == u4 && b == u4) return SumsOf<4, false, false>(saturate);
  if (a == b && !saturate && a == b1_xor) return &MmaBits<false>;
  if (a == b && !saturate && a == b1_and) return &MmaBits<true>;
  return nullptr;
}

}  // namespace HWY_NAMESPACE
}  // namespace obz::ptx
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace obz::ptx {

HWY_EXPORT(FindMma);

MmaFn mma_function(MmaType a, MmaType b, bool saturate) { return HWY_DYNAMIC_DISPATCH(FindMma)(a, b, saturate); }

}  // namespace obz::ptx
#endif
