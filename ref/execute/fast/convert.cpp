#include "ref/execute/fast/convert.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ref/execute/fast/convert.cpp"
#include <algorithm>

#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "ref/base/error.hpp"
#include "ref/execute/fast/kernel.hpp"

HWY_BEFORE_NAMESPACE();
namespace obz::fast {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<std::int32_t>;

void NarrowValues(const std::int32_t* from, std::int64_t count, std::int32_t offset, std::int16_t* to) {
  const D d;
  const hn::Rebind<std::int16_t, D> half;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const auto zero = hn::Set(d, offset);
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    hn::StoreU(hn::DemoteTo(half, hn::Sub(hn::LoadU(d, from + i), zero)), half, to + i);
  }
  for (; i < count; ++i) to[i] = static_cast<std::int16_t>(from[i] - offset);
}

/// Returns the bits that occur in any difference.
std::uint32_t NarrowBytes(const std::int32_t* from, std::int64_t count, std::int32_t offset, std::uint8_t* to) {
  const D d;
  const hn::RebindToUnsigned<D> u;
  const hn::Rebind<std::uint8_t, D> quarter;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const auto zero = hn::Set(d, offset);
  auto seen = hn::Zero(u);
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto v = hn::Sub(hn::LoadU(d, from + i), zero);
    seen = hn::Or(seen, hn::BitCast(u, v));
    hn::StoreU(hn::DemoteTo(quarter, v), quarter, to + i);
  }
  std::uint32_t bits[hn::MaxLanes(u)], all = 0;
  hn::StoreU(seen, u, bits);
  for (std::int64_t k = 0; k < lanes; ++k) all |= bits[k];
  for (; i < count; ++i) {
    const std::uint32_t v = static_cast<std::uint32_t>(from[i]) - static_cast<std::uint32_t>(offset);
    all |= v;
    to[i] = static_cast<std::uint8_t>(v);
  }
  return all;
}

/// bytes -> int16
void WidenBytes(const std::uint8_t* from, std::int64_t count, std::int32_t shift, std::int16_t* to) {
  const hn::ScalableTag<std::int16_t> d;
  const hn::Rebind<std::uint8_t, decltype(d)> half;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const auto by = hn::Set(d, static_cast<std::int16_t>(shift));
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    hn::StoreU(hn::Add(hn::PromoteTo(d, hn::LoadU(half, from + i)), by), d, to + i);
  }
  for (; i < count; ++i) to[i] = static_cast<std::int16_t>(from[i] + shift);
}

/// Rows of kPanel values to bytes.
void NarrowTile(const std::int32_t* tile, std::int64_t rows, std::int32_t base, std::uint8_t* const* to,
                std::int64_t at) {
  const hn::CappedTag<std::int32_t, kPanel> d;
  const hn::Rebind<std::uint8_t, decltype(d)> quarter;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const auto zero = hn::Set(d, base);
  for (std::int64_t r = 0; r < rows; ++r, tile += kPanel) {
    std::uint8_t* const row = to[r] + at;
    for (std::int64_t c = 0; c < kPanel; c += lanes) {
      hn::StoreU(hn::DemoteTo(quarter, hn::Sub(hn::LoadU(d, tile + c), zero)), quarter, row + c);
    }
  }
}

void AddValues(const std::int32_t* from, std::int64_t count, std::int32_t* sums) {
  const D d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    hn::StoreU(hn::Add(hn::LoadU(d, sums + i), hn::LoadU(d, from + i)), d, sums + i);
  }
  for (; i < count; ++i) {
    sums[i] = static_cast<std::int32_t>(static_cast<std::uint32_t>(sums[i]) + static_cast<std::uint32_t>(from[i]));
  }
}

void MaxValues(const std::int32_t* from, std::int64_t count, std::int32_t* largest) {
  const D d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    hn::StoreU(hn::Max(hn::LoadU(d, largest + i), hn::LoadU(d, from + i)), d, largest + i);
  }
  for (; i < count; ++i) largest[i] = std::max(largest[i], from[i]);
}

}  // namespace HWY_NAMESPACE
}  // namespace obz::fast
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace obz::fast {

HWY_EXPORT(NarrowValues);
HWY_EXPORT(NarrowBytes);
HWY_EXPORT(WidenBytes);
HWY_EXPORT(NarrowTile);
HWY_EXPORT(AddValues);
HWY_EXPORT(MaxValues);

void narrow_values(const std::int32_t* from, std::int64_t count, std::int32_t offset, std::int16_t* to) {
  HWY_DYNAMIC_DISPATCH(NarrowValues)(from, count, offset, to);
}
void narrow_values(const std::int32_t* from, std::int64_t count, std::int32_t offset, std::uint8_t* to) {
  const std::uint32_t bits = HWY_DYNAMIC_DISPATCH(NarrowBytes)(from, count, offset, to);
  OBZ_CHECK(bits <= UINT8_MAX);
}
void shift_values(const std::uint8_t* from, std::int64_t count, std::int32_t shift, std::int16_t* to) {
  HWY_DYNAMIC_DISPATCH(WidenBytes)(from, count, shift, to);
}
void shift_values(const std::uint8_t* from, std::int64_t count, std::int32_t shift, std::uint8_t* to) {
  if (shift == 0) return static_cast<void>(std::copy_n(from, count, to));
  for (std::int64_t i = 0; i < count; ++i) to[i] = static_cast<std::uint8_t>(from[i] + shift);
}
void narrow_tile(const std::int32_t* tile, std::int64_t rows, std::int32_t base, std::uint8_t* const* to,
                 std::int64_t at) {
  HWY_DYNAMIC_DISPATCH(NarrowTile)(tile, rows, base, to, at);
}
void add_values(const std::int32_t* from, std::int64_t count, std::int32_t* sums) {
  HWY_DYNAMIC_DISPATCH(AddValues)(from, count, sums);
}
void max_values(const std::int32_t* from, std::int64_t count, std::int32_t* largest) {
  HWY_DYNAMIC_DISPATCH(MaxValues)(from, count, largest);
}

}  // namespace obz::fast
#endif
