// Conversions between widths, and loads and stores between rows and memory. See lanes.hpp.
#include "gpu/ptx/lanes.hpp"

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gpu/ptx/lanes_move.cpp"
#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <type_traits>

#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "gpu/ptx/lane_ops-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace obz::ptx {
namespace HWY_NAMESPACE {

using Values = std::array<std::int64_t, kLanes>;

/// The second half of a conversion: 64-bit values to a type in a row.
template <class T, class Row>
void Narrow(std::byte* to, const Values& v) {
  using Extended = std::conditional_t<std::is_signed_v<T>, std::make_signed_t<Row>, Row>;
  Row* const d = row<Row>(to);
  for (std::size_t i = 0; i < kLanes; ++i) d[i] = static_cast<Row>(static_cast<Extended>(static_cast<T>(v[i])));
}

template <class T, class Row>
void Clamp(std::byte* to, const Values& v) {
  constexpr bool whole = std::is_same_v<T, std::uint64_t>;
  constexpr std::int64_t lo = std::is_signed_v<T> ? static_cast<std::int64_t>(std::numeric_limits<T>::min()) : 0;
  constexpr std::int64_t hi =
      whole ? std::numeric_limits<std::int64_t>::max() : static_cast<std::int64_t>(std::numeric_limits<T>::max());
  Values clamped;
  for (std::size_t i = 0; i < kLanes; ++i) clamped[i] = std::clamp(v[i], lo, hi);
  Narrow<T, Row>(to, clamped);
}

using Finish = void (*)(std::byte*, const Values&);

template <class Row>
Finish FinishOf(LaneType t, bool saturate) {
  using enum LaneType;
  switch (t) {
    case u8: return saturate ? &Clamp<std::uint8_t, Row> : &Narrow<std::uint8_t, Row>;
    case s8: return saturate ? &Clamp<std::int8_t, Row> : &Narrow<std::int8_t, Row>;
    case u16: return saturate ? &Clamp<std::uint16_t, Row> : &Narrow<std::uint16_t, Row>;
    case s16: return saturate ? &Clamp<std::int16_t, Row> : &Narrow<std::int16_t, Row>;
    case u32: return saturate ? &Clamp<std::uint32_t, Row> : &Narrow<std::uint32_t, Row>;
    case s32: return saturate ? &Clamp<std::int32_t, Row> : &Narrow<std::int32_t, Row>;
    case u64: return saturate ? &Clamp<std::uint64_t, Row> : &Narrow<std::uint64_t, Row>;
    case s64: return saturate ? &Clamp<std::int64_t, Row> : &Narrow<std::int64_t, Row>;
  }
  return nullptr;
}

/// imm: 0..7 the type, 8 saturates, 16 and up the row.
Finish FinishAt(std::uint32_t imm) {
  const auto t = static_cast<LaneType>(imm & 7);
  switch (imm >> 4) {
    case 2: return FinishOf<std::uint16_t>(t, (imm & 8) != 0);
    case 4: return FinishOf<std::uint32_t>(t, (imm & 8) != 0);
    default: return FinishOf<std::uint64_t>(t, (imm & 8) != 0);
  }
}

template <class T, class Row, bool kCapped = false>
void Convert(LaneArgs& x) {
  const Row* const a = row<Row>(x.a);
  alignas(32) Values v;
  for (std::size_t i = 0; i < kLanes; ++i) {
    const T value = static_cast<T>(a[i]);
    if constexpr (kCapped) {
      v[i] = static_cast<std::int64_t>(std::min<std::uint64_t>(value, std::numeric_limits<std::int64_t>::max()));
    } else {
      v[i] = static_cast<std::int64_t>(value);
    }
  }
  FinishAt(x.imm)(x.d, v);
}

/// The most frequent conversions in one step; neither needs a clamp. D is as wide as its row.
template <class T, class Row, class D>
void Direct(LaneArgs& x) {
  const Row* const a = row<Row>(x.a);
  D* const d = row<D>(x.d);
#pragma GCC ivdep
  for (int i = 0; i < kLanes; ++i) d[i] = static_cast<D>(static_cast<T>(a[i]));
}

template <class Row>
LaneFn ConvertFrom(LaneType t, bool capped) {
  using enum LaneType;
  if (bytes_of(t) > sizeof(Row)) return nullptr;
  switch (t) {
    case u8: return &Convert<std::uint8_t, Row>;
    case s8: return &Convert<std::int8_t, Row>;
    case u16: return &Convert<std::uint16_t, Row>;
    case s16: return &Convert<std::int16_t, Row>;
    case u32: return &Convert<std::uint32_t, Row>;
    case s32: return &Convert<std::int32_t, Row>;
    case u64: return capped ? &Convert<std::uint64_t, Row, true> : &Convert<std::uint64_t, Row>;
    case s64: return &Convert<std::int64_t, Row>;
  }
  return nullptr;
}

Conversion FindConversion(LaneType from, std::uint32_t from_row, LaneType to, std::uint32_t to_row, bool saturate) {
  using enum LaneType;
  if (bytes_of(to) > to_row) return {};
  const bool whole = !saturate && bytes_of(to) == to_row;  // nothing to cut off, nothing to extend behind
  if (whole && from_row == 4 && to_row == 8 && from == s32) return {&Direct<std::int32_t, std::int32_t, std::int64_t>};
  if (whole && from_row == 4 && to_row == 8 && from == u32) {
    return {&Direct<std::uint32_t, std::uint32_t, std::uint64_t>};
  }
  if (whole && from_row == 8 && to_row == 4 && bytes_of(from) == 8) {
    return {&Direct<std::uint32_t, std::uint64_t, std::uint32_t>};
  }
  if (whole && from_row == 4 && to_row == 4 && from == s8) {
    return {&Direct<std::int8_t, std::uint32_t, std::int32_t>};
  }
  const bool same = from == u64 && to == u64;
  const bool clamps = saturate && !same;
  const std::uint32_t imm = static_cast<std::uint32_t>(to) | (clamps ? 8U : 0U) | to_row << 4;
  const bool capped = clamps && from == u64;
  switch (from_row) {
    case 2: return {ConvertFrom<std::uint16_t>(from, capped), imm};
    case 4: return {ConvertFrom<std::uint32_t>(from, capped), imm};
    case 8: return {ConvertFrom<std::uint64_t>(from, capped), imm};
    default: return {};
  }
}

template <class T, class Row>
void Gather(std::byte* const* rows, const std::byte* const* from, int count, std::uint32_t mask) {
  using Extended = std::conditional_t<std::is_signed_v<T>, std::make_signed_t<Row>, Row>;
  for (int k = 0; k < count; ++k) {
    Row* const d = row<Row>(rows[k]);
    const std::size_t at = static_cast<std::size_t>(k) * sizeof(T);
    for (int i = 0; i < kLanes; ++i) {
      if ((mask >> i & 1) == 0) continue;
      T value;
      std::memcpy(&value, from[i] + at, sizeof(T));
      d[i] = static_cast<Row>(static_cast<Extended>(value));
    }
  }
}

template <class T, class Row>
void Scatter(const std::byte* const* rows, std::byte* const* to, int count, std::uint32_t mask) {
  for (int k = 0; k < count; ++k) {
    const Row* const a = row<Row>(rows[k]);
    const std::size_t at = static_cast<std::size_t>(k) * sizeof(T);
    for (int i = 0; i < kLanes; ++i) {
      if ((mask >> i & 1) == 0) continue;
      const T value = static_cast<T>(a[i]);
      std::memcpy(to[i] + at, &value, sizeof(T));
    }
  }
}

template <class Row>
GatherFn GatherTo(LaneType t) {
  using enum LaneType;
  if (bytes_of(t) > sizeof(Row)) return nullptr;
  switch (t) {
    case u8: return &Gather<std::uint8_t, Row>;
    case s8: return &Gather<std::int8_t, Row>;
    case u16: return &Gather<std::uint16_t, Row>;
    case s16: return &Gather<std::int16_t, Row>;
    case u32: return &Gather<std::uint32_t, Row>;
    case s32: return &Gather<std::int32_t, Row>;
    case u64: return &Gather<std::uint64_t, Row>;
    case s64: return &Gather<std::int64_t, Row>;
  }
  return nullptr;
}

template <class Row>
ScatterFn ScatterFrom(std::uint32_t bytes) {
  if (bytes > sizeof(Row)) return nullptr;
  switch (bytes) {
    case 1: return &Scatter<std::uint8_t, Row>;
    case 2: return &Scatter<std::uint16_t, Row>;
    case 4: return &Scatter<std::uint32_t, Row>;
    default: return &Scatter<std::uint64_t, Row>;
  }
}

GatherFn FindGather(LaneType type, std::uint32_t row_bytes) {
  switch (row_bytes) {
    case 2: return GatherTo<std::uint16_t>(type);
    case 4: return GatherTo<std::uint32_t>(type);
    case 8: return GatherTo<std::uint64_t>(type);
    default: return nullptr;
  }
}

ScatterFn FindScatter(std::uint32_t bytes, std::uint32_t row_bytes) {
  switch (row_bytes) {
    case 2: return ScatterFrom<std::uint16_t>(bytes);
    case 4: return ScatterFrom<std::uint32_t>(bytes);
    case 8: return ScatterFrom<std::uint64_t>(bytes);
    default: return nullptr;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace obz::ptx
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace obz::ptx {

HWY_EXPORT(FindConversion);
HWY_EXPORT(FindGather);
HWY_EXPORT(FindScatter);

Conversion conversion(LaneType from, std::uint32_t from_row, LaneType to, std::uint32_t to_row, bool saturate) {
  return HWY_DYNAMIC_DISPATCH(FindConversion)(from, from_row, to, to_row, saturate);
}
GatherFn gather_function(LaneType type, std::uint32_t row) { return HWY_DYNAMIC_DISPATCH(FindGather)(type, row); }
ScatterFn scatter_function(std::uint32_t bytes, std::uint32_t row) {
  return HWY_DYNAMIC_DISPATCH(FindScatter)(bytes, row);
}

}  // namespace obz::ptx
#endif
