// Instruction: how a slice of 64 bytes of depth becomes sums, for each way to multiply. A product says how many pieces
// of 16 bytes a slice of each operand has, and turns fragments into the one 32-bit sum of an output (modulo 2^32: the
// host sees to it that this is the sum, or that the accumulator wraps there anyway).
#pragma once

#include "gpu/kernels/abi.hpp"
#include "gpu/kernels/instruction.cuh"
#include "gpu/kernels/shared_tile.cuh"

namespace obz::gpu {

/// The fragments of `Count` groups of eight rows, from rows `first_row`... of a shared tile, at one piece.
template <int Count, int Pieces>
__device__ __forceinline__ void load_fragments(unsigned (&r)[Count], const unsigned char* tile, int first_row,
                                               int piece) {
  static_assert(Count % 4 == 0);
  const int lane = threadIdx.x % 32;
#pragma unroll
  for (int i = 0; i < Count; i += 4) {
    unsigned four[4];
    ldmatrix_x4(four, tile + SharedTile<Pieces>::offset(first_row + 8 * i + lane, piece));
#pragma unroll
    for (int k = 0; k < 4; ++k) r[i + k] = four[k];
  }
}

/// Elements as the tensor core takes them: 4 and 8 bits.
template <Operand A, Operand B>
struct Plain {
  static constexpr int kXPlanes = 1, kXPieces = 4;
  static constexpr int kWPlanes = 1, kWPieces = 4;

  template <int M, int N>
  struct Sums {
    int acc[M][N][2] = {};

    __device__ __forceinline__ void slice(const unsigned char* x, int x_row, const unsigned char* w, int w_row) {
#pragma unroll
      for (int piece = 0; piece < 4; ++piece) {
        unsigned a[M], b[N];
        load_fragments<M, 4>(a, x, x_row, piece);
        load_fragments<N, 4>(b, w, w_row, piece);
#pragma unroll
        for (int i = 0; i < M; ++i) {
#pragma unroll
          for (int j = 0; j < N; ++j) mma<A, B, false>(acc[i][j], a[i], b[j]);
        }
      }
    }
    __device__ __forceinline__ void finish(const ConvArgs&, int) {}
    __device__ __forceinline__ int sum(int i, int j, int e) const { return acc[i][j][e]; }
  };
};

/// Elements of up to 16 bits as two bytes each, the low one unsigned. X: bytes of an element of x (2: elements of 16
/// bits in memory, taken apart here), W: planes of bytes of the weights, which are signed. Top: the type of x's upper
/// byte.
template <int X, int W, Operand Top>
struct Limbs {
  static constexpr int kXPlanes = 1, kXPieces = 4;
  static constexpr int kWPlanes = W, kWPieces = X == 2 ? 2 : 4;  ///< of a plane
  static constexpr int kShifts = X + W - 1;                      ///< products are worth 2^0, 2^8, 2^16

  template <int M, int N>
  struct Sums {
    int acc[kShifts][M][N][2] = {};

    template <Operand A, Operand B>
    __device__ __forceinline__ void multiply(int shift, const unsigned (&a)[M], const unsigned (&b)[N]) {
#pragma unroll
      for (int i = 0; i < M; ++i) {
#pragma unroll
        for (int j = 0; j < N; ++j) mma<A, B, false>(acc[shift][i][j], a[i], b[j]);
      }
    }

