#include "ref/execute/fast/kernel.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ref/execute/fast/kernel.cpp"
#include <cstring>

#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace obz::fast {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET == HWY_SCALAR

/// The kernels without vectors. Unsigned arithmetic: sums are modulo 2^32 here as everywhere.
template <class Term>
void run_plain(const TileJob& job, Term&& term) {
  for (std::int64_t r = 0; r < job.row_count; ++r) {
    std::uint32_t sums[kPanel];
    for (std::int64_t c = 0; c < kPanel; ++c) sums[c] = static_cast<std::uint32_t>(job.start[r * job.start_stride + c]);
    const std::int16_t* w = job.panel;
    for (const Stretch& s : job.stretches) {
      for (std::int64_t k = 0; k < s.steps; ++k, w += 2 * kPanel) {
        for (std::int64_t c = 0; c < kPanel; ++c) sums[c] += term(job.rows[r] + s.offset, k, c, w);
      }
    }
    for (std::int64_t c = 0; c < kPanel; ++c) job.sums[r * kPanel + c] = static_cast<std::int32_t>(sums[c]);
  }
}

void MultiplyPairs(const TileJob& job) {
  run_plain(job, [](const std::int16_t* x, std::int64_t k, std::int64_t c, const std::int16_t* w) {
    const std::int32_t first = x[2 * k] * w[2 * c], second = x[2 * k + 1] * w[2 * c + 1];
    return static_cast<std::uint32_t>(first) + static_cast<std::uint32_t>(second);
  });
}

void MultiplyChannels(const TileJob& job) {
  for (std::int64_t r = 0; r < job.row_count; ++r) {
    for (std::int64_t c = 0; c < kPanel; ++c) {
      auto sum = static_cast<std::uint32_t>(job.start[r * job.start_stride + c]);
      const std::int16_t* w = job.panel + c;
      for (const Stretch& s : job.stretches) {
        sum += static_cast<std::uint32_t>(job.rows[r][s.offset + c] * *w);
        w += kPanel;
      }
      job.sums[r * kPanel + c] = static_cast<std::int32_t>(sum);
    }
  }
}

#else

using D32 = hn::CappedTag<std::int32_t, kPanel>;
using D16 = hn::Repartition<std::int16_t, D32>;
using V32 = hn::Vec<D32>;
using V16 = hn::Vec<D16>;

/// Sums of kRows rows and kVectors vectors of channels, kept in registers. Products of even and of odd
/// elements may collect in different places on some targets (`odd`, unused on x86).
template <int kRows, int kVectors>
struct Tile {
  V32 even[kRows][kVectors], odd[kRows][kVectors];

  HWY_INLINE Tile(const TileJob& job, std::int64_t row, std::int64_t channel) {
    const D32 d;
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) {
        const auto lane = channel + v * static_cast<std::int64_t>(hn::Lanes(d));
        even[r][v] = hn::LoadU(d, job.start + (row + r) * job.start_stride + lane);
        odd[r][v] = hn::Zero(d);
      }
    }
  }
  HWY_INLINE void store(const TileJob& job, std::int64_t row, std::int64_t channel) const {
    const D32 d;
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) {
        const auto lane = channel + v * static_cast<std::int64_t>(hn::Lanes(d));
        hn::StoreU(hn::RearrangeToOddPlusEven(even[r][v], odd[r][v]), d, job.sums + (row + r) * kPanel + lane);
      }
    }
  }
  HWY_INLINE void add(int r, int v, V16 x, V16 w) {
    even[r][v] = hn::ReorderWidenMulAccumulate(D32(), x, w, even[r][v], odd[r][v]);
  }
};

/// One step of a dot product: the row's pair goes to every lane.
struct PairStep {
  static constexpr std::int64_t kElements = 2;

  template <int kRows, int kVectors>
  static HWY_INLINE void step(const std::int16_t* const (&x)[kRows], std::int64_t k, std::int64_t /*channel*/,
                              const V16 (&w)[kVectors], Tile<kRows, kVectors>& tile) {
    const D32 d;
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      std::int32_t pair;
      std::memcpy(&pair, x[r] + kElements * k, sizeof pair);
      const V16 both = hn::BitCast(D16(), hn::Set(d, pair));
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) tile.add(r, v, both, w[v]);
    }
  }
};

template <class Step, int kRows, int kVectors>
HWY_INLINE void step_once(const std::int16_t* const (&x)[kRows], std::int64_t k, std::int64_t channel,
                          const std::int16_t* panel, Tile<kRows, kVectors>& tile) {
  const D16 d;
  V16 w[kVectors];
#pragma GCC unroll 8
  for (int v = 0; v < kVectors; ++v) {
    w[v] = hn::LoadU(d, panel + 2 * channel + v * static_cast<std::int64_t>(hn::Lanes(d)));
  }
  Step::template step<kRows, kVectors>(x, k, channel, w, tile);
}

