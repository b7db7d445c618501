// The instructions that CUDA C++ has no word for: mma.sync on the integer tensor core of sm_75, ldmatrix, prmt with
// signs. Fragments: with g = lane / 4 and t = lane % 4, a lane's register of A holds bytes 4t .. 4t + 3 of row g, of B
// bytes 4t .. 4t + 3 of column g, and of C and D columns 2t and 2t + 1 of row g, whatever the element's width.
#pragma once

#include <cstdint>

namespace obz::gpu {

enum class Operand : std::uint8_t { s8, u8, s4, u4, b1 };

/// d += A * B for an 8 x 8 tile; 16 deep (8 bits), 32 deep (4 bits) or 128 deep (b1: counts of a xor b). One warp, all
/// lanes. Saturate: the 32-bit sums clamp instead of wrapping.
template <Operand A, Operand B, bool Saturate = false>
__device__ __forceinline__ void mma(std::int32_t (&d)[2], std::uint32_t a, std::uint32_t b) {
#define OBZ_MMA(SHAPE) \
  asm volatile("mma.sync.aligned." SHAPE " {%0, %1}, {%2}, {%3}, {%0, %1};" : "+r"(d[0]), "+r"(d[1]) : "r"(a), "r"(b))
#define OBZ_MMA_OF(A_TYPE, B_TYPE, SHAPE)                                  \
  if constexpr (A == Operand::A_TYPE && B == Operand::B_TYPE) {            \
    if constexpr (Saturate) {                                              \
      OBZ_MMA(SHAPE ".row.col.satfinite.s32." #A_TYPE "." #B_TYPE ".s32"); \
    } else {                                                               \
      OBZ_MMA(SHAPE ".row.col.s32." #A_TYPE "." #B_TYPE ".s32");           \
    }                                                                      \
  }
  OBZ_MMA_OF(s8, s8, "m8n8k16")
  OBZ_MMA_OF(s8, u8, "m8n8k16")
  OBZ_MMA_OF(u8, s8, "m8n8k16")
  OBZ_MMA_OF(u8, u8, "m8n8k16")
  OBZ_MMA_OF(s4, s4, "m8n8k32")
  OBZ_MMA_OF(s4, u4, "m8n8k32")
  OBZ_MMA_OF(u4, s4, "m8n8k32")
  OBZ_MMA_OF(u4, u4, "m8n8k32")
  if constexpr (A == Operand::b1) {
    static_assert(B == Operand::b1 && !Saturate, "bits meet bits, and their counts cannot saturate");
    OBZ_MMA("m8n8k128.row.col.s32.b1.b1.s32.xor.popc");
  }
#undef OBZ_MMA_OF
#undef OBZ_MMA
}

/// Four matrices of 8 rows of 16 bytes: lane l gives the address of row l % 8 of matrix l / 8, aligned to 16; r[m] is
/// then the lane's fragment of matrix m.
__device__ __forceinline__ void ldmatrix_x4(std::uint32_t (&r)[4], const void* shared) {
  const auto address = static_cast<std::uint32_t>(__cvta_generic_to_shared(shared));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(address)
               : "memory");
}

/// Four bytes picked from `low` (0 .. 3) and `high` (4 .. 7), a nibble of `selector` each; with its bit 3 set, the
/// byte's sign eight times instead.
__device__ __forceinline__ std::uint32_t permute(std::uint32_t low, std::uint32_t high, std::uint32_t selector) {
  std::uint32_t out;
  asm("prmt.b32 %0, %1, %2, %3;" : "=r"(out) : "r"(low), "r"(high), "r"(selector));
  return out;
}

}  // namespace obz::gpu
