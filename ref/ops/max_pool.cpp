#include "ref/ops/max_pool.hpp"

#include <algorithm>

#include "ref/ops/dot.hpp"

namespace obz {

Shape infer(const MaxPool& op, const Shape& x, const std::string& where) {
  return pool_shape(op.layout, op.kernel_h, op.kernel_w, op.window, x, where);
}

void run(const MaxPool& op, const Tensor& x, Tensor& y) {
  const View4 in(x.shape, op.layout), out(y.shape, op.layout);
  const Window& win = op.window;
  for_each_output(op.layout, out, [&](std::int64_t n, std::int64_t oh, std::int64_t ow, std::int64_t c) {
    std::int32_t largest = static_cast<std::int32_t>(x.type.min());
    for (std::int64_t kh = 0; kh < op.kernel_h; ++kh) {
      const std::int64_t ih = oh * win.stride_h + kh * win.dilation_h - win.pad_top;
      if (ih < 0 || ih >= in.h) continue;
      for (std::int64_t kw = 0; kw < op.kernel_w; ++kw) {
        const std::int64_t iw = ow * win.stride_w + kw * win.dilation_w - win.pad_left;
        if (iw >= 0 && iw < in.w) largest = std::max(largest, x.data[in.at(n, ih, iw, c)]);
      }
    }
    y.data[out.at(n, oh, ow, c)] = std::clamp(largest, op.lo, op.hi);
  });
}

}  // namespace obz
