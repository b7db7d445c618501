// Convolution as a matrix product that is never written out: rows are output pixels, columns output channels, the depth
// runs over the window's pixels and their channels in slices of 64 bytes. While the tensor core works on a slice in one
// half of shared memory, the next one is on its way to the other.
#pragma once

#include "gpu/kernels/epilogue.cuh"
#include "gpu/kernels/load.cuh"
#include "gpu/kernels/product.cuh"
#include "gpu/kernels/tile.hpp"

namespace obz::gpu {

template <class Product, class Tile, Pixels kind>
__device__ __forceinline__ void convolve(const ConvArgs& args) {
  constexpr int kM = Tile::kWarpRows / 8, kN = Tile::kWarpColumns / 8;
  using X = XLoader<Tile::kRows, Tile::kThreads, Product::kXPlanes, kind>;
  using W = WLoader<Tile::kColumns, Tile::kThreads, Product::kWPlanes, Product::kWPieces>;
  constexpr int kXBytes = Tile::kRows * X::Shared::kRowBytes, kWBytes = Tile::kColumns * W::Shared::kRowBytes;
  constexpr int kBytes = 2 * (kXBytes + kWBytes);
  constexpr int kStagingBytes = 16 * (Tile::kWarpColumns + 8) * 4;
  static_assert(kStagingBytes * Tile::kWarps <= kBytes);
  __shared__ alignas(128) unsigned char shared[kBytes];

  const int first_row = static_cast<int>(blockIdx.x) * Tile::kRows;
  const int first_column = static_cast<int>(blockIdx.y) * Tile::kColumns;
  const int warp = static_cast<int>(threadIdx.x) / 32;
  constexpr int kWarpsAcross = Tile::kColumns / Tile::kWarpColumns;
  const int warp_row = warp / kWarpsAcross * Tile::kWarpRows, warp_column = warp % kWarpsAcross * Tile::kWarpColumns;

  typename Product::template Sums<kM, kN> sums;
  X x(args, first_row);
  W w(args, first_column);
  const int slices = args.depth_chunks / 4;

  x.fetch(0);
  w.fetch(0);
  x.keep(shared);
  w.keep(shared + kXBytes);
  __syncthreads();
#pragma unroll 1
  for (int slice = 0; slice < slices; ++slice) {
    const bool more = slice + 1 < slices;
    if (more) {
      x.fetch(slice + 1);
      w.fetch(slice + 1);
    }
    const unsigned char* now = shared + slice % 2 * (kXBytes + kWBytes);
    sums.slice(now, warp_row, now + kXBytes, warp_column);
    if (more) {
      unsigned char* next = shared + (slice + 1) % 2 * (kXBytes + kWBytes);
      x.keep(next);
      w.keep(next + kXBytes);
    }
    __syncthreads();
  }
  sums.finish(args, first_column + warp_column);
  write_tile<Tile>(args, sums, reinterpret_cast<int*>(shared) + warp * (kStagingBytes / 4), first_row + warp_row,
                   first_column + warp_column);
}

}  // namespace obz::gpu

/// A kernel of this name.
#define OBZ_CONV(name, product, tile, pixels)                                              \
  extern "C" __global__ void __launch_bounds__(obz::gpu::tile::kThreads, 1)                \
      name(const __grid_constant__ obz::gpu::ConvArgs args) {                              \
    obz::gpu::convolve<obz::gpu::product, obz::gpu::tile, obz::gpu::Pixels::pixels>(args); \
  }
