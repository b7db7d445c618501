#include "ref/execute/fast/byte_sum.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ref/execute/fast/byte_sum.cpp"
#include <algorithm>

#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "ref/execute/fast/requant_lanes.hpp"

HWY_BEFORE_NAMESPACE();
namespace obz::fast {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <bool kApart>
HWY_INLINE void add_all(const ByteSum& s, const std::uint8_t* a, const std::uint8_t* b, std::int64_t count,
                        std::uint8_t* y) {
  const hn::ScalableTag<std::int32_t> d;
  const hn::RebindToFloat<decltype(d)> f;
  const hn::Rebind<std::uint8_t, decltype(d)> bytes;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const auto scale_a = hn::Set(f, s.scale_a), scale_b = hn::Set(f, s.scale_b), magic = hn::Set(f, kRoundToInteger);
  const auto add_a = hn::Set(d, s.add_a), add_b = hn::Set(d, s.add_b);
  const auto after = hn::Set(d, s.after), lo = hn::Set(d, s.lo), hi = hn::Set(d, s.hi);
  const auto one = [&](const std::uint8_t* pa, const std::uint8_t* pb) HWY_ATTR {
    const auto a32 = hn::Add(hn::PromoteTo(d, hn::LoadU(bytes, pa)), add_a);
    const auto b32 = hn::Add(hn::PromoteTo(d, hn::LoadU(bytes, pb)), add_b);
    const auto xa = hn::Mul(hn::ConvertTo(f, a32), scale_a), xb = hn::Mul(hn::ConvertTo(f, b32), scale_b);
    auto sum = hn::Zero(d);
    if constexpr (kApart) {
      sum = hn::Add(hn::BitCast(d, hn::Add(xa, magic)), hn::BitCast(d, hn::Add(xb, magic)));
    } else {
      sum = hn::BitCast(d, hn::Add(hn::Add(xa, xb), magic));
    }
    return hn::DemoteTo(bytes, hn::Min(hn::Max(hn::Add(sum, after), lo), hi));
  };
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes) hn::StoreU(one(a + i, b + i), bytes, y + i);
  if (i < count) {
    std::uint8_t rest[3][hn::MaxLanes(d)] = {};
    std::copy_n(a + i, count - i, rest[0]);
    std::copy_n(b + i, count - i, rest[1]);
    hn::StoreU(one(rest[0], rest[1]), bytes, rest[2]);
    std::copy_n(rest[2], count - i, y + i);
  }
}

void SumBytes(const ByteSum& s, const std::uint8_t* a, const std::uint8_t* b, std::int64_t count, std::uint8_t* y) {
  if (s.apart) {
    add_all<true>(s, a, b, count, y);
  } else {
    add_all<false>(s, a, b, count, y);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace obz::fast
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace obz::fast {

HWY_EXPORT(SumBytes);

void sum_bytes(const ByteSum& sum, const std::uint8_t* a, const std::uint8_t* b, std::int64_t count, std::uint8_t* y) {
  HWY_DYNAMIC_DISPATCH(SumBytes)(sum, a, b, count, y);
}

}  // namespace obz::fast
#endif
