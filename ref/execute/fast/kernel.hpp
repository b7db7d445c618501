// The multiply-accumulate kernels: int16 operands, int32 lanes, a tile of rows x kPanel output channels.
// They add modulo 2^32 and never saturate; ref/execute/fast/pack.hpp proves where that is the exact sum.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace obz::fast {

/// Output channels that a kernel computes side by side; weights are packed in panels of this width.
inline constexpr std::int64_t kPanel = 16;

/// A stretch of the depth that is contiguous in every row: `steps` kernel steps starting at `offset`.
struct Stretch {
  std::int64_t offset = 0;  ///< from the row's base, in elements
  std::int64_t steps = 0;   ///< of 2 elements; depthwise: unused
};

/// sums[r][c] = start[r][c] + sum over all steps of row r with the panel's channel c.
struct TileJob {
  const std::int16_t* const* rows = nullptr;  ///< base of every row
  std::int64_t row_count = 0;
  std::span<const Stretch> stretches;
  const std::int16_t* panel = nullptr;  ///< 2 * kPanel values a step, stretch after stretch, 64-byte aligned
  const std::int32_t* start = nullptr;
  std::int64_t start_stride = 0;  ///< 0: every row starts from the same kPanel values
  std::int32_t* sums = nullptr;   ///< row_count x kPanel; may be `start`
};

using Kernel = void (*)(const TileJob&);

/// Dot products. A step is two neighbours of the row with two weights of each channel: vpmaddwd and its kin.
/// A stretch of odd length is padded with a zero weight, so the element behind it must be readable.
void multiply_pairs(const TileJob& job);

/// Channel by channel. A stretch is one tap: kPanel neighbours of the row, each with the weight of its own channel;
/// their number is even, and a step is two of them. All kPanel elements must be readable.
void multiply_channels(const TileJob& job);

/// "AVX2": the best instructions that this machine and this build share.
std::string_view target_name();

}  // namespace obz::fast
