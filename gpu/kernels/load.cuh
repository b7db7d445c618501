// Memory: from device memory to registers and from there into shared memory, a slice ahead of the multiplication.
#pragma once

#include "gpu/kernels/abi.hpp"
#include "gpu/kernels/shared_tile.cuh"

namespace obz::gpu {

/// Whole: pixels of 16-byte pieces. Narrow: pixels of 4 bytes, four of them, side by side in a window, make a piece.
enum class Pixels { whole, narrow };

/// The pieces of x that one thread brings: the same place of the depth for several pixels.
template <int Rows, int Threads, int Planes, Pixels kind>
class XLoader {
 public:
  static constexpr int kStep = Threads / 4;  ///< rows brought at once, four threads a row
  static constexpr int kCount = Rows / kStep;
  using Shared = SharedTile<4 * Planes>;

  __device__ __forceinline__ XLoader(const ConvArgs& args, int first_row) : args_(args) {
    const Geometry& g = args.g;
    const int row_bytes = args.x.row_bytes;
    step_w_ = args.hwnc != 0 ? g.n * row_bytes : row_bytes;
    const int step_n = args.hwnc != 0 ? row_bytes : g.h * g.w * row_bytes;
    const int inner = args.hwnc != 0 ? g.n : g.out_w, middle = args.hwnc != 0 ? g.out_w : g.out_h;
#pragma unroll
    for (int i = 0; i < kCount; ++i) {
      const int m = first_row + static_cast<int>(threadIdx.x) / 4 + i * kStep;
      const int outer = m / inner, c = m % inner, a = outer / middle, b = outer % middle;
      const int n = args.hwnc != 0 ? c : a, oh = args.hwnc != 0 ? a : b, ow = args.hwnc != 0 ? b : c;
      y_[i] = m < args.y.rows ? oh * g.stride_h - g.pad_top : kOutside;
      x_[i] = ow * g.stride_w - g.pad_left;
      base_[i] = n * step_n + (oh * g.stride_h - g.pad_top) * g.w * step_w_ + x_[i] * step_w_;
    }
  }

  __device__ __forceinline__ void fetch(int slice) {
    const int4 raw = __ldg(reinterpret_cast<const int4*>(args_.taps) + slice * 4 + threadIdx.x % 4);
    const int offset = raw.x, dy = raw.y, dx = raw.z;
    const Geometry& g = args_.g;
#pragma unroll
    for (int i = 0; i < kCount; ++i) {
      const bool row_inside = static_cast<unsigned>(y_[i] + dy) < static_cast<unsigned>(g.h);
#pragma unroll
      for (int p = 0; p < Planes; ++p) {
        const char* at = reinterpret_cast<const char*>(args_.x.data) + p * args_.x_plane_bytes + base_[i] + offset;
        const int pad = static_cast<int>(args_.padding[p]);
        int4 piece = make_int4(pad, pad, pad, pad);
        if constexpr (kind == Pixels::whole) {
          if (row_inside && inside(i, dx)) piece = __ldg(reinterpret_cast<const int4*>(at));
        } else {
          const int d = g.dilation_w, step = d * step_w_;
          if (row_inside && inside(i, dx)) piece.x = __ldg(reinterpret_cast<const int*>(at));
          if (row_inside && inside(i, dx + d)) piece.y = __ldg(reinterpret_cast<const int*>(at + step));
          if (row_inside && inside(i, dx + 2 * d)) piece.z = __ldg(reinterpret_cast<const int*>(at + 2 * step));
          if (row_inside && inside(i, dx + 3 * d)) piece.w = __ldg(reinterpret_cast<const int*>(at + 3 * step));
        }
        held_[p][i] = piece;
      }
    }
  }

  __device__ __forceinline__ void keep(unsigned char* shared) const {
#pragma unroll
    for (int i = 0; i < kCount; ++i) {
#pragma unroll
      for (int p = 0; p < Planes; ++p) {
        const int row = static_cast<int>(threadIdx.x) / 4 + i * kStep;
        *reinterpret_cast<int4*>(shared + Shared::offset(row, 4 * p + threadIdx.x % 4)) = held_[p][i];
      }
    }
  }

 private:
  static constexpr int kOutside = -(1 << 28);  ///< no tap comes back from there

  __device__ __forceinline__ bool inside(int i, int dx) const {
    return static_cast<unsigned>(x_[i] + dx) < static_cast<unsigned>(args_.g.w);
  }

  const ConvArgs& args_;
  int step_w_, y_[kCount], x_[kCount], base_[kCount];
  int4 held_[Planes][kCount];
};

/// The pieces of the weights: rows are output channels, padded on the host.
template <int Rows, int Threads, int Planes, int Pieces>
class WLoader {
 public:
  static constexpr int kAll = Planes * Pieces;  ///< pieces of a row in shared memory
  static constexpr int kCount = Rows * kAll / Threads;
  using Shared = SharedTile<kAll>;

  __device__ __forceinline__ WLoader(const ConvArgs& args, int first_row) {
    const int depth = args.depth_chunks * Pieces / 4;  // pieces of a row of one plane
#pragma unroll
    for (int i = 0; i < kCount; ++i) {
      const int at = static_cast<int>(threadIdx.x) + i * Threads, row = at / kAll, piece = at % kAll;
      from_[i] = reinterpret_cast<const int4*>(args.weights + piece / Pieces * args.weight_plane_bytes) +
                 static_cast<std::int64_t>(first_row + row) * depth + piece % Pieces;
    }
  }
  __device__ __forceinline__ void fetch(int slice) {
#pragma unroll
    for (int i = 0; i < kCount; ++i) held_[i] = __ldg(from_[i] + slice * Pieces);
  }
  __device__ __forceinline__ void keep(unsigned char* shared) const {
#pragma unroll
    for (int i = 0; i < kCount; ++i) {
      const int at = static_cast<int>(threadIdx.x) + i * Threads;
      *reinterpret_cast<int4*>(shared + Shared::offset(at / kAll, at % kAll)) = held_[i];
    }
  }

 private:
  const int4* from_[kCount];
  int4 held_[kCount];
};

}  // namespace obz::gpu
