// The vector code of ref/execute/fast/requant_lanes.hpp, whose header comment is the argument.
#include "ref/execute/fast/requant_lanes.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ref/execute/fast/requant_tile.cpp"
#include <algorithm>
#include <cstring>

#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace obz::fast {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET == HWY_SCALAR

/// Without vectors only stairs have code of their own; they stand for what the caller may no longer know.
std::int32_t climb(const RequantLanes& l, std::int32_t acc, std::int64_t c) {
  const float sum = static_cast<float>(acc) * l.scale[c] + (acc < 0 ? l.below[c] : l.above[c]) + kRoundToInteger;
  std::int32_t bits;
  std::memcpy(&bits, &sum, sizeof bits);
  auto y = static_cast<std::int32_t>(static_cast<std::uint32_t>(bits) + static_cast<std::uint32_t>(l.after[c]));
  for (int k = 0; k < kStrays; ++k) y += acc == l.stray[k][c] ? l.correction[k][c] : 0;
  return std::min(std::max(y, l.lo[c]), l.hi[c]);
}

bool RequantizeTile(const RequantLanes& l, std::int32_t* tile, std::int64_t rows) {
  if (l.form != RequantForm::stairs) return false;
  for (std::int64_t i = 0; i < rows * kPanel; ++i) tile[i] = climb(l, tile[i], i % kPanel);
  return true;
}

void StairsToBytes(const RequantLanes& l, const std::int32_t* tile, std::int64_t rows, std::int32_t base,
                   std::uint8_t* const* to, std::int64_t at) {
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < kPanel; ++c) {
      to[r][at + c] = static_cast<std::uint8_t>(climb(l, tile[r * kPanel + c], c) - base);
    }
  }
}

#else

using D32 = hn::CappedTag<std::int32_t, kPanel>;
using D64 = hn::RepartitionToWide<D32>;
using U64 = hn::RebindToUnsigned<D64>;
using DF = hn::RebindToFloat<D32>;
using V32 = hn::Vec<D32>;
using V64 = hn::Vec<D64>;
using VU = hn::Vec<U64>;

/// Even and odd channels of one vector's worth of 64-bit parameters: products of 32-bit lanes come in these halves.
template <class D>
struct Halves {
  hn::Vec<D> even, odd;

  template <class T>
  explicit Halves(const T* channels) {
    const D d;
    const auto low = hn::LoadU(d, channels), high = hn::LoadU(d, channels + hn::Lanes(d));
    even = hn::ConcatEven(d, high, low);
    odd = hn::ConcatOdd(d, high, low);
  }
};

/// low 32 bits of round((x * m + addend) / 2^shift) + (2^63 >> shift), for the even lanes of x.
template <Rounding kMode>
HWY_INLINE VU quotient(V32 x, V64 multiplier, VU addend, VU offset, VU nudge, VU shift) {
  const U64 u;
  const VU product = hn::Add(hn::BitCast(u, hn::MulEven(x, hn::BitCast(D32(), multiplier))), addend);
  VU moved = hn::Add(product, offset);
  if constexpr (kMode == Rounding::half_away || kMode == Rounding::trunc) {
    const VU negative = hn::BitCast(u, hn::BroadcastSignBit(hn::BitCast(D64(), product)));
    moved = hn::Add(moved, hn::And(negative, nudge));
  }
  if constexpr (kMode == Rounding::half_even) moved = hn::Add(moved, hn::And(hn::Shr(product, shift), nudge));
  return hn::Shr(moved, shift);
}

/// The parameters of one vector of channels and the (first) stage over them.
template <Rounding kMode>
struct ProductStage {
  Halves<D64> multiplier;
  Halves<U64> addend, offset, nudge, shift;

  HWY_INLINE ProductStage(const RequantLanes& l, std::int64_t c)
      : multiplier(l.multiplier + c),
        addend(l.addend + c),
        offset(l.offset + c),
        nudge(l.nudge + c),
        shift(l.shift + c) {}

