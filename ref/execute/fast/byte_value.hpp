// A value between the nodes of a network as bytes: what FastNet keeps instead of a Tensor.
#pragma once

#include <cstdint>

#include "ref/ops/window.hpp"
#include "ref/tensor/tensor.hpp"

namespace obz::fast {

/// Element (n, h, w, c) is base + data[((n * H + h) * W + w) * pixel + c]: channels last, whatever the tensor's layout.
/// Tensors of another rank than 4 are n = h = 1, w = all but the last extent. kByteSlack bytes behind it are readable.
struct ByteValue {
  std::uint8_t* data = nullptr;
  std::int32_t base = 0;
  std::int64_t n = 1, h = 1, w = 1, c = 1;
  std::int64_t pixel = 1;  ///< at least c; what lies between is never read as a value

  std::int64_t size() const { return n * h * w * pixel; }
};

inline constexpr std::int64_t kByteSlack = 64;

/// Bytes from a pixel to the next. A multiple of 256 would put neighbouring pixels into few sets of L1.
constexpr std::int64_t spread_pixel(std::int64_t channels) { return channels % 256 == 0 ? channels + 64 : channels; }

/// Where an operator finds its input, as the int32 of a tensor or as bytes; the strides count elements.
struct Source {
  const std::int32_t* words = nullptr;
  const std::uint8_t* bytes = nullptr;
  std::int32_t base = 0;  ///< of bytes
  std::int64_t n, h, w, c, sn, sh, sw, sc;

  Source(const Tensor& x, Layout layout) : words(x.data.data()) {
    const View4 v(x.shape, layout);
    n = v.n, h = v.h, w = v.w, c = v.c, sn = v.sn, sh = v.sh, sw = v.sw, sc = v.sc;
  }
  explicit Source(const ByteValue& x)
      : bytes(x.data),
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

/// Where it puts its output, likewise.
struct Sink {
  std::int32_t* words = nullptr;
  std::uint8_t* bytes = nullptr;
  std::int32_t base = 0;
  std::int64_t n, h, w, c, sn, sh, sw, sc;

  Sink(Tensor& y, Layout layout) : words(y.data.data()) {
    const View4 v(y.shape, layout);
    n = v.n, h = v.h, w = v.w, c = v.c, sn = v.sn, sh = v.sh, sw = v.sw, sc = v.sc;
  }
  explicit Sink(const ByteValue& y)
      : bytes(y.data),
        base(y.base),
        n(y.n),
        h(y.h),
        w(y.w),
        c(y.c),
        sn(y.h * y.w * y.pixel),
        sh(y.w * y.pixel),
        sw(y.pixel),
        sc(1) {}
};

}  // namespace obz::fast
