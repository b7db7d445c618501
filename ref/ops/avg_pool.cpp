#include "ref/ops/avg_pool.hpp"

#include <fmt/format.h>

#include "ref/base/error.hpp"
#include "ref/ops/dot.hpp"

namespace obz {

Shape infer(const AvgPool& op, const Shape& x, const std::string& where) {
  const Shape y = pool_shape(op.layout, op.kernel_h, op.kernel_w, op.window, x, where);
  const std::int64_t counts = std::int64_t{op.kernel_h} * op.kernel_w;
  if (op.by == AverageBy::requant && static_cast<std::int64_t>(op.requant.channels.size()) != counts) {
    throw Error(fmt::format("{}: expected {} requantizer channels (one per count), got {}", where, counts,
                            op.requant.channels.size()));
  }
  return y;
}

void run(const AvgPool& op, const Tensor& x, Tensor& y, AccumulatorTap tap) {
  const View4 in(x.shape, op.layout), out(y.shape, op.layout);
  const Window& win = op.window;
  for_each_output(op.layout, out, [&](std::int64_t n, std::int64_t oh, std::int64_t ow, std::int64_t c) {
    std::int64_t sum = 0, inside = 0;
    for (std::int64_t kh = 0; kh < op.kernel_h; ++kh) {
      const std::int64_t ih = oh * win.stride_h + kh * win.dilation_h - win.pad_top;
      if (ih < 0 || ih >= in.h) continue;
      for (std::int64_t kw = 0; kw < op.kernel_w; ++kw) {
        const std::int64_t iw = ow * win.stride_w + kw * win.dilation_w - win.pad_left;
        if (iw < 0 || iw >= in.w) continue;
        sum += x.data[in.at(n, ih, iw, c)];
        ++inside;
      }
    }
    const std::int64_t count = op.count_includes_pad ? std::int64_t{op.kernel_h} * op.kernel_w : inside;
    const std::int64_t padding = (count - inside) * op.x_zero_point;  // real value 0
    std::int64_t acc = 0, value = 0;
    if (op.by == AverageBy::division) {
      acc = op.accumulator(sum + padding);
      const Channel& clamp = op.requant.channels[0];
      value = count == 0 ? 0 : divide(acc, count, op.rounding);
      value = saturate(value, clamp.lo, clamp.hi);
    } else {
      acc = op.accumulator(sum - inside * op.x_zero_point);
      value = op.requant(acc, count == 0 ? 0 : count - 1);
    }
    if (tap != nullptr) tap->push_back(acc);
    y.data[out.at(n, oh, ow, c)] = static_cast<std::int32_t>(value);
  });
}

}  // namespace obz
