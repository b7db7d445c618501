// Layout: a slice of an operand in shared memory, rows of 16-byte pieces, permuted so that neither the stores of the
// loader nor ldmatrix ever meet in a bank.
#pragma once

#include <cstdint>

namespace obz::gpu {

/// Pieces per row: 2, 4 or 8. Eight rows of one piece, which ldmatrix reads at once, fall into eight different groups
/// of four banks.
template <int Pieces>
struct SharedTile {
  static constexpr int kRowBytes = Pieces * 16;

  /// Of eight pieces the neighbouring row takes the other half: the loader stores half rows of two at a time.
  static __device__ __forceinline__ int twist(int row) {
    if constexpr (Pieces == 8) return row % 2 * 4 + row / 2 % 4;
    return (row / (8 / Pieces)) % Pieces;
  }
  static __device__ __forceinline__ int offset(int row, int piece) {
    return row * kRowBytes + ((piece ^ twist(row)) * 16);
  }
};

}  // namespace obz::gpu
