#include "ref/execute/fast/kernel_bytes.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ref/execute/fast/kernel_bytes.cpp"
#include <cstring>

#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace obz::fast {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#if !HWY_ARCH_X86 || HWY_TARGET > HWY_SSSE3

/// Without vpmaddubsw. All products and sums in 32 bits, so segments mean nothing here.
void MultiplyBytes(const ByteTileJob& job) {
  const ByteProgram& p = *job.program;
  std::int64_t steps = 0;
  for (std::size_t i = 0; i < kFusedSteps.size(); ++i) steps += p.fused[i] * kFusedSteps[i];
  for (std::int64_t i = 0; i < p.length_count; ++i) steps += p.lengths[i];
  for (std::int64_t r = 0; r < job.row_count; ++r) {
    std::uint32_t sums[kPanel];
    for (std::int64_t c = 0; c < kPanel; ++c) sums[c] = static_cast<std::uint32_t>(job.start[r * job.start_stride + c]);
    std::uint8_t ordered[kMostChunks * kChunk];
    for (std::int64_t i = 0; i < p.chunk_count * kChunk; ++i) {
      ordered[i] = job.rows[r][p.chunks[i / kChunk] + i % kChunk / 16 * 16 + p.patterns[i]];
    }
    const std::uint8_t* const row = p.chunk_count > 0 ? ordered : job.rows[r];
    const std::int8_t* w = p.weights;
    for (std::int64_t k = 0; k < steps; ++k) {
      const std::uint8_t* const x = row + p.offsets[k];
      for (std::int64_t c = 0; c < kPanel; ++c, w += 4) {
        sums[c] += static_cast<std::uint32_t>(x[0] * w[0] + x[1] * w[1] + x[2] * w[2] + x[3] * w[3]);
      }
    }
    for (std::int64_t c = 0; c < kPanel; ++c) job.sums[r * kPanel + c] = static_cast<std::int32_t>(sums[c]);
  }
}

#else

using D32 = hn::CappedTag<std::int32_t, kPanel>;
using D16 = hn::Repartition<std::int16_t, D32>;
using D8 = hn::Repartition<std::int8_t, D32>;
using V32 = hn::Vec<D32>;
using V16 = hn::Vec<D16>;
using V8 = hn::Vec<D8>;

/// Keeps the compiler from moving this sum behind other work: GCC would sink all sums of a tile to the end of the
/// round, where its registers do not suffice.
template <class V>
HWY_INLINE void pin(V& v) {
#if HWY_TARGET <= HWY_AVX3
  asm("" : "+v"(v.raw));
#else
  asm("" : "+x"(v.raw));
#endif
}

/// x[2i] * w[2i] + x[2i+1] * w[2i+1] with x unsigned. Saturates, which the segments' proof excludes.
HWY_INLINE V16 add_pairs(V8 x, V8 w) {
#if HWY_TARGET <= HWY_AVX3
  return V16{_mm512_maddubs_epi16(x.raw, w.raw)};
#elif HWY_TARGET == HWY_AVX2
  return V16{_mm256_maddubs_epi16(x.raw, w.raw)};
#else
  return V16{_mm_maddubs_epi16(x.raw, w.raw)};
#endif
}

/// sums + the pairs of t, widened.
HWY_INLINE V32 widen_add(V32 sums, V16 t) {
#if HWY_TARGET <= HWY_AVX3
  return hn::Add(sums, V32{_mm512_madd_epi16(t.raw, _mm512_set1_epi16(1))});
#elif HWY_TARGET == HWY_AVX2
  // From memory: a register less is what keeps 6 x 2 sums, two partial sums, a row and a product in registers.
  alignas(32) static constexpr std::int16_t ones[16] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  __m256i pairs;
  asm("vpmaddwd %2, %1, %0" : "=x"(pairs) : "x"(t.raw), "m"(*reinterpret_cast<const __m256i*>(ones)));
  return hn::Add(sums, V32{pairs});
#else
  return hn::Add(sums, V32{_mm_madd_epi16(t.raw, _mm_set1_epi16(1))});
#endif
}