  HWY_INLINE V32 operator()(V32 x) const {
    const D32 d;
    const VU even = quotient<kMode>(x, multiplier.even, addend.even, offset.even, nudge.even, shift.even);
    const VU odd = quotient<kMode>(hn::Shuffle2301(x), multiplier.odd, addend.odd, offset.odd, nudge.odd, shift.odd);
    return hn::OddEven(hn::BitCast(d, hn::ShiftLeft<32>(odd)), hn::BitCast(d, even));
  }
};

/// round(v / 2^k) in 32-bit lanes.
template <Rounding kMode>
HWY_INLINE V32 second_stage(V32 v, V32 k, V32 mask) {
  const D32 d;
  const V32 q = hn::Shr(v, k), remainder = hn::And(v, mask);
  if constexpr (kMode == Rounding::floor) return q;
  if constexpr (kMode == Rounding::trunc) {
    const V32 inexact = hn::VecFromMask(d, hn::Gt(remainder, hn::Zero(d)));
    return hn::Sub(q, hn::And(hn::BroadcastSignBit(q), inexact));
  }
  V32 limit = hn::ShiftRight<1>(mask);
  if constexpr (kMode == Rounding::half_away) limit = hn::Sub(limit, hn::BroadcastSignBit(q));
  if constexpr (kMode == Rounding::half_even) limit = hn::Add(limit, hn::AndNot(q, hn::Set(d, 1)));
  return hn::Sub(q, hn::VecFromMask(d, hn::Gt(remainder, limit)));
}

/// For every vector of channels: loads its parameters once, then walks the rows.
template <class MakeStage>
HWY_INLINE void for_each_vector(std::int32_t* tile, std::int64_t rows, MakeStage&& make) {
  const D32 d;
  for (std::int64_t c = 0; c < kPanel; c += static_cast<std::int64_t>(hn::Lanes(d))) {
    const auto stage = make(c);
    for (std::int64_t r = 0; r < rows; ++r) {
      std::int32_t* at = tile + r * kPanel + c;
      hn::StoreU(stage(hn::LoadU(d, at)), d, at);
    }
  }
}

struct Tail {
  V32 after, lo, hi;

  HWY_INLINE Tail(const RequantLanes& l, std::int64_t c)
      : after(hn::LoadU(D32(), l.after + c)), lo(hn::LoadU(D32(), l.lo + c)), hi(hn::LoadU(D32(), l.hi + c)) {}
  HWY_INLINE V32 operator()(V32 v) const { return hn::Min(hn::Max(hn::Add(v, after), lo), hi); }
};

template <Rounding kMode>
struct OneStage {
  ProductStage<kMode> product;
  Tail tail;

  HWY_INLINE OneStage(const RequantLanes& l, std::int64_t c) : product(l, c), tail(l, c) {}
  HWY_INLINE V32 operator()(V32 x) const { return tail(product(x)); }
};

template <Rounding kMode>
struct TwoStage {
  ProductStage<Rounding::half_up> product;
  V32 left, right, mask;
  Tail tail;

  HWY_INLINE TwoStage(const RequantLanes& l, std::int64_t c)
      : product(l, c),
        left(hn::LoadU(D32(), l.left + c)),
        right(hn::LoadU(D32(), l.right + c)),
        mask(hn::LoadU(D32(), l.mask + c)),
        tail(l, c) {}
  HWY_INLINE V32 operator()(V32 x) const { return tail(second_stage<kMode>(product(hn::Shl(x, left)), right, mask)); }
};

struct Float32 {
  hn::Vec<DF> scale, early, lowest, highest;
  V32 after;

  HWY_INLINE Float32(const RequantLanes& l, std::int64_t c)
      : scale(hn::LoadU(DF(), l.scale + c)),
        early(hn::LoadU(DF(), l.early + c)),
        lowest(hn::LoadU(DF(), l.lowest + c)),
        highest(hn::LoadU(DF(), l.highest + c)),
        after(hn::LoadU(D32(), l.after + c)) {}
  HWY_INLINE V32 operator()(V32 x) const {
    const auto real = hn::Add(hn::Mul(hn::ConvertTo(DF(), x), scale), early);  // + 0.0 changes no value
    return hn::Add(hn::NearestInt(hn::Min(hn::Max(real, lowest), highest)), after);
  }
};

