// From sums in fragments to outputs in memory: through shared memory, so that a lane gets four neighbouring channels of
// a row, keeps their parameters in registers, and writes whole sectors. Nothing 32 bits wide reaches device memory,
// unless that is the output's type.
#pragma once

#include "gpu/kernels/abi.hpp"
#include "gpu/kernels/quad.cuh"
#include "gpu/kernels/requantizer.cuh"
#include "gpu/kernels/residual.cuh"
#include "gpu/kernels/tile.hpp"

namespace obz::gpu {

/// One of four without an array in memory.
template <class T>
__device__ __forceinline__ T pick(const T (&four)[4], int e) {
  return e == 0 ? four[0] : e == 1 ? four[1] : e == 2 ? four[2] : four[3];
}

/// v[e] = of(e) for four e with one copy of the code. Calls would do, but those save registers in memory.
template <class F>
__device__ __forceinline__ void one_by_one(std::int32_t (&v)[4], F&& of) {
  std::int32_t out[4] = {};
#pragma unroll 1
  for (int e = 0; e < 4; ++e) {
    const std::int32_t value = of(e);
#pragma unroll
    for (int k = 0; k < 4; ++k) out[k] = k == e ? value : out[k];
  }
#pragma unroll
  for (int k = 0; k < 4; ++k) v[k] = out[k];
}

/// The parameters of four neighbouring channels, in registers, and what they make of sums.
struct AnyChannels {
  DyadicChannel c[4];

  __device__ __forceinline__ AnyChannels(const ConvArgs& args, int first) {
#pragma unroll
    for (int e = 0; e < 4; ++e) c[e] = global<const DyadicChannel>(args.channels)[first + e];
  }
  __device__ __forceinline__ void requantize_quad(const ConvArgs& args, RecipeKind kind, const int (&sum)[4],
                                                  std::int32_t (&v)[4]) const {
    std::int64_t acc[4];
#pragma unroll
    for (int e = 0; e < 4; ++e) acc[e] = accumulate(sum[e] + c[e].bias, args.requant);
    if (kind != RecipeKind::any) {
#pragma unroll
      for (int e = 0; e < 4; ++e) v[e] = requantize_known(acc[e], kind, widened(c[e]));
    } else {
      one_by_one(v, [&](int e) {
        return static_cast<std::int32_t>(requantize(pick(acc, e), args.requant.recipe, widened(pick(c, e))));
      });
    }
  }
};

/// The same for recipes that the compiler knows, in a third of the registers.
struct CompactChannels {
  CompactChannel c[4];

  __device__ __forceinline__ CompactChannels(const ConvArgs& args, int first) {
#pragma unroll
    for (int e = 0; e < 4; ++e) {
      const int4 raw = __ldg(global<const int4>(args.channels) + first + e);
      c[e] = {raw.x, raw.y, static_cast<std::uint32_t>(raw.z)};
    }
  }
  __device__ __forceinline__ void requantize_quad(const ConvArgs& args, RecipeKind kind, const int (&sum)[4],
                                                  std::int32_t (&v)[4]) const {
#pragma unroll
    for (int e = 0; e < 4; ++e) {
      Channel wide;
      wide.multiplier = c[e].multiplier;
      wide.shift = c[e].shift;
      wide.zero_point = args.zero_point;
      wide.lo = args.lo;
      wide.hi = args.hi;
      const auto acc = static_cast<std::int32_t>(static_cast<std::uint32_t>(sum[e]) + c[e].bias);
      v[e] = requantize_known(acc, kind, wide);
    }
  }
};

/// Four outputs, the residual branch added where there is one.
template <class Channels>
__device__ __forceinline__ void write_quad(const ConvArgs& args, RecipeKind kind, int row, int channel, const int4& sums,
                                           const Channels& channels) {
  const int sum[4] = {sums.x, sums.y, sums.z, sums.w};
  std::int32_t v[4];
  channels.requantize_quad(args, kind, sum, v);
  if (args.residual.other.data != 0) {
    std::int32_t other[4];
    load_quad(args.residual.other, row, channel, other);
    const std::int32_t mine[4] = {v[0], v[1], v[2], v[3]};
    one_by_one(v, [&](int e) { return join(args.residual, pick(mine, e), pick(other, e)); });
  }
  store_quad(args.y, row, channel, v);
}

/// The piece of a warp: `staging` is its own part of shared memory, 16 rows of kPitch words.
template <class Tile, class Sums>
__device__ __forceinline__ void write_tile(const ConvArgs& args, const Sums& sums, int* staging, int first_row,
                                           int first_channel) {
  constexpr int kPitch = Tile::kWarpColumns + 8;  // eight rows of two words: all banks
  constexpr int kQuads = Tile::kWarpColumns / 4, kRowsAtOnce = 32 / kQuads;
  const int lane = static_cast<int>(threadIdx.x) % 32, g = lane / 4, t = lane % 4;
  const int channel = first_channel + lane % kQuads * 4;
  const bool wanted = channel < args.y.row_bytes * 8 / args.y.bits;
  const RecipeKind kind = kind_of(args.requant.recipe);

  const typename Tile::Channels own(args, channel);

  // One copy of what follows: the sums, which are in registers, are picked by a branch for each block.
#pragma unroll 1
  for (int block = 0; block < Tile::kWarpRows / 16; ++block) {
#pragma unroll
    for (int i = 0; i < Tile::kWarpRows / 8; ++i) {
      if (i / 2 != block) continue;
#pragma unroll
      for (int j = 0; j < Tile::kWarpColumns / 8; ++j) {
        *reinterpret_cast<int2*>(staging + (8 * (i % 2) + g) * kPitch + 8 * j + 2 * t) =
            make_int2(sums.sum(i, j, 0), sums.sum(i, j, 1));
      }
    }
    __syncwarp();
#pragma unroll 1
    for (int r = lane / kQuads; r < 16; r += kRowsAtOnce) {
      const int4 quad = *reinterpret_cast<const int4*>(staging + r * kPitch + lane % kQuads * 4);
      const int row = first_row + 16 * block + r;
      if (wanted && row < args.y.rows) write_quad(args, kind, row, channel, quad, own);
    }
    __syncwarp();
  }
}

}  // namespace obz::gpu