HWY_INLINE V8 broadcast(const std::uint8_t* at) {
  std::int32_t four;
  std::memcpy(&four, at, sizeof four);
  return hn::BitCast(D8(), hn::Set(D32(), four));
}

constexpr std::int64_t kStepBytes = 4 * kPanel;
/// Bytes from an ordered row to the next: not a power of two, for the sake of L1.
constexpr std::int64_t kOrderedRow = kMostChunks * kChunk + 64;

/// Where in the program a tile stands.
struct Cursor {
  const std::int32_t* offsets;
  const std::int8_t* weights;
};

/// One segment of kSteps steps: per row, the 16-bit sums live in one register for each vector of channels.
template <int kRows, int kVectors, int kSteps>
HWY_INLINE void run_segment(const std::uint8_t* const (&x)[kRows], const Cursor& at, V32 (&sums)[kRows][kVectors]) {
  const D8 d;
  std::int64_t offsets[kSteps];
#pragma GCC unroll 8
  for (int k = 0; k < kSteps; ++k) offsets[k] = at.offsets[k];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
    V16 t[kVectors];
#pragma GCC unroll 8
    for (int k = 0; k < kSteps; ++k) {
      const V8 four = broadcast(x[r] + offsets[k]);
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) {
        const V8 w = hn::Load(d, at.weights + k * kStepBytes + v * static_cast<std::int64_t>(hn::Lanes(d)));
        const V16 pairs = add_pairs(four, w);
        t[v] = k == 0 ? pairs : hn::Add(t[v], pairs);
      }
    }
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      sums[r][v] = widen_add(sums[r][v], t[v]);
      pin(sums[r][v]);
    }
  }
}

template <int kIndex, int kRows, int kVectors>
HWY_INLINE void run_fused(const std::uint8_t* const (&x)[kRows], const ByteProgram& program, Cursor& at,
                          V32 (&sums)[kRows][kVectors]) {
  constexpr int kSteps = kFusedSteps[kIndex];
  for (std::int64_t i = program.fused[kIndex]; i > 0; --i) {
    run_segment<kRows, kVectors, kSteps>(x, at, sums);
    at.offsets += kSteps;
    at.weights += kSteps * kStepBytes;
  }
}

/// A segment of any length: all 16-bit sums of the tile in registers, added to the 32-bit ones in memory at the end.
template <int kRows, int kVectors>
HWY_INLINE void run_long(const std::uint8_t* const (&x)[kRows], std::int64_t steps, Cursor& at,
                         const std::int32_t* from, std::int64_t stride, std::int32_t* sums) {
  const D32 d32;
  const D8 d;
  V16 t[kRows][kVectors];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) t[r][v] = hn::Zero(D16());
  }
  for (; steps > 0; --steps, ++at.offsets, at.weights += kStepBytes) {
    const std::int64_t offset = *at.offsets;
    V8 w[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      w[v] = hn::Load(d, at.weights + v * static_cast<std::int64_t>(hn::Lanes(d)));
    }
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const V8 four = broadcast(x[r] + offset);
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) {
        t[r][v] = hn::Add(t[r][v], add_pairs(four, w[v]));
        pin(t[r][v]);
      }
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      const auto lane = v * static_cast<std::int64_t>(hn::Lanes(d32));
      hn::StoreU(widen_add(hn::LoadU(d32, from + r * stride + lane), t[r][v]), d32, sums + r * kPanel + lane);
    }
  }
}

/// The rows' bytes in the order of the program.
template <int kRows>
HWY_INLINE void order_bytes(const std::uint8_t* const* rows, const ByteProgram& program, std::uint8_t* to) {
  const hn::CappedTag<std::uint8_t, kChunk> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  for (std::int64_t i = 0; i < program.chunk_count; ++i) {
    for (std::int64_t half = 0; half < kChunk; half += lanes) {
      const auto pattern = hn::LoadU(d, program.patterns + i * kChunk + half);
#pragma GCC unroll 8
      for (int r = 0; r < kRows; ++r) {
        const auto bytes = hn::LoadU(d, rows[r] + program.chunks[i] + half);
        hn::StoreU(hn::TableLookupBytes(bytes, pattern), d, to + r * kOrderedRow + i * kChunk + half);
      }
    }
  }
}

