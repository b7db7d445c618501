#include "ref/execute/fast/transfer.hpp"

#include <algorithm>

#include "ref/execute/fast/convert.hpp"
#include "ref/execute/fast/parallel.hpp"

namespace obz::fast {
namespace {

/// body(element of the tensor, step to its next channel, element of the value) over all pixels.
template <class Body>
void for_each_pixel(const Shape& shape, Layout layout, const Value& v, const Body& body) {
  const bool four = shape.rank() == 4;
  const Shape flat{v.w, v.c};
  const std::vector<std::int64_t> strides = strides_of(four ? shape : flat);
  const bool first = four && layout == Layout::nchw;
  const std::int64_t sn = four ? strides[0] : 0, sh = four ? strides[first ? 2 : 1] : 0,
                     sw = four ? strides[first ? 3 : 2] : strides[0], sc = four ? strides[first ? 1 : 3] : strides[1];
  std::int64_t at = 0;
  for (std::int64_t n = 0; n < v.n; ++n) {
    for (std::int64_t h = 0; h < v.h; ++h) {
      for (std::int64_t w = 0; w < v.w; ++w, at += v.pixel) body(n * sn + h * sh + w * sw, sc, at);
    }
  }
}

/// Pixels and channels that are turned around together.
constexpr std::int64_t kTilePixels = 64, kTileChannels = 32;

/// body(sample, first pixel, pixels, first channel, channels) over tiles of an NCHW tensor, on all cores.
template <class Body>
void for_each_tile(const Value& v, const Body& body) {
  const std::int64_t plane = v.h * v.w, blocks = (plane + kTilePixels - 1) / kTilePixels;
  constexpr std::int64_t grain = 4;
  for_ranges(v.n * blocks, grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t b = begin; b < end; ++b) {
      const std::int64_t first = b % blocks * kTilePixels, pixels = std::min(kTilePixels, plane - first);
      for (std::int64_t c = 0; c < v.c; c += kTileChannels) {
        body(b / blocks, first, pixels, c, std::min(kTileChannels, v.c - c));
      }
    }
  });
}

void planes_to_bytes(const Tensor& x, const Value& v) {
  const std::int64_t plane = v.h * v.w;
  for_each_tile(v, [&](std::int64_t n, std::int64_t p, std::int64_t pixels, std::int64_t c, std::int64_t channels) {
    std::uint8_t tile[kTileChannels * kTilePixels];
    for (std::int64_t k = 0; k < channels; ++k) {
      narrow_values(x.data.data() + (n * v.c + c + k) * plane + p, pixels, v.base, tile + k * kTilePixels);
    }
    for (std::int64_t i = 0; i < pixels; ++i) {
      std::uint8_t* const row = v.bytes + (n * plane + p + i) * v.pixel + c;
      for (std::int64_t k = 0; k < channels; ++k) row[k] = tile[k * kTilePixels + i];
    }
  });
}

/// `data`: bytes or words of v.
template <class Element>
void to_planes(const Value& v, const Element* data, std::int32_t base, Tensor& y) {
  const std::int64_t plane = v.h * v.w;
  for_each_tile(v, [&](std::int64_t n, std::int64_t p, std::int64_t pixels, std::int64_t c, std::int64_t channels) {
    const Element* const rows = data + (n * plane + p) * v.pixel + c;
    for (std::int64_t k = 0; k < channels; ++k) {
      std::int32_t* const to = y.data.data() + (n * v.c + c + k) * plane + p;
      for (std::int64_t i = 0; i < pixels; ++i) to[i] = rows[i * v.pixel + k] + base;
    }
  });
}

}  // namespace

Value value_geometry(const Shape& shape, Layout layout) {
  Value v;
  if (shape.rank() == 4) {
    const View4 view(shape, layout);
    v.n = view.n, v.h = view.h, v.w = view.w, v.c = view.c;
  } else {
    v.c = shape.rank() == 0 ? 1 : shape[shape.rank() - 1];
    v.w = v.c == 0 ? 0 : shape.elems() / v.c;
  }
  v.pixel = v.c;
  return v;
}

void put(const Tensor& x, Layout layout, const Value& to) {
  if (to.bytes == nullptr) {
    return for_each_pixel(x.shape, layout, to, [&](std::int64_t at, std::int64_t step, std::int64_t value) {
      for (std::int64_t c = 0; c < to.c; ++c) to.words[value + c] = x.data[static_cast<std::size_t>(at + c * step)];
    });
  }
  if (layout == Layout::nhwc && to.pixel == to.c) {  // the same order
    constexpr std::int64_t grain = 1 << 15;
    return for_ranges(x.elems(), grain, [&](std::int64_t begin, std::int64_t end) {
      narrow_values(x.data.data() + begin, end - begin, to.base, to.bytes + begin);
    });
  }
  if (x.shape.rank() == 4 && layout == Layout::nchw) return planes_to_bytes(x, to);
  for_each_pixel(x.shape, layout, to, [&](std::int64_t at, std::int64_t step, std::int64_t value) {
    const std::int32_t* from = x.data.data() + at;
    if (step == 1) return narrow_values(from, to.c, to.base, to.bytes + value);
    for (std::int64_t c = 0; c < to.c; ++c) narrow_values(from + c * step, 1, to.base, to.bytes + value + c);
  });
}

void fetch(const Value& from, Layout layout, Tensor& y) {
  const auto copy = [&](const auto* data, std::int32_t base) {
    if (y.shape.rank() == 4 && layout == Layout::nchw) return to_planes(from, data, base, y);
    for_each_pixel(y.shape, layout, from, [&](std::int64_t at, std::int64_t step, std::int64_t value) {
      for (std::int64_t c = 0; c < from.c; ++c)
        y.data[static_cast<std::size_t>(at + c * step)] = data[value + c] + base;
    });
  };
  if (from.bytes != nullptr) return copy(from.bytes, from.base);
  copy(from.words, 0);
}

}  // namespace obz::fast
