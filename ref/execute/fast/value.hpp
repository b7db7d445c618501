// A value between the nodes of a network, channels last: what FastNet keeps instead of a Tensor.
#pragma once

#include <cstdint>

#include "ref/ops/window.hpp"
#include "ref/tensor/tensor.hpp"

namespace obz::fast {

/// Element (n, h, w, c) is at ((n * H + h) * W + w) * pixel + c, whatever the tensor's layout: base + bytes[...], or
/// words[...] where the values need more than 8 bits. Tensors of another rank than 4 are n = h = 1, w = all but the
/// last extent. kByteSlack bytes behind it are readable.
struct Value {
  std::uint8_t* bytes = nullptr;
  std::int32_t* words = nullptr;
  std::int32_t base = 0;  ///< of bytes
  std::int64_t n = 1, h = 1, w = 1, c = 1;
  std::int64_t pixel = 1;  ///< at least c; what lies between is never read as a value

  std::int64_t pixels() const { return n * h * w; }
  std::int64_t size() const { return pixels() * pixel; }
};

inline constexpr std::int64_t kByteSlack = 64;

/// Bytes from a pixel to the next. A multiple of 256 would put neighbouring pixels into few sets of L1.
constexpr std::int64_t spread_pixel(std::int64_t channels) { return channels % 256 == 0 ? channels + 64 : channels; }

/// Where an operator finds or puts its elements, in a tensor or in a value; the strides count elements.
template <class Word, class Byte>
struct Strided {
  Word* words = nullptr;
  Byte* bytes = nullptr;
  std::int32_t base = 0;  ///< of bytes
  std::int64_t n, h, w, c, sn, sh, sw, sc;

  template <class T>  // Tensor, const or not
  Strided(T& x, Layout layout) : words(x.data.data()) {
    const View4 v(x.shape, layout);
    n = v.n, h = v.h, w = v.w, c = v.c, sn = v.sn, sh = v.sh, sw = v.sw, sc = v.sc;
  }
  explicit Strided(const Value& x)
      : words(x.words),
        bytes(x.bytes),
        base(x.base),
        n(x.n),
        h(x.h),
        w(x.w),
        c(x.c),
        sn(x.h * x.w * x.pixel),
        sh(x.w * x.pixel),
        sw(x.pixel),
        sc(1) {}
  std::int64_t at(std::int64_t in, std::int64_t ih, std::int64_t iw, std::int64_t ic) const {
    return in * sn + ih * sh + iw * sw + ic * sc;
  }
};

using Source = Strided<const std::int32_t, const std::uint8_t>;
using Sink = Strided<std::int32_t, std::uint8_t>;

}  // namespace obz::fast
