// Reductions over windows and axes, in the order of memory: maxima and sums of whole rows at a time.
#include <algorithm>

#include "ref/execute/fast/convert.hpp"
#include "ref/execute/fast/nodes.hpp"
#include "ref/execute/fast/parallel.hpp"

namespace obz::fast {
namespace {

/// Max pooling of one plane [rows][columns][depth]: NHWC has a plane per sample, NCHW one per channel, with depth 1.
class MaxPoolNode final : public FastNode {
 public:
  explicit MaxPoolNode(const MaxPool& op) : op_(op) {}

  void run(std::span<const Tensor* const> inputs, Tensor& y) const override {
    const Tensor& x = *inputs[0];
    const View4 in(x.shape, op_.layout), out(y.shape, op_.layout);
    const bool channels_last = op_.layout == Layout::nhwc;
    const std::int64_t depth = channels_last ? in.c : 1, planes = channels_last ? in.n : in.n * in.c;
    for_ranges(planes * out.h, 1, [&](std::int64_t begin, std::int64_t end) {
      std::vector<std::int32_t> row(static_cast<std::size_t>(in.w * depth));
      for (std::int64_t i = begin; i < end; ++i) {
        const std::int32_t* plane = x.data.data() + i / out.h * in.h * in.w * depth;
        const bool any = largest_of_rows(plane, in.h, i % out.h, row);
        pool_row(row, any, in.w, out.w, depth, x.type, y.data.data() + i * out.w * depth);
      }
    });
  }
  std::string path() const override { return "rows"; }

 private:
  /// Maximum over the window's rows, column by column; false when the window lies outside.
  bool largest_of_rows(const std::int32_t* plane, std::int64_t height, std::int64_t oh,
                       std::vector<std::int32_t>& row) const {
    const auto size = static_cast<std::int64_t>(row.size());
    bool any = false;
    for (std::int64_t kh = 0; kh < op_.kernel_h; ++kh) {
      const std::int64_t h = oh * op_.window.stride_h + kh * op_.window.dilation_h - op_.window.pad_top;
      if (h < 0 || h >= height) continue;
      if (any) {
        max_values(plane + h * size, size, row.data());
      } else {
        std::copy_n(plane + h * size, size, row.begin());
      }
      any = true;
    }
    return any;
  }

  void pool_row(const std::vector<std::int32_t>& row, bool any, std::int64_t width, std::int64_t out_width,
                std::int64_t depth, IntType type, std::int32_t* y) const {
    for (std::int64_t ow = 0; ow < out_width; ++ow, y += depth) {
      std::fill_n(y, depth, static_cast<std::int32_t>(type.min()));
      for (std::int64_t kw = 0; any && kw < op_.kernel_w; ++kw) {
        const std::int64_t w = ow * op_.window.stride_w + kw * op_.window.dilation_w - op_.window.pad_left;
        if (w < 0 || w >= width) continue;
        const std::int32_t* from = row.data() + w * depth;
        if (depth == 1) {
          *y = std::max(*y, *from);
        } else {
          max_values(from, depth, y);
        }
      }
      for (std::int64_t c = 0; c < depth; ++c) y[c] = std::clamp(y[c], op_.lo, op_.hi);
    }
  }

  MaxPool op_;
};

/// Mean over neighbouring axes: x is [outer][count][inner], y is [outer][inner].
class MeanNode final : public FastNode {
 public:
  MeanNode(const Mean& op, std::int64_t count, std::int64_t inner) : op_(op), count_(count), inner_(inner) {}

  void run(std::span<const Tensor* const> inputs, Tensor& y) const override {
    const std::int32_t* x = inputs[0]->data.data();
    std::vector<std::int32_t> sums(static_cast<std::size_t>(inner_));
    for (std::int64_t o = 0; o < y.elems() / inner_; ++o) {
      std::fill(sums.begin(), sums.end(), 0);
      for (std::int64_t k = 0; k < count_; ++k, x += inner_) {
        if (inner_ == 1) {
          sums[0] += *x;
        } else {
          add_values(x, inner_, sums.data());
        }
      }
      for (std::int64_t i = 0; i < inner_; ++i) {
        const std::int64_t sum = sums[static_cast<std::size_t>(i)] - count_ * op_.x_zero_point;
        y.data[static_cast<std::size_t>(o * inner_ + i)] = op_.requant(op_.accumulator(sum), 0);
      }
    }
  }
  std::string path() const override { return "rows"; }

 private:
  Mean op_;
  std::int64_t count_, inner_;
};

}  // namespace

Prepared prepare(const NodeSite& site, const MaxPool& op) {
  if (site.out().shape.elems() == 0 || site.in(0).shape.elems() == 0) return nullptr;
  return std::make_unique<MaxPoolNode>(op);
}

Prepared prepare(const NodeSite& site, const Mean& op) {
  const Shape& x = site.in(0).shape;
  if (x.elems() == 0 || op.axes.rank() == 0) return nullptr;
  const auto [first, last] = std::minmax_element(op.axes.begin(), op.axes.end());
  if (*last - *first + 1 != static_cast<std::int64_t>(op.axes.rank())) return nullptr;  // not neighbours
  const std::int64_t count = elems_between(x, static_cast<std::size_t>(*first), static_cast<std::size_t>(*last) + 1);
  const std::int64_t inner = elems_between(x, static_cast<std::size_t>(*last) + 1, x.rank());
  constexpr std::int64_t most = 1 << 15;  // of at most 16 bits each: sums stay inside 32
  if (site.in(0).type.bits > 16 || count >= most) return nullptr;
  return std::make_unique<MeanNode>(op, count, inner);
}

}  // namespace obz::fast
