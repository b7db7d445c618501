// The 8-bit multiply-accumulate kernel: unsigned bytes times signed bytes. Products are added in pairs (vpmaddubsw) and
// over the steps of a segment (vpaddw) in 16-bit lanes, and in 32 bits from segment to segment.
// ref/execute/fast/segments.hpp proves that no sum of a segment leaves 16 bits.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "ref/execute/fast/kernel.hpp"

namespace obz::fast {

/// Segments of so many steps run unrolled, with their 16-bit sums in registers for the time of one row.
inline constexpr std::array<int, 5> kFusedSteps = {8, 4, 3, 2, 1};

inline constexpr std::int64_t kChunk = 32, kMostChunks = 44;

/// Consecutive steps of one panel. A step is 4 neighbouring bytes of every row, at its own offset from the row's base,
/// with 4 weights of each channel.
///
/// With chunks, the offsets mean bytes that have been put in another order: chunk i of a row is the kChunk bytes at
/// chunks[i] from its base, each half of 16 of them ordered by its own pattern, and stands at kChunk * i.
struct ByteProgram {
  const std::int32_t* offsets = nullptr;                    ///< one a step
  const std::int8_t* weights = nullptr;                     ///< [step][channel][4], 64-byte aligned
  std::array<std::int64_t, kFusedSteps.size()> fused = {};  ///< so many segments of kFusedSteps[i] steps, in this order
  bool has_fused = false;                                   ///< some of them is not 0
  const std::int32_t* lengths = nullptr;                    ///< then these, of as many steps as each says
  std::int64_t length_count = 0;
  const std::int32_t* chunks = nullptr;
  const std::uint8_t* patterns = nullptr;  ///< kChunk a chunk, each 0 .. 15
  std::int64_t chunk_count = 0;            ///< at most kMostChunks; 0: the offsets are from the row's base
};

/// sums[r][c] = start[r][c] + sum over all steps of row r with the panel's channel c, modulo 2^32.
struct ByteTileJob {
  const std::uint8_t* const* rows = nullptr;
  std::int64_t row_count = 0;
  const ByteProgram* program = nullptr;
  const std::int32_t* start = nullptr;
  std::int64_t start_stride = 0;  ///< 0: every row starts from the same kPanel values
  std::int32_t* sums = nullptr;   ///< row_count x kPanel; may be `start`
};

/// Rows that the kernel takes at once; fewer cost almost as much.
inline constexpr std::int64_t kByteRows = 6;

void multiply_bytes(const ByteTileJob& job);

}  // namespace obz::fast