/// `rows` of the tile, which are rows row .. row + kRows - 1 of the job; channels channel .. of the panel.
template <int kRows, int kVectors>
HWY_NOINLINE void run_tile(const ByteTileJob& job, const std::uint8_t* const* rows, std::int64_t row,
                           std::int64_t channel) {
  const D32 d;
  const ByteProgram& program = *job.program;
  const std::uint8_t* x[kRows];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) x[r] = rows[r];
  Cursor at{program.offsets, program.weights + 4 * channel};
  const std::int32_t* from = job.start + row * job.start_stride + channel;
  std::int64_t stride = job.start_stride;
  std::int32_t* const to = job.sums + row * kPanel + channel;
  if (program.has_fused) {
    V32 sums[kRows][kVectors];
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) {
        sums[r][v] = hn::LoadU(d, from + r * stride + v * static_cast<std::int64_t>(hn::Lanes(d)));
      }
    }
    run_fused<0, kRows, kVectors>(x, program, at, sums);
    run_fused<1, kRows, kVectors>(x, program, at, sums);
    run_fused<2, kRows, kVectors>(x, program, at, sums);
    run_fused<3, kRows, kVectors>(x, program, at, sums);
    run_fused<4, kRows, kVectors>(x, program, at, sums);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) {
        hn::StoreU(sums[r][v], d, to + r * kPanel + v * static_cast<std::int64_t>(hn::Lanes(d)));
      }
    }
    from = to;
    stride = kPanel;
  }
  for (std::int64_t i = 0; i < program.length_count; ++i) {
    run_long<kRows, kVectors>(x, program.lengths[i], at, from, stride, to);
    from = to;
    stride = kPanel;
  }
}

/// 6 rows x 2 vectors: twelve sums, a row and two partial sums fit in 16 registers, the weights come from L1.
template <int kRows>
HWY_INLINE void run_rows(const ByteTileJob& job, std::int64_t& row) {
  constexpr int kVectors = hn::MaxLanes(D32()) < static_cast<std::size_t>(kPanel) ? 2 : 1;
  const auto width = kVectors * static_cast<std::int64_t>(hn::Lanes(D32()));
  const std::uint8_t* const* rows = job.rows + row;
  alignas(64) std::uint8_t ordered[kRows * kOrderedRow];
  const std::uint8_t* ordered_rows[kRows];
  if (job.program->chunk_count > 0) {
    order_bytes<kRows>(rows, *job.program, ordered);
    for (int r = 0; r < kRows; ++r) ordered_rows[r] = ordered + r * kOrderedRow;
    rows = ordered_rows;
  }
  for (std::int64_t channel = 0; channel < kPanel; channel += width) run_tile<kRows, kVectors>(job, rows, row, channel);
  row += kRows;
}

void MultiplyBytes(const ByteTileJob& job) {
  static_assert(kByteRows == 6);
  const std::int64_t tiles = (job.row_count + kByteRows - 1) / kByteRows;
  std::int64_t large = tiles - (tiles * kByteRows - job.row_count);  // tiles of 6; the others have a row less
  if (job.row_count < kByteRows * kByteRows) large = job.row_count / kByteRows;
  std::int64_t row = 0;
  for (; large > 0; --large) run_rows<6>(job, row);
  while (row + 5 <= job.row_count) run_rows<5>(job, row);
  switch (job.row_count - row) {
    case 4: run_rows<4>(job, row); break;
    case 3: run_rows<3>(job, row); break;
    case 2: run_rows<2>(job, row); break;
    case 1: run_rows<1>(job, row); break;
    default: break;
  }
}

#endif

}  // namespace HWY_NAMESPACE
}  // namespace obz::fast
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace obz::fast {

HWY_EXPORT(MultiplyBytes);

void multiply_bytes(const ByteTileJob& job) { HWY_DYNAMIC_DISPATCH(MultiplyBytes)(job); }

}  // namespace obz::fast
#endif
