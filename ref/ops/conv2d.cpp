#include "ref/ops/conv2d.hpp"

#include <fmt/format.h>

#include "ref/base/error.hpp"
#include "ref/ops/dot.hpp"

namespace obz {

Shape infer(const Conv2d& op, const Shape& x, const std::string& where) {
  if (x.rank() != 4) throw Error(fmt::format("{}: expected an input of rank 4, got {}", where, x.text()));
  check_filter(op.filter, 4, where);
  check_window(op.window, where);
  const View4 in(x, op.layout);
  const std::int64_t out = op.filter.weights.shape[0];
  if (op.groups < 1 || in.c % op.groups != 0 || out % op.groups != 0) {
    throw Error(
        fmt::format("{}: {} groups do not divide {} input and {} output channels", where, op.groups, in.c, out));
  }
  if (op.filter.weights.shape[3] * op.groups != in.c) {
    throw Error(fmt::format("{}: weights {} with {} groups expect {} input channels, got {}", where,
                            op.filter.weights.shape.text(), op.groups, op.filter.weights.shape[3] * op.groups, in.c));
  }
  return shape4(op.layout, in.n, op.window.out_h(in.h, op.filter.weights.shape[1]),
                op.window.out_w(in.w, op.filter.weights.shape[2]), out);
}

void run(const Conv2d& op, const Tensor& x, Tensor& y, AccumulatorTap tap) {
  const View4 in(x.shape, op.layout), out(y.shape, op.layout);
  const std::int64_t kernel_h = op.filter.weights.shape[1], kernel_w = op.filter.weights.shape[2];
  const std::int64_t depth = op.filter.weights.shape[3];
  const std::int64_t outputs_per_group = out.c / op.groups;
  const Window& win = op.window;

  for_each_output(op.layout, out, [&](std::int64_t n, std::int64_t oh, std::int64_t ow, std::int64_t o) {
    const std::int64_t first_input = o / outputs_per_group * depth;
    const std::int64_t zw = op.filter.zero_point_of(o);
    std::int64_t sum = op.filter.bias_of(o);
    for (std::int64_t kh = 0; kh < kernel_h; ++kh) {
      const std::int64_t ih = oh * win.stride_h + kh * win.dilation_h - win.pad_top;
      if (ih < 0 || ih >= in.h) continue;
      for (std::int64_t kw = 0; kw < kernel_w; ++kw) {
        const std::int64_t iw = ow * win.stride_w + kw * win.dilation_w - win.pad_left;
        if (iw < 0 || iw >= in.w) continue;
        const std::int32_t* xs = x.data.data() + in.at(n, ih, iw, first_input);
        const std::int32_t* ws = op.filter.weights.data.data() + ((o * kernel_h + kh) * kernel_w + kw) * depth;
        sum += dot(xs, in.sc, op.x_zero_point, ws, 1, zw, depth);
      }
    }
    const std::int64_t acc = op.accumulator(sum);
    if (tap != nullptr) tap->push_back(acc);
    y.data[out.at(n, oh, ow, o)] = op.requant(acc, o);
  });
}

std::int64_t macs(const Conv2d& op, const Shape& y) { return y.elems() * elems_between(op.filter.weights.shape, 1, 4); }

}  // namespace obz
