#include "ref/ops/matmul.hpp"

#include <fmt/format.h>

#include "ref/base/error.hpp"
#include "ref/ops/dot.hpp"

namespace obz {
namespace {

/// Rows and columns of the last two axes, transposition undone, and their strides.
struct Matrix {
  std::int64_t rows, cols, row_stride, col_stride;

  Matrix(const Shape& s, bool transposed)
      : rows(s[s.rank() - 2]), cols(s[s.rank() - 1]), row_stride(cols), col_stride(1) {
    if (transposed) {
      std::swap(rows, cols);
      std::swap(row_stride, col_stride);
    }
  }
};

Shape batch_of(const Shape& s) { return Shape(std::vector<std::int64_t>(s.begin(), s.end() - 2)); }

std::int64_t zero_point(const std::vector<std::int64_t>& zero_points, std::int64_t i) {
  return zero_points.size() == 1 ? zero_points[0] : zero_points[static_cast<std::size_t>(i)];
}

void check_zero_points(const std::vector<std::int64_t>& z, std::int64_t extent, const std::string& where) {
  if (z.size() != 1 && static_cast<std::int64_t>(z.size()) != extent) {
    throw Error(fmt::format("{}: expected 1 or {} zero points, got {}", where, extent, z.size()));
  }
  for (const std::int64_t v : z) {
    if (v < -65536 || v > 65536) throw Error(fmt::format("{}: zero point {} is out of range", where, v));
  }
}

}  // namespace

Shape infer(const MatMul& op, const Shape& a, const Shape& b, const std::string& where) {
  if (a.rank() < 2 || b.rank() < 2) {
    throw Error(fmt::format("{}: expected operands of rank 2 or more, got {} and {}", where, a.text(), b.text()));
  }
  const Matrix ma(a, op.transpose_a), mb(b, op.transpose_b);
  if (ma.cols != mb.rows) {
    throw Error(
        fmt::format("{}: operands {} and {} have depths {} and {}", where, a.text(), b.text(), ma.cols, mb.rows));
  }
  check_zero_points(op.a_zero_points, ma.rows, where);
  check_zero_points(op.b_zero_points, mb.cols, where);
  Shape y = broadcast(batch_of(a), batch_of(b));
  y.push_back(ma.rows);
  y.push_back(mb.cols);
  return y;
}

void run(const MatMul& op, const Tensor& a, const Tensor& b, Tensor& y, AccumulatorTap tap) {
  const Matrix ma(a.shape, op.transpose_a), mb(b.shape, op.transpose_b);
  const Shape batch = batch_of(y.shape);
  const std::vector<std::int64_t> stride_a = broadcast_strides(batch_of(a.shape), batch);
  const std::vector<std::int64_t> stride_b = broadcast_strides(batch_of(b.shape), batch);
  const std::vector<std::int64_t> stride_y = strides_of(batch);
  std::size_t out = 0;
  for (std::int64_t i = 0; i < batch.elems(); ++i) {
    std::int64_t at_a = 0, at_b = 0;  // in matrices
    for (std::size_t axis = 0; axis < batch.rank(); ++axis) {
      const std::int64_t index = i / stride_y[axis] % batch[axis];
      at_a += index * stride_a[axis];
      at_b += index * stride_b[axis];
    }
    const std::int32_t* pa = a.data.data() + at_a * ma.rows * ma.cols;
    const std::int32_t* pb = b.data.data() + at_b * mb.rows * mb.cols;
    for (std::int64_t m = 0; m < ma.rows; ++m) {
      for (std::int64_t n = 0; n < mb.cols; ++n) {
        const std::int64_t acc =
            op.accumulator(dot(pa + m * ma.row_stride, ma.col_stride, zero_point(op.a_zero_points, m),
                               pb + n * mb.col_stride, mb.row_stride, zero_point(op.b_zero_points, n), ma.cols));
        if (tap != nullptr) tap->push_back(acc);
        y.data[out++] = op.requant(acc, n);
      }
    }
  }
}

std::int64_t depth(const MatMul& op, const Shape& a) { return Matrix(a, op.transpose_a).cols; }

}  // namespace obz