    __device__ __forceinline__ void slice(const unsigned char* x, int x_row, const unsigned char* w, int w_row) {
      constexpr int kPieces = kWPlanes * kWPieces;
#pragma unroll
      for (int piece = 0; piece < kWPieces; ++piece) {
        unsigned low[M], high[M], b[N];
        if constexpr (X == 2) {
          // Two pieces hold 16 elements; even bytes are low. The weights lie in the order that this gives.
          unsigned first[M], second[M];
          load_fragments<M, 4>(first, x, x_row, 2 * piece);
          load_fragments<M, 4>(second, x, x_row, 2 * piece + 1);
#pragma unroll
          for (int i = 0; i < M; ++i) {
            low[i] = __byte_perm(first[i], second[i], 0x6420);
            high[i] = __byte_perm(first[i], second[i], 0x7531);
          }
        } else {
          load_fragments<M, 4>(high, x, x_row, piece);
        }
        load_fragments<N, kPieces>(b, w, w_row, piece);
        if constexpr (W == 2) {
          if constexpr (X == 2) multiply<Operand::u8, Operand::u8>(0, low, b);
          multiply<Top, Operand::u8>(X - 1, high, b);
          load_fragments<N, kPieces>(b, w, w_row, kWPieces + piece);
        }
        if constexpr (X == 2) multiply<Operand::u8, Operand::s8>(W - 1, low, b);
        multiply<Top, Operand::s8>(kShifts - 1, high, b);
      }
    }
    __device__ __forceinline__ void finish(const ConvArgs&, int) {}
    __device__ __forceinline__ int sum(int i, int j, int e) const {
      unsigned total = 0;
#pragma unroll
      for (int s = 0; s < kShifts; ++s) total += static_cast<unsigned>(acc[s][i][j][e]) << (8 * s);
      return static_cast<int>(total);
    }
  };
};

/// Elements of one or two bits, taken apart into planes. The tensor core counts x ^ w; what is wanted is x & w:
///   2 popc(x & w) = popc(x) + popc(w) - popc(x ^ w),
/// so that, a plane being worth v_p or v_q,
///   2 sum(x w) = (sum_q v_q) sum(x) + (sum_p v_p) sum(w) - sum_pq v_p v_q popc(x_p ^ w_q).
template <int X, int W>
struct Planes {
  static constexpr int kXPlanes = X, kXPieces = 4;
  static constexpr int kWPlanes = W, kWPieces = 4;

  /// What a plane is worth: a power of two, negative on top of a signed type.
  static __device__ __forceinline__ int worth(int plane, int planes, bool is_signed) {
    return is_signed && plane == planes - 1 ? -(1 << plane) : 1 << plane;
  }

  template <int M, int N>
  struct Sums {
    int acc[X][W][M][N][2] = {};
    int bits[X][M] = {};  ///< popc of the row's words that this lane holds
    int row_term[M];      ///< (sum_q v_q) sum(x), for the lane's row of each fragment
    int x_worth[X], w_worth[W], columns_worth;
    const int* weight_sums;

    __device__ __forceinline__ void slice(const unsigned char* x, int x_row, const unsigned char* w, int w_row) {
#pragma unroll
      for (int piece = 0; piece < 4; ++piece) {
#pragma unroll
        for (int p = 0; p < X; ++p) {
          unsigned a[M];
          load_fragments<M, 4 * X>(a, x, x_row, 4 * p + piece);
#pragma unroll
          for (int i = 0; i < M; ++i) bits[p][i] += __popc(a[i]);
#pragma unroll
          for (int q = 0; q < W; ++q) {
            unsigned b[N];
            load_fragments<N, 4 * W>(b, w, w_row, 4 * q + piece);
#pragma unroll
            for (int i = 0; i < M; ++i) {
#pragma unroll
              for (int j = 0; j < N; ++j) mma<Operand::b1, Operand::b1, false>(acc[p][q][i][j], a[i], b[j]);
            }
          }
        }
      }
    }

    /// Four lanes share a row.
    __device__ __forceinline__ void finish(const ConvArgs& args, int first_column) {
      int scale = 0;
      columns_worth = 0;
#pragma unroll
      for (int q = 0; q < W; ++q) scale += w_worth[q] = worth(q, W, args.weights_signed != 0);
#pragma unroll
      for (int p = 0; p < X; ++p) columns_worth += x_worth[p] = worth(p, X, args.x.is_signed);
#pragma unroll
      for (int i = 0; i < M; ++i) {
        int row = 0;
#pragma unroll
        for (int p = 0; p < X; ++p) row += x_worth[p] * bits[p][i];
        row += __shfl_xor_sync(~0U, row, 1);
        row += __shfl_xor_sync(~0U, row, 2);
        row_term[i] = scale * row;
      }
      weight_sums = reinterpret_cast<const int*>(args.weight_sums) + first_column + threadIdx.x % 4 * 2;
    }
    __device__ __forceinline__ int sum(int i, int j, int e) const {
      int twice = row_term[i] + columns_worth * weight_sums[8 * j + e];
#pragma unroll
      for (int p = 0; p < X; ++p) {
#pragma unroll
        for (int q = 0; q < W; ++q) twice -= x_worth[p] * w_worth[q] * acc[p][q][i][j][e];
      }
      return twice >> 1;  // has not wrapped: depths are below 2^28
    }
  };
};

}  // namespace obz::gpu