enum class Offset { none, same, sides };

template <int kCount, Offset kOffset>
struct StairsStage {
  hn::Vec<DF> scale, above, below;
  V32 stray[kStrays], correction[kStrays];
  Tail tail;

  HWY_INLINE StairsStage(const RequantLanes& l, std::int64_t c)
      : scale(hn::LoadU(DF(), l.scale + c)),
        above(hn::LoadU(DF(), l.above + c)),
        below(hn::LoadU(DF(), l.below + c)),
        tail(l, c) {
    for (int k = 0; k < kCount; ++k) {
      stray[k] = hn::LoadU(D32(), l.stray[k] + c);
      correction[k] = hn::LoadU(D32(), l.correction[k] + c);
    }
  }
  /// Without the clamp.
  HWY_INLINE V32 unclamped(V32 x) const {
    auto real = hn::Mul(hn::ConvertTo(DF(), x), scale);
    if constexpr (kOffset == Offset::same) real = hn::Add(real, above);
    if constexpr (kOffset == Offset::sides) {
      real = hn::Add(real, hn::IfNegativeThenElse(hn::BitCast(DF(), x), below, above));
    }
    const auto sum = hn::Add(real, hn::Set(DF(), kRoundToInteger));
    V32 y = hn::Add(hn::BitCast(D32(), sum), tail.after);
    for (int k = 0; k < kCount; ++k) {
      y = hn::Add(y, hn::And(hn::VecFromMask(D32(), hn::Eq(x, stray[k])), correction[k]));
    }
    return y;
  }
  HWY_INLINE V32 operator()(V32 x) const { return hn::Min(hn::Max(unclamped(x), tail.lo), tail.hi); }
};

/// Two vectors of channels at a time, so that bytes are packed from whole registers.
template <int kCount, Offset kOffset>
HWY_NOINLINE void run_stairs_to_bytes(const RequantLanes& lanes, const std::int32_t* tile, std::int64_t rows,
                                      std::int32_t base, std::uint8_t* const* to, std::int64_t at) {
  const D32 d;
  constexpr bool kWhole = hn::MaxLanes(D32()) == static_cast<std::size_t>(kPanel);
  const auto lane_count = static_cast<std::int64_t>(hn::Lanes(d));
  RequantLanes l = lanes;
  for (std::int32_t& v : l.after)
    v = static_cast<std::int32_t>(static_cast<std::uint32_t>(v) - static_cast<std::uint32_t>(base));
  if constexpr (kWhole) {
    const hn::Rebind<std::uint8_t, D32> bytes;
    const StairsStage<kCount, kOffset> stage(l, 0);
    const auto lo = hn::DemoteTo(bytes, hn::Sub(stage.tail.lo, hn::Set(d, base)));
    const auto hi = hn::DemoteTo(bytes, hn::Sub(stage.tail.hi, hn::Set(d, base)));
    for (std::int64_t r = 0; r < rows; ++r) {
      const auto y = hn::DemoteTo(bytes, stage.unclamped(hn::LoadU(d, tile + r * kPanel)));
      hn::StoreU(hn::Min(hn::Max(y, lo), hi), bytes, to[r] + at);
    }
  } else {
    const hn::Repartition<std::int16_t, D32> whole;
    const hn::Rebind<std::uint8_t, decltype(whole)> bytes;
    for (std::int64_t c = 0; c < kPanel; c += 2 * lane_count) {
      const StairsStage<kCount, kOffset> low(l, c), high(l, c + lane_count);
      const auto pack = [&](V32 a, V32 b) HWY_ATTR {
        const auto v = hn::DemoteTo(bytes, hn::ReorderDemote2To(whole, a, b));
        if constexpr (hn::MaxLanes(D32()) <= 4) return v;
        // The first four of a, of b, the last four of a, of b: exchange the middle two.
        alignas(16) static constexpr std::uint8_t order[16] = {0, 1, 2, 3, 8, 9, 10, 11, 4, 5, 6, 7, 12, 13, 14, 15};
        return hn::TableLookupBytes(v, hn::Load(bytes, order));
      };
      const V32 zero = hn::Set(d, base);
      const auto lo = pack(hn::Sub(low.tail.lo, zero), hn::Sub(high.tail.lo, zero));
      const auto hi = pack(hn::Sub(low.tail.hi, zero), hn::Sub(high.tail.hi, zero));
      for (std::int64_t r = 0; r < rows; ++r) {
        const std::int32_t* const from = tile + r * kPanel + c;
        const auto y = pack(low.unclamped(hn::LoadU(d, from)), high.unclamped(hn::LoadU(d, from + lane_count)));
        hn::StoreU(hn::Min(hn::Max(y, lo), hi), bytes, to[r] + at + c);
      }
    }
  }
}

