// The arithmetic of one instruction for all 32 lanes of a warp: plain loops, compiled once for the machine's baseline
// and once for AVX2. Nothing here knows of warps; lanes that must not change are restored by the caller.
#pragma once

#include <cstddef>
#include <cstdint>

namespace obz::ptx {

inline constexpr int kLanes = 32;

struct LaneArgs {
  std::byte* d = nullptr;  ///< 32 results; 32-byte aligned, as all rows
  const std::byte* a = nullptr;
  const std::byte* b = nullptr;
  const std::byte* c = nullptr;
  const std::byte* e = nullptr;
  std::uint32_t in = 0;   ///< a predicate, or the carries
  std::uint32_t out = 0;  ///< likewise
  std::uint32_t imm = 0;  ///< lop3's table
};
using LaneFn = void (*)(LaneArgs&);

/// From memory to `count` rows, element k of lane i from from[i] + k * size, for the lanes of `mask`.
using GatherFn = void (*)(std::byte* const* rows, const std::byte* const* from, int count, std::uint32_t mask);
using ScatterFn = void (*)(const std::byte* const* rows, std::byte* const* to, int count, std::uint32_t mask);

enum class LaneType : std::uint8_t { u8, s8, u16, s16, u32, s32, u64, s64 };
inline constexpr std::uint32_t bytes_of(LaneType t) { return 1U << (static_cast<std::uint32_t>(t) / 2); }
inline constexpr bool is_signed(LaneType t) { return static_cast<std::uint32_t>(t) % 2 == 1; }

enum class LaneOp : std::uint8_t {
  mov,
  add,
  sub,
  mul_lo,
  mul_hi,
  mul_wide,
  mad_lo,
  mad_hi,
  mad_wide,
  mad_hi_sat,
  mul24_lo,
  mul24_hi,
  mad24_lo,
  mad24_hi,
  mad24_hi_sat,
  add_sat,
  sub_sat,
  div,
  rem,
  abs,
  neg,
  min,
  max,
  sad,
  bit_and,
  bit_or,
  bit_xor,
  bit_not,
  cnot,
  shl,
  shr,
  popc,
  clz,
  brev,
  bfind,
  bfind_shift,
  fns,
  bfe,
  bfi,
  lop3,
  shf_l_clamp,
  shf_l_wrap,
  shf_r_clamp,
  shf_r_wrap,
  prmt,
  prmt_f4e,
  prmt_b4e,
  prmt_rc8,
  prmt_ecl,
  prmt_ecr,
  prmt_rc16,
  dp4a_uu,
  dp4a_us,
  dp4a_su,
  dp4a_ss,
  dp2a_lo_uu,
  dp2a_lo_us,
  dp2a_lo_su,
  dp2a_lo_ss,
  dp2a_hi_uu,
  dp2a_hi_us,
  dp2a_hi_su,
  dp2a_hi_ss,
  slct,
  select,
  add_carry,
  sub_borrow,
  mad_lo_carry,
  mad_hi_carry,  ///< carries in `in` and `out`
  eq,
  ne,
  lt,
  le,
  gt,
  ge,  ///< into `out`
  bmsk_clamp,
  bmsk_wrap,
  szext_clamp,
  szext_wrap,
  pack_signed,
  pack_unsigned,  ///< cvt.pack; imm: bits of a field
};

/// nullptr when the operation does not know the type.
LaneFn lane_function(LaneOp op, LaneType type);

/// cvt: `from` out of rows of `from_row` bytes, to `to` in rows of `to_row` bytes (extended as `to` says); `saturate`
/// clamps to `to` where it would wrap. The function wants `imm` in LaneArgs; it is nullptr where a type does not fit.
struct Conversion {
  LaneFn function = nullptr;
  std::uint32_t imm = 0;
};
Conversion conversion(LaneType from, std::uint32_t from_row, LaneType to, std::uint32_t to_row, bool saturate);

/// Loads of `type` into rows of `row` bytes, and stores of the low bytes of such rows.
GatherFn gather_function(LaneType type, std::uint32_t row);
ScatterFn scatter_function(std::uint32_t bytes, std::uint32_t row);

/// d = mask's lanes of `from`, others unchanged; rows of `bytes` each lane.
using BlendFn = void (*)(std::byte* d, const std::byte* from, std::uint32_t mask);
BlendFn blend_function(std::uint32_t bytes);

/// mma.sync m8n8 over 128-bit rows. d, c: two rows each; a, b: one row. d may be c.
struct MmaArgs {
  std::byte *d0, *d1;
  const std::byte *a, *b, *c0, *c1;
};
using MmaFn = void (*)(const MmaArgs&);
enum class MmaType : std::uint8_t { s8, u8, s4, u4, b1_xor, b1_and };
MmaFn mma_function(MmaType a, MmaType b, bool saturate);

}  // namespace obz::ptx
