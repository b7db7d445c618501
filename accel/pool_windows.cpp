#include "accel/pool_windows.hpp"

#include <algorithm>
#include <cstdlib>

#include "accel/units_device.hpp"
#include "ref/arith/reciprocal.hpp"

namespace obz::accel {
namespace {

/// `counts_padding`: padding is streamed too.
template <class Pool>
Windows windows_of(const Pool& op, const Shape& x, bool counts_padding) {
  const View4 in(x, op.layout);
  const View4 out(pool_shape(op.layout, op.kernel_h, op.kernel_w, op.window, x, "pool"), op.layout);
  const Window& win = op.window;
  Windows w;
  for (std::int64_t c = 0; c < in.c; ++c) {
    w.lane_in.push_back(c * in.sc);
    w.lane_out.push_back(c * out.sc);
  }
  for (std::int64_t n = 0; n < out.n; ++n) {
    for (std::int64_t oh = 0; oh < out.h; ++oh) {
      for (std::int64_t ow = 0; ow < out.w; ++ow) {
        Position p;
        p.out = n * out.sn + oh * out.sh + ow * out.sw;
        for (std::int64_t kh = 0; kh < op.kernel_h; ++kh) {
          for (std::int64_t kw = 0; kw < op.kernel_w; ++kw) {
            const std::int64_t ih = oh * win.stride_h + kh * win.dilation_h - win.pad_top;
            const std::int64_t iw = ow * win.stride_w + kw * win.dilation_w - win.pad_left;
            const bool inside = ih >= 0 && ih < in.h && iw >= 0 && iw < in.w;
            if (inside) p.elements.push_back(n * in.sn + ih * in.sh + iw * in.sw);
            if (!inside && counts_padding) p.elements.push_back(kPadding);
          }
        }
        p.count = static_cast<std::int64_t>(p.elements.size());
        if (p.elements.empty()) p.elements.push_back(kPadding);
        w.positions.push_back(std::move(p));
      }
    }
  }
  return w;
}

/// Addresses of all elements whose index differs along these axes alone, in C order.
std::vector<std::int64_t> addresses(const Shape& x, const Mean& op, bool reduced) {
  const std::vector<std::int64_t> stride = strides_of(x);
  std::vector<std::int64_t> all{0};
  for (std::size_t axis = 0; axis < x.rank(); ++axis) {
    const bool is_reduced = std::find(op.axes.begin(), op.axes.end(), static_cast<std::int64_t>(axis)) != op.axes.end();
    if (is_reduced != reduced) continue;
    std::vector<std::int64_t> longer;
    for (const std::int64_t a : all) {
      for (std::int64_t i = 0; i < x[axis]; ++i) longer.push_back(a + i * stride[axis]);
    }
    all = std::move(longer);
  }
  return all;
}

}  // namespace

Windows pool_windows(const AvgPool& op, const Shape& x) { return windows_of(op, x, op.count_includes_pad); }
Windows pool_windows(const MaxPool& op, const Shape& x) { return windows_of(op, x, false); }

Windows mean_windows(const Mean& op, const Shape& x) {
  Windows w;
  w.lane_in = addresses(x, op, false);
  for (std::size_t i = 0; i < w.lane_in.size(); ++i) w.lane_out.push_back(static_cast<std::int64_t>(i));
  Position p{addresses(x, op, true), 0, 0};
  p.count = static_cast<std::int64_t>(p.elements.size());
  if (p.elements.empty()) p.elements.push_back(kPadding);
  w.positions.push_back(std::move(p));
  return w;
}

std::optional<Channel> average_reciprocal(const AvgPool& op, IntType x, std::int64_t count) {
  constexpr std::int64_t most = std::int64_t{1} << 31, widest = std::int64_t{1} << 32;
  constexpr std::int64_t byte = 255;  // all types to 8 bits share the reciprocals that rtl/proof proves
  std::int64_t value = std::max({byte, std::abs(x.min()), x.max()});
  if (op.count_includes_pad) value = std::max<std::int64_t>(value, std::abs(std::int64_t{op.x_zero_point}));
  const std::int64_t n = std::max<std::int64_t>(count, 1);
  std::int64_t largest = n * value;  // below 2^30 * 2^31
  if (op.accumulator.overflow != Overflow::exact && op.accumulator.bits < 63) {
    largest = std::min(largest, std::int64_t{1} << (op.accumulator.bits - 1));
  }
  if (largest > most) return std::nullopt;
  const std::optional<Channel> r = reciprocal(n, largest, Quotient::truncated);
  if (r && r->multiplier > widest) return std::nullopt;
  return r;
}

std::size_t WindowCursor::lanes() const { return std::min(kUnitLanes, w_.lane_in.size() - lane_); }

std::int64_t WindowCursor::input(std::size_t lane) const {
  const std::int64_t at = position().elements[element_];
  return at == kPadding ? kPadding : at + w_.lane_in[lane_ + lane];
}

void WindowCursor::next_element() {
  if (at_last()) {
    next_window();
  } else {
    ++element_;
  }
}

void WindowCursor::next_window() {
  element_ = 0;
  lane_ += kUnitLanes;
  if (lane_ < w_.lane_in.size()) return;
  lane_ = 0;
  ++position_;
}

}  // namespace obz::accel