template <int kCount>
void choose_offset(const RequantLanes& l, const std::int32_t* tile, std::int64_t rows, std::int32_t base,
                   std::uint8_t* const* to, std::int64_t at) {
  if (l.has_sides) return run_stairs_to_bytes<kCount, Offset::sides>(l, tile, rows, base, to, at);
  if (l.has_offset) return run_stairs_to_bytes<kCount, Offset::same>(l, tile, rows, base, to, at);
  return run_stairs_to_bytes<kCount, Offset::none>(l, tile, rows, base, to, at);
}

void StairsToBytes(const RequantLanes& l, const std::int32_t* tile, std::int64_t rows, std::int32_t base,
                   std::uint8_t* const* to, std::int64_t at) {
  static_assert(kStrays == 4);
  switch (l.strays) {
    case 0: return choose_offset<0>(l, tile, rows, base, to, at);
    case 1: return choose_offset<1>(l, tile, rows, base, to, at);
    case 2: return choose_offset<2>(l, tile, rows, base, to, at);
    default: return choose_offset<kStrays>(l, tile, rows, base, to, at);
  }
}

template <class Stage>
HWY_NOINLINE void run_stage(const RequantLanes& l, std::int32_t* tile, std::int64_t rows) {
  for_each_vector(tile, rows, [&](std::int64_t c) HWY_ATTR { return Stage(l, c); });
}

template <template <Rounding> class Stage>
void run_dyadic(const RequantLanes& l, std::int32_t* tile, std::int64_t rows) {
  switch (l.rounding) {
    case Rounding::floor: return run_stage<Stage<Rounding::floor> >(l, tile, rows);
    case Rounding::trunc: return run_stage<Stage<Rounding::trunc> >(l, tile, rows);
    case Rounding::half_up: return run_stage<Stage<Rounding::half_up> >(l, tile, rows);
    case Rounding::half_away: return run_stage<Stage<Rounding::half_away> >(l, tile, rows);
    case Rounding::half_even: return run_stage<Stage<Rounding::half_even> >(l, tile, rows);
  }
}

bool RequantizeTile(const RequantLanes& l, std::int32_t* tile, std::int64_t rows) {
  switch (l.form) {
    case RequantForm::one_stage: run_dyadic<OneStage>(l, tile, rows); break;
    case RequantForm::two_stage: run_dyadic<TwoStage>(l, tile, rows); break;
    case RequantForm::float32: run_stage<Float32>(l, tile, rows); break;
    case RequantForm::stairs:
      if (l.strays == 0 && !l.has_offset) {
        run_stage<StairsStage<0, Offset::none> >(l, tile, rows);
      } else {
        run_stage<StairsStage<kStrays, Offset::sides> >(l, tile, rows);
      }
      break;
  }
  return true;
}

#endif

}  // namespace HWY_NAMESPACE
}  // namespace obz::fast
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace obz::fast {

HWY_EXPORT(RequantizeTile);
HWY_EXPORT(StairsToBytes);

bool requantize_tile(const RequantLanes& lanes, std::int32_t* tile, std::int64_t rows) {
  return HWY_DYNAMIC_DISPATCH(RequantizeTile)(lanes, tile, rows);
}

void stairs_to_bytes(const RequantLanes& lanes, const std::int32_t* tile, std::int64_t rows, std::int32_t base,
                     std::uint8_t* const* to, std::int64_t at) {
  HWY_DYNAMIC_DISPATCH(StairsToBytes)(lanes, tile, rows, base, to, at);
}

}  // namespace obz::fast
#endif
