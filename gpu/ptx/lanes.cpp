// See lanes.hpp. The operations themselves stand in lane_ops.hpp, the tables that choose among them here.
#include "gpu/ptx/lanes.hpp"

// Plain loops gain nothing from the targets between; two keep the build short.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gpu/ptx/lanes.cpp"
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <type_traits>

#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "gpu/ptx/lane_ops-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace obz::ptx {
namespace HWY_NAMESPACE {

// One, two, three or four sources of one type.
template <class Op, class T>
void Map1(LaneArgs& x) {
  T* const d = row<T>(x.d);
  const T* const a = row<T>(x.a);
#pragma GCC ivdep
  for (int i = 0; i < kLanes; ++i) d[i] = Op()(a[i]);
}

template <class Op, class T>
void Map2(LaneArgs& x) {
  T* const d = row<T>(x.d);
  const T* const a = row<T>(x.a);
  const T* const b = row<T>(x.b);
#pragma GCC ivdep
  for (int i = 0; i < kLanes; ++i) d[i] = Op()(a[i], b[i]);
}

template <class Op, class T>
void Map3(LaneArgs& x) {
  T* const d = row<T>(x.d);
  const T* const a = row<T>(x.a);
  const T* const b = row<T>(x.b);
  const T* const c = row<T>(x.c);
#pragma GCC ivdep
  for (int i = 0; i < kLanes; ++i) d[i] = Op()(a[i], b[i], c[i]);
}

/// The second source is a 32-bit number whatever the type: shifts.
template <class Op, class T>
void MapShift(LaneArgs& x) {
  T* const d = row<T>(x.d);
  const T* const a = row<T>(x.a);
  const std::uint32_t* const b = row<std::uint32_t>(x.b);
#pragma GCC ivdep
  for (int i = 0; i < kLanes; ++i) d[i] = Op()(a[i], b[i]);
}

/// The result is 32 bits whatever the type: popc, clz, bfind.
template <class Op, class T>
void MapCount(LaneArgs& x) {
  std::uint32_t* const d = row<std::uint32_t>(x.d);
  const T* const a = row<T>(x.a);
#pragma GCC ivdep
  for (int i = 0; i < kLanes; ++i) d[i] = Op()(a[i]);
}

/// Results twice as wide as the sources.
template <class T>
void MulWide(LaneArgs& x) {
  using W = Wider<T>;
  W* const d = row<W>(x.d);
  const T* const a = row<T>(x.a);
  const T* const b = row<T>(x.b);
#pragma GCC ivdep
  for (int i = 0; i < kLanes; ++i) d[i] = static_cast<W>(static_cast<W>(a[i]) * static_cast<W>(b[i]));
}

template <class T>
void MadWide(LaneArgs& x) {
  using W = Wider<T>;
  using U = std::make_unsigned_t<W>;
  W* const d = row<W>(x.d);
  const T* const a = row<T>(x.a);
  const T* const b = row<T>(x.b);
  const W* const c = row<W>(x.c);
#pragma GCC ivdep
  for (int i = 0; i < kLanes; ++i) {
    const W product = static_cast<W>(static_cast<W>(a[i]) * static_cast<W>(b[i]));
    d[i] = static_cast<W>(static_cast<U>(product) + static_cast<U>(c[i]));
  }
}

/// bfe takes two 32-bit numbers, bfi two values and two of them.
template <class T>
void BitExtract(LaneArgs& x) {
  for (int i = 0; i < kLanes; ++i) {
    row<T>(x.d)[i] = bit_extract(row<T>(x.a)[i], row<std::uint32_t>(x.b)[i], row<std::uint32_t>(x.c)[i]);
  }
}

template <class T>
void BitInsert(LaneArgs& x) {
  T* const d = row<T>(x.d);
  const T* const a = row<T>(x.a);
  const T* const b = row<T>(x.b);
  const std::uint32_t* const c = row<std::uint32_t>(x.c);
  const std::uint32_t* const e = row<std::uint32_t>(x.e);
#pragma GCC ivdep
  for (int i = 0; i < kLanes; ++i) d[i] = bit_insert(a[i], b[i], c[i], e[i]);
}

void Lop3(LaneArgs& x) {
  std::uint32_t* const d = row<std::uint32_t>(x.d);
  const std::uint32_t* const a = row<std::uint32_t>(x.a);
  const std::uint32_t* const b = row<std::uint32_t>(x.b);
  const std::uint32_t* const c = row<std::uint32_t>(x.c);
  std::array<std::uint32_t, 8> term;  // all ones where the table has a 1
  for (std::uint32_t k = 0; k < 8; ++k) term[k] = 0 - (x.imm >> k & 1);
#pragma GCC ivdep
  for (int i = 0; i < kLanes; ++i) {
    const std::uint32_t p = a[i], q = b[i], r = c[i];
    const std::uint32_t low = (~q & ((~r & term[0]) | (r & term[1]))) | (q & ((~r & term[2]) | (r & term[3])));
    const std::uint32_t high = (~q & ((~r & term[4]) | (r & term[5]))) | (q & ((~r & term[6]) | (r & term[7])));
    d[i] = (~p & low) | (p & high);
  }
}

/// Two numbers clamped to `imm` bits, the second lowest, with c shifted up above them.
template <bool kSigned>
void ClampAndPack(LaneArgs& x) {
  const std::uint32_t bits = x.imm;
  const std::int32_t lo = kSigned ? -(1 << (bits - 1)) : 0, hi = lo + static_cast<std::int32_t>((1U << bits) - 1);
  for (int i = 0; i < kLanes; ++i) {
    const auto field = [&](std::int32_t v) {
      return static_cast<std::uint32_t>(std::clamp(v, lo, hi)) & ((1U << bits) - 1);
    };
    const std::uint32_t above = bits == 16 ? 0 : row<std::uint32_t>(x.c)[i] << (2 * bits);
    row<std::uint32_t>(x.d)[i] = above | field(row<std::int32_t>(x.a)[i]) << bits | field(row<std::int32_t>(x.b)[i]);
  }
}

template <class T>
void Select(LaneArgs& x) {
  T* const d = row<T>(x.d);
  const T* const a = row<T>(x.a);
  const T* const b = row<T>(x.b);
  const std::uint32_t in = x.in;
#pragma GCC ivdep
  for (int i = 0; i < kLanes; ++i) d[i] = (in >> i & 1) != 0 ? a[i] : b[i];
}

template <class T>
void Slct(LaneArgs& x) {
  for (int i = 0; i < kLanes; ++i) {
    row<T>(x.d)[i] = row<std::int32_t>(x.c)[i] >= 0 ? row<T>(x.a)[i] : row<T>(x.b)[i];
  }
}

template <class Op, class T>
void Compare(LaneArgs& x) {
  const T* const a = row<T>(x.a);
  const T* const b = row<T>(x.b);
  alignas(32) std::array<std::uint8_t, kLanes> flags;
  for (int i = 0; i < kLanes; ++i) flags[static_cast<std::size_t>(i)] = Op()(a[i], b[i]) ? 1 : 0;
  x.out = pack_flags(flags);
}

/// a + b + carry in, with the carry out; a - b - borrow likewise. T is unsigned.
template <class Op, class T>
void Carry(LaneArgs& x) {
  std::uint32_t out = 0;
  for (int i = 0; i < kLanes; ++i) {
    bool carry = (x.in >> i & 1) != 0;
    const T c = x.c != nullptr ? row<T>(x.c)[i] : T{0};
    row<T>(x.d)[i] = Op()(row<T>(x.a)[i], row<T>(x.b)[i], c, carry);
    out |= static_cast<std::uint32_t>(carry) << i;
  }
  x.out = out;
}

template <class Op>
LaneFn Any1(LaneType t) {
  switch (t) {
    case LaneType::u16: return &Map1<Op, std::uint16_t>;
    case LaneType::s16: return &Map1<Op, std::int16_t>;
    case LaneType::u32: return &Map1<Op, std::uint32_t>;
    case LaneType::s32: return &Map1<Op, std::int32_t>;
    case LaneType::u64: return &Map1<Op, std::uint64_t>;
    case LaneType::s64: return &Map1<Op, std::int64_t>;
    default: return nullptr;
  }
}

template <class Op>
LaneFn Any2(LaneType t) {
  switch (t) {
    case LaneType::u16: return &Map2<Op, std::uint16_t>;
    case LaneType::s16: return &Map2<Op, std::int16_t>;
    case LaneType::u32: return &Map2<Op, std::uint32_t>;
    case LaneType::s32: return &Map2<Op, std::int32_t>;
    case LaneType::u64: return &Map2<Op, std::uint64_t>;
    case LaneType::s64: return &Map2<Op, std::int64_t>;
    default: return nullptr;
  }
}

template <class Op>
LaneFn Any3(LaneType t) {
  switch (t) {
    case LaneType::u16: return &Map3<Op, std::uint16_t>;
    case LaneType::s16: return &Map3<Op, std::int16_t>;
    case LaneType::u32: return &Map3<Op, std::uint32_t>;
    case LaneType::s32: return &Map3<Op, std::int32_t>;
    case LaneType::u64: return &Map3<Op, std::uint64_t>;
    case LaneType::s64: return &Map3<Op, std::int64_t>;
    default: return nullptr;
  }
}

template <class Op>
LaneFn AnyShift(LaneType t) {
  switch (t) {
    case LaneType::u16: return &MapShift<Op, std::uint16_t>;
    case LaneType::s16: return &MapShift<Op, std::int16_t>;
    case LaneType::u32: return &MapShift<Op, std::uint32_t>;
    case LaneType::s32: return &MapShift<Op, std::int32_t>;
    case LaneType::u64: return &MapShift<Op, std::uint64_t>;
    case LaneType::s64: return &MapShift<Op, std::int64_t>;
    default: return nullptr;
  }
}

template <class Op>
LaneFn AnyCount(LaneType t) {
  switch (t) {
    case LaneType::u32: return &MapCount<Op, std::uint32_t>;
    case LaneType::s32: return &MapCount<Op, std::int32_t>;
    case LaneType::u64: return &MapCount<Op, std::uint64_t>;
    case LaneType::s64: return &MapCount<Op, std::int64_t>;
    default: return nullptr;
  }
}

template <class Op>
LaneFn AnyCompare(LaneType t) {
  switch (t) {
    case LaneType::u16: return &Compare<Op, std::uint16_t>;
    case LaneType::s16: return &Compare<Op, std::int16_t>;
    case LaneType::u32: return &Compare<Op, std::uint32_t>;
    case LaneType::s32: return &Compare<Op, std::int32_t>;
    case LaneType::u64: return &Compare<Op, std::uint64_t>;
    case LaneType::s64: return &Compare<Op, std::int64_t>;
    default: return nullptr;
  }
}

template <class Op>
LaneFn AnyCarry(LaneType t) {
  switch (bytes_of(t)) {
    case 4: return &Carry<Op, std::uint32_t>;
    case 8: return &Carry<Op, std::uint64_t>;
    default: return nullptr;
  }
}

/// The template `which` for every type of 32 or 64 bits.
template <class F>
LaneFn Wide(LaneType t, F which) {
  switch (t) {
    case LaneType::u32: return which(std::uint32_t{});
    case LaneType::s32: return which(std::int32_t{});
    case LaneType::u64: return which(std::uint64_t{});
    case LaneType::s64: return which(std::int64_t{});
    default: return nullptr;
  }
}

LaneFn MulWideOf(LaneType t) {
  switch (t) {
    case LaneType::u16: return &MulWide<std::uint16_t>;
    case LaneType::s16: return &MulWide<std::int16_t>;
    case LaneType::u32: return &MulWide<std::uint32_t>;
    case LaneType::s32: return &MulWide<std::int32_t>;
    default: return nullptr;
  }
}

LaneFn MadWideOf(LaneType t) {
  switch (t) {
    case LaneType::u16: return &MadWide<std::uint16_t>;
    case LaneType::s16: return &MadWide<std::int16_t>;
    case LaneType::u32: return &MadWide<std::uint32_t>;
    case LaneType::s32: return &MadWide<std::int32_t>;
    default: return nullptr;
  }
}

LaneFn SelectOf(LaneType t) {
  switch (bytes_of(t)) {
    case 2: return &Select<std::uint16_t>;
    case 4: return &Select<std::uint32_t>;
    case 8: return &Select<std::uint64_t>;
    default: return nullptr;
  }
}

LaneFn SlctOf(LaneType t) {
  switch (bytes_of(t)) {
    case 2: return &Slct<std::uint16_t>;
    case 4: return &Slct<std::uint32_t>;
    case 8: return &Slct<std::uint64_t>;
    default: return nullptr;
  }
}

/// Operations that exist for one 32-bit type only.
template <class Fn>
LaneFn Only(LaneType t, LaneType one, Fn fn) {
  return t == one ? static_cast<LaneFn>(fn) : nullptr;
}

LaneFn FindLanes(LaneOp op, LaneType t) {
  using U = std::uint32_t;
  using S = std::int32_t;
  constexpr LaneType u = LaneType::u32, s = LaneType::s32;
  switch (op) {
    case LaneOp::mov: return Any1<Mov>(t);
    case LaneOp::add: return Any2<Add>(t);
    case LaneOp::sub: return Any2<Sub>(t);
    case LaneOp::mul_lo: return Any2<MulLo>(t);
    case LaneOp::mul_hi: return Any2<MulHi>(t);
    case LaneOp::mul_wide: return MulWideOf(t);
    case LaneOp::mad_lo: return Any3<MadLo>(t);
    case LaneOp::mad_hi: return Any3<MadHi>(t);
    case LaneOp::mad_wide: return MadWideOf(t);
    case LaneOp::mad_hi_sat: return Only(t, s, &Map3<MadHiSat, S>);
    case LaneOp::mul24_lo: return t == u ? &Map2<Mul24<false>, U> : Only(t, s, &Map2<Mul24<false>, S>);
    case LaneOp::mul24_hi: return t == u ? &Map2<Mul24<true>, U> : Only(t, s, &Map2<Mul24<true>, S>);
    case LaneOp::mad24_lo: return t == u ? &Map3<Mad24<false>, U> : Only(t, s, &Map3<Mad24<false>, S>);
    case LaneOp::mad24_hi: return t == u ? &Map3<Mad24<true>, U> : Only(t, s, &Map3<Mad24<true>, S>);
    case LaneOp::mad24_hi_sat: return Only(t, s, &Map3<Mad24HiSat, S>);
    case LaneOp::add_sat: return Only(t, s, &Map2<AddSat, S>);
    case LaneOp::sub_sat: return Only(t, s, &Map2<SubSat, S>);
    case LaneOp::div: return Any2<Div>(t);
    case LaneOp::rem: return Any2<Rem>(t);
    case LaneOp::abs: return Any1<Abs>(t);
    case LaneOp::neg: return Any1<Neg>(t);
    case LaneOp::min: return Any2<Min>(t);
    case LaneOp::max: return Any2<Max>(t);
    case LaneOp::sad: return Any3<Sad>(t);
    case LaneOp::bit_and: return Any2<BitAnd>(t);
    case LaneOp::bit_or: return Any2<BitOr>(t);
    case LaneOp::bit_xor: return Any2<BitXor>(t);
    case LaneOp::bit_not: return Any1<BitNot>(t);
    case LaneOp::cnot: return Any1<Cnot>(t);
    case LaneOp::shl: return AnyShift<Shl>(t);
    case LaneOp::shr: return AnyShift<Shr>(t);
    case LaneOp::popc: return AnyCount<Popc>(t);
    case LaneOp::clz: return AnyCount<Clz>(t);
    case LaneOp::bfind: return AnyCount<Bfind>(t);
    case LaneOp::bfind_shift: return AnyCount<BfindShift>(t);
    case LaneOp::brev: return Wide(t, [](auto v) -> LaneFn { return &Map1<Brev, decltype(v)>; });
    case LaneOp::bfe: return Wide(t, [](auto v) -> LaneFn { return &BitExtract<decltype(v)>; });
    case LaneOp::bfi: return Wide(t, [](auto v) -> LaneFn { return &BitInsert<std::make_unsigned_t<decltype(v)>>; });
    case LaneOp::fns: return Only(t, u, &Map3<Fns, U>);
    case LaneOp::lop3: return Only(t, u, &Lop3);
    case LaneOp::shf_l_clamp: return Only(t, u, &Map3<Shf<true, true>, U>);
    case LaneOp::shf_l_wrap: return Only(t, u, &Map3<Shf<true, false>, U>);
    case LaneOp::shf_r_clamp: return Only(t, u, &Map3<Shf<false, true>, U>);
    case LaneOp::shf_r_wrap: return Only(t, u, &Map3<Shf<false, false>, U>);
    case LaneOp::prmt: return Only(t, u, &Map3<Prmt, U>);
    case LaneOp::prmt_f4e: return Only(t, u, &Map3<PrmtMode<0>, U>);
    case LaneOp::prmt_b4e: return Only(t, u, &Map3<PrmtMode<1>, U>);
    case LaneOp::prmt_rc8: return Only(t, u, &Map3<PrmtMode<2>, U>);
    case LaneOp::prmt_ecl: return Only(t, u, &Map3<PrmtMode<3>, U>);
    case LaneOp::prmt_ecr: return Only(t, u, &Map3<PrmtMode<4>, U>);
    case LaneOp::prmt_rc16: return Only(t, u, &Map3<PrmtMode<5>, U>);
    case LaneOp::dp4a_uu: return &Map3<Dp4a<std::uint8_t, std::uint8_t>, U>;
    case LaneOp::dp4a_us: return &Map3<Dp4a<std::uint8_t, std::int8_t>, U>;
    case LaneOp::dp4a_su: return &Map3<Dp4a<std::int8_t, std::uint8_t>, U>;
    case LaneOp::dp4a_ss: return &Map3<Dp4a<std::int8_t, std::int8_t>, U>;
    case LaneOp::dp2a_lo_uu: return &Map3<Dp2a<std::uint16_t, std::uint8_t, 0>, U>;
    case LaneOp::dp2a_lo_us: return &Map3<Dp2a<std::uint16_t, std::int8_t, 0>, U>;
    case LaneOp::dp2a_lo_su: return &Map3<Dp2a<std::int16_t, std::uint8_t, 0>, U>;
    case LaneOp::dp2a_lo_ss: return &Map3<Dp2a<std::int16_t, std::int8_t, 0>, U>;
    case LaneOp::dp2a_hi_uu: return &Map3<Dp2a<std::uint16_t, std::uint8_t, 2>, U>;
    case LaneOp::dp2a_hi_us: return &Map3<Dp2a<std::uint16_t, std::int8_t, 2>, U>;
    case LaneOp::dp2a_hi_su: return &Map3<Dp2a<std::int16_t, std::uint8_t, 2>, U>;
    case LaneOp::dp2a_hi_ss: return &Map3<Dp2a<std::int16_t, std::int8_t, 2>, U>;
    case LaneOp::slct: return SlctOf(t);
    case LaneOp::select: return SelectOf(t);
    case LaneOp::add_carry: return AnyCarry<AddCarry>(t);
    case LaneOp::sub_borrow: return AnyCarry<SubBorrow>(t);
    case LaneOp::mad_lo_carry: return AnyCarry<MadLoCarry>(t);
    case LaneOp::mad_hi_carry:  // the upper half depends on the sign
      return Wide(t,
                  [](auto v) -> LaneFn { return &Carry<MadHiCarry<decltype(v)>, std::make_unsigned_t<decltype(v)>>; });
    case LaneOp::eq: return AnyCompare<Eq>(t);
    case LaneOp::ne: return AnyCompare<Ne>(t);
    case LaneOp::lt: return AnyCompare<Lt>(t);
    case LaneOp::le: return AnyCompare<Le>(t);
    case LaneOp::gt: return AnyCompare<Gt>(t);
    case LaneOp::ge: return AnyCompare<Ge>(t);
    case LaneOp::bmsk_clamp: return Only(t, u, &Map2<Bmsk<true>, U>);
    case LaneOp::bmsk_wrap: return Only(t, u, &Map2<Bmsk<false>, U>);
    case LaneOp::pack_signed: return Only(t, s, &ClampAndPack<true>);
    case LaneOp::pack_unsigned: return Only(t, s, &ClampAndPack<false>);
    case LaneOp::szext_clamp: return t == u ? &Map2<Szext<true>, U> : Only(t, s, &Map2<Szext<true>, S>);
    case LaneOp::szext_wrap: return t == u ? &Map2<Szext<false>, U> : Only(t, s, &Map2<Szext<false>, S>);
  }
  return nullptr;
}

template <class T>
void Blend(std::byte* to, const std::byte* from, std::uint32_t mask) {
  T* const d = row<T>(to);
  const T* const a = row<T>(from);
  for (int i = 0; i < kLanes; ++i) d[i] = (mask >> i & 1) != 0 ? a[i] : d[i];
}

BlendFn FindBlend(std::uint32_t bytes) {
  switch (bytes) {
    case 1: return &Blend<std::uint8_t>;
    case 2: return &Blend<std::uint16_t>;
    case 4: return &Blend<std::uint32_t>;
    default: return &Blend<std::uint64_t>;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace obz::ptx
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace obz::ptx {

HWY_EXPORT(FindLanes);
HWY_EXPORT(FindBlend);

LaneFn lane_function(LaneOp op, LaneType type) { return HWY_DYNAMIC_DISPATCH(FindLanes)(op, type); }
BlendFn blend_function(std::uint32_t bytes) { return HWY_DYNAMIC_DISPATCH(FindBlend)(bytes); }

}  // namespace obz::ptx
#endif
