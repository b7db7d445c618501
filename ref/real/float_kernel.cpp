#include "ref/real/float_kernel.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ref/real/float_kernel.cpp"
#include <hwy/foreach_target.h>  // compiles this file once per target
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace obz::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// Lanes are output channels, so that no sum is split and every target adds in the same order.
template <std::size_t kRows>
void multiply_rows(const FloatTile& t) {
  const hn::CappedTag<float, 8> d;
  using V = hn::Vec<decltype(d)>;
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t first = 0; first < static_cast<std::size_t>(kFloatPanel); first += 2 * lanes) {
    V a0[kRows], a1[kRows];
    const bool two = first + lanes < static_cast<std::size_t>(kFloatPanel);
    for (std::size_t r = 0; r < kRows; ++r) {
      a0[r] = hn::LoadU(d, t.start + first);
      a1[r] = two ? hn::LoadU(d, t.start + first + lanes) : hn::Zero(d);
    }
    const float* w = t.panel + first;
    const std::size_t second = two ? lanes : 0;
    for (std::int64_t o = 0; o < t.offset_count; ++o) {
      const std::int64_t at = t.offsets[o];
      for (std::int64_t i = 0; i < t.length; ++i, w += kFloatPanel) {
        const V w0 = hn::LoadU(d, w), w1 = hn::LoadU(d, w + second);
        for (std::size_t r = 0; r < kRows; ++r) {
          const V x = hn::Set(d, t.rows[r][at + i]);
          a0[r] = hn::Add(a0[r], hn::Mul(x, w0));
          a1[r] = hn::Add(a1[r], hn::Mul(x, w1));
        }
      }
    }
    for (std::size_t r = 0; r < kRows; ++r) {
      hn::StoreU(a0[r], d, t.out + r * std::size_t{kFloatPanel} + first);
      if (two) hn::StoreU(a1[r], d, t.out + r * std::size_t{kFloatPanel} + first + lanes);
    }
  }
}

void Multiply(const FloatTile& t) {
  switch (t.row_count) {
    case 1: multiply_rows<1>(t); break;
    case 2: multiply_rows<2>(t); break;
    case 3: multiply_rows<3>(t); break;
    default: multiply_rows<4>(t); break;
  }
}

}  // namespace obz::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace obz {

HWY_EXPORT(Multiply);

void multiply_floats(const FloatTile& tile) { HWY_DYNAMIC_DISPATCH(Multiply)(tile); }

}  // namespace obz
#endif