/// Rows row .. row + kRows - 1, channels channel .. of the panel.
template <class Step, int kRows, int kVectors>
HWY_NOINLINE void run_tile(const TileJob& job, std::int64_t row, std::int64_t channel) {
  Tile<kRows, kVectors> tile(job, row, channel);
  const std::int16_t* panel = job.panel;
  for (const Stretch& s : job.stretches) {
    const std::int16_t* x[kRows];
    for (int r = 0; r < kRows; ++r) x[r] = job.rows[row + r] + s.offset;
    std::int64_t k = 0;
    for (; k + 1 < s.steps; k += 2, panel += 4 * kPanel) {  // by two: GCC copies the sums once per round
      step_once<Step>(x, k, channel, panel, tile);
      step_once<Step>(x, k + 1, channel, panel + 2 * kPanel, tile);
    }
    if (k < s.steps) {
      step_once<Step>(x, k, channel, panel, tile);
      panel += 2 * kPanel;
    }
  }
  tile.store(job, row, channel);
}

/// 4 rows x 2 vectors: eight sums, two weights and a row fit in 16 registers.
template <class Step>
void run_tiles(const TileJob& job) {
  constexpr int kVectors = hn::MaxLanes(D32()) < static_cast<std::size_t>(kPanel) ? 2 : 1;
  const auto width = kVectors * static_cast<std::int64_t>(hn::Lanes(D32()));
  for (std::int64_t channel = 0; channel < kPanel; channel += width) {
    std::int64_t row = 0;
    for (; row + 4 <= job.row_count; row += 4) run_tile<Step, 4, kVectors>(job, row, channel);
    switch (job.row_count - row) {
      case 3: run_tile<Step, 3, kVectors>(job, row, channel); break;
      case 2: run_tile<Step, 2, kVectors>(job, row, channel); break;
      case 1: run_tile<Step, 1, kVectors>(job, row, channel); break;
      default: break;
    }
  }
}

void MultiplyPairs(const TileJob& job) { run_tiles<PairStep>(job); }

using C16 = hn::CappedTag<std::int16_t, kPanel>;
using C32 = hn::RepartitionToWide<C16>;

/// Two taps at a time, their channels side by side, so that one pair of weights meets them; rows row .. row + kRows -
/// 1, channels channel .. of the panel. Halves of blocks of 128 bits come out apart and are put back in order at the
/// end.
template <int kRows>
HWY_NOINLINE void run_channels(const TileJob& job, std::int64_t row, std::int64_t channel) {
  const C16 d16;
  const C32 d32;
  using V = hn::Vec<C32>;
  const std::int16_t* x[kRows];
  V low[kRows], low_odd[kRows], high[kRows], high_odd[kRows];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
    x[r] = job.rows[row + r] + channel;
    low[r] = low_odd[r] = high[r] = high_odd[r] = hn::Zero(d32);
  }
  const std::int16_t* w = job.panel + channel;
  for (std::size_t t = 0; t + 1 < job.stretches.size(); t += 2, w += 2 * kPanel) {
    const std::int64_t first = job.stretches[t].offset, second = job.stretches[t + 1].offset;
    const auto wa = hn::LoadU(d16, w), wb = hn::LoadU(d16, w + kPanel);
    const auto w_low = hn::InterleaveLower(d16, wa, wb), w_high = hn::InterleaveUpper(d16, wa, wb);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const auto a = hn::LoadU(d16, x[r] + first), b = hn::LoadU(d16, x[r] + second);
      low[r] = hn::ReorderWidenMulAccumulate(d32, hn::InterleaveLower(d16, a, b), w_low, low[r], low_odd[r]);
      high[r] = hn::ReorderWidenMulAccumulate(d32, hn::InterleaveUpper(d16, a, b), w_high, high[r], high_odd[r]);
    }
  }
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d32));
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
    V first = hn::RearrangeToOddPlusEven(low[r], low_odd[r]), second = hn::RearrangeToOddPlusEven(high[r], high_odd[r]);
    if constexpr (hn::MaxLanes(C32()) > 4) {
      const V halves = first;
      first = hn::ConcatLowerLower(d32, second, halves);
      second = hn::ConcatUpperUpper(d32, second, halves);
    }
    const std::int32_t* const start = job.start + (row + r) * job.start_stride + channel;
    std::int32_t* const to = job.sums + (row + r) * kPanel + channel;
    hn::StoreU(hn::Add(first, hn::LoadU(d32, start)), d32, to);
    hn::StoreU(hn::Add(second, hn::LoadU(d32, start + lanes)), d32, to + lanes);
  }
}

void MultiplyChannels(const TileJob& job) {
  static_assert(hn::MaxLanes(C32()) <= 8);
  const auto width = static_cast<std::int64_t>(hn::Lanes(C16()));
  for (std::int64_t channel = 0; channel < kPanel; channel += width) {
    std::int64_t row = 0;
    for (; row + 4 <= job.row_count; row += 4) run_channels<4>(job, row, channel);
    for (; row < job.row_count; ++row) run_channels<1>(job, row, channel);
  }
}

#endif

const char* TargetName() { return hwy::TargetName(HWY_TARGET); }

}  // namespace HWY_NAMESPACE
}  // namespace obz::fast
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace obz::fast {

HWY_EXPORT(MultiplyPairs);
HWY_EXPORT(MultiplyChannels);
HWY_EXPORT(TargetName);

void multiply_pairs(const TileJob& job) { HWY_DYNAMIC_DISPATCH(MultiplyPairs)(job); }
void multiply_channels(const TileJob& job) { HWY_DYNAMIC_DISPATCH(MultiplyChannels)(job); }
std::string_view target_name() { return HWY_DYNAMIC_DISPATCH(TargetName)(); }

}  // namespace obz::fast
#endif
