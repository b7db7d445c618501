#include "rtl/dut/dots.hpp"

#include "ref/base/error.hpp"
#include "ref/ops/dot.hpp"

namespace obz::rtl {
namespace {

using Visit = std::function<void(const Dot&)>;

std::int64_t one_of(const std::vector<std::int64_t>& zero_points, std::int64_t i) {
  return zero_points.size() == 1 ? zero_points[0] : zero_points[static_cast<std::size_t>(i)];
}

std::int32_t less(std::int32_t value, std::int64_t zero_point) { return static_cast<std::int32_t>(value - zero_point); }

void visit_dots(const Dense& op, const LayerJob& job, const Visit& visit) {
  const Tensor& x = *job.inputs[0];
  const Tensor& w = op.filter.weights;
  const std::int64_t out = w.shape[0], depth = w.shape[1];
  Dot dot{std::vector<std::int32_t>(static_cast<std::size_t>(depth)),
          std::vector<std::int32_t>(static_cast<std::size_t>(depth))};
  for (std::int64_t row = 0; row < x.elems() / depth; ++row) {
    for (std::int64_t o = 0; o < out; ++o) {
      for (std::int64_t k = 0; k < depth; ++k) {
        const auto i = static_cast<std::size_t>(k);
        dot.a[i] = less(x.data[static_cast<std::size_t>(row * depth + k)], op.x_zero_point);
        dot.b[i] = less(w.data[static_cast<std::size_t>(o * depth + k)], op.filter.zero_point_of(o));
      }
      dot.bias = op.filter.bias_of(o);
      visit(dot);
    }
  }
}

void visit_dots(const MatMul& op, const LayerJob& job, const Visit& visit) {
  const Tensor &a = *job.inputs[0], &b = *job.inputs[1];
  const auto last = [](const Shape& s, std::size_t back) { return s[s.rank() - back]; };
  const std::int64_t rows = last(a.shape, op.transpose_a ? 1 : 2), depth = last(a.shape, op.transpose_a ? 2 : 1);
  const std::int64_t cols = last(b.shape, op.transpose_b ? 2 : 1);
  const auto batch_of = [](const Shape& s) { return Shape(std::vector<std::int64_t>(s.begin(), s.end() - 2)); };
  const Shape batch = batch_of(job.output->shape);
  const std::vector<std::int64_t> stride_a = broadcast_strides(batch_of(a.shape), batch);
  const std::vector<std::int64_t> stride_b = broadcast_strides(batch_of(b.shape), batch);
  const std::vector<std::int64_t> stride_y = strides_of(batch);
  Dot dot{std::vector<std::int32_t>(static_cast<std::size_t>(depth)),
          std::vector<std::int32_t>(static_cast<std::size_t>(depth))};
  for (std::int64_t i = 0; i < batch.elems(); ++i) {
    std::int64_t at_a = 0, at_b = 0;  // in matrices
    for (std::size_t axis = 0; axis < batch.rank(); ++axis) {
      const std::int64_t index = i / stride_y[axis] % batch[axis];
      at_a += index * stride_a[axis];
      at_b += index * stride_b[axis];
    }
    for (std::int64_t m = 0; m < rows; ++m) {
      for (std::int64_t n = 0; n < cols; ++n) {
        for (std::int64_t k = 0; k < depth; ++k) {
          const std::int64_t in_a = at_a * rows * depth + (op.transpose_a ? k * rows + m : m * depth + k);
          const std::int64_t in_b = at_b * cols * depth + (op.transpose_b ? n * depth + k : k * cols + n);
          const auto at = static_cast<std::size_t>(k);
          dot.a[at] = less(a.data[static_cast<std::size_t>(in_a)], one_of(op.a_zero_points, m));
          dot.b[at] = less(b.data[static_cast<std::size_t>(in_b)], one_of(op.b_zero_points, n));
        }
        visit(dot);
      }
    }
  }
}

void visit_dots(const Conv2d& op, const LayerJob& job, const Visit& visit) {
  const Tensor& x = *job.inputs[0];
  const Tensor& w = op.filter.weights;
  const View4 in(x.shape, op.layout), out(job.output->shape, op.layout);
  const std::int64_t kernel_h = w.shape[1], kernel_w = w.shape[2], depth = w.shape[3];
  const std::int64_t outputs_per_group = out.c / op.groups;
  Dot dot;
  for_each_output(op.layout, out, [&](std::int64_t n, std::int64_t oh, std::int64_t ow, std::int64_t o) {
    dot.a.clear();
    dot.b.clear();
    for (std::int64_t kh = 0; kh < kernel_h; ++kh) {
      const std::int64_t ih = oh * op.window.stride_h + kh * op.window.dilation_h - op.window.pad_top;
      if (ih < 0 || ih >= in.h) continue;
      for (std::int64_t kw = 0; kw < kernel_w; ++kw) {
        const std::int64_t iw = ow * op.window.stride_w + kw * op.window.dilation_w - op.window.pad_left;
        if (iw < 0 || iw >= in.w) continue;
        for (std::int64_t i = 0; i < depth; ++i) {
          dot.a.push_back(less(x.data[in.at(n, ih, iw, o / outputs_per_group * depth + i)], op.x_zero_point));
          const std::int64_t at = ((o * kernel_h + kh) * kernel_w + kw) * depth + i;
          dot.b.push_back(less(w.data[static_cast<std::size_t>(at)], op.filter.zero_point_of(o)));
        }
      }
    }
    dot.bias = op.filter.bias_of(o);
    visit(dot);
  });
}

}  // namespace

bool has_dots(const Operator& op) {
  return std::holds_alternative<MatMul>(op) || std::holds_alternative<Dense>(op) || std::holds_alternative<Conv2d>(op);
}

const Accumulator& accumulator_of(const Operator& op) {
  if (const auto* m = std::get_if<MatMul>(&op)) return m->accumulator;
  if (const auto* d = std::get_if<Dense>(&op)) return d->accumulator;
  return std::get<Conv2d>(op).accumulator;
}

void for_each_dot(const LayerJob& job, const Visit& visit) {
  OBZ_CHECK(has_dots(job.node->op));
  if (const auto* m = std::get_if<MatMul>(&job.node->op)) return visit_dots(*m, job, visit);
  if (const auto* d = std::get_if<Dense>(&job.node->op)) return visit_dots(*d, job, visit);
  visit_dots(std::get<Conv2d>(job.node->op), job, visit);
}

}  // namespace obz::rtl
