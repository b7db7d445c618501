#include "ref/ops/movement.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "ref/base/error.hpp"

namespace obz {
namespace {

/// Copies y[i] = x[offset + i . stride] for every index i of `extent`; `stride` in elements of x, per axis.
void gather(const Tensor& x, const Shape& extent, std::int64_t offset, const std::vector<std::int64_t>& stride,
            std::vector<std::int32_t>& y) {
  std::vector<std::int64_t> index(extent.rank(), 0);
  std::int64_t at = offset;
  for (std::int32_t& out : y) {
    out = x.data[static_cast<std::size_t>(at)];
    for (std::size_t axis = index.size(); axis-- > 0;) {
      at += stride[axis];
      if (++index[axis] < extent[axis]) break;
      at -= stride[axis] * index[axis];
      index[axis] = 0;
    }
  }
}

void require_rank(const Shape& list, const Shape& x, std::string_view field, const std::string& where) {
  if (list.rank() != x.rank()) {
    throw Error(fmt::format("{}: expected {} entries in {}, got {}", where, x.rank(), field, list.rank()));
  }
}

}  // namespace

Shape infer(const Reshape& op, const Shape& x, const std::string& where) {
  check_shape(op.shape, where);
  if (op.shape.elems() != x.elems()) {
    throw Error(fmt::format("{}: cannot reshape {} ({} elements) to {} ({})", where, x.text(), x.elems(),
                            op.shape.text(), op.shape.elems()));
  }
  return op.shape;
}

Shape infer(const Transpose& op, const Shape& x, const std::string& where) {
  require_rank(op.permutation, x, "permutation", where);
  std::vector<std::int64_t> seen(op.permutation.begin(), op.permutation.end());
  std::sort(seen.begin(), seen.end());
  Shape y = x;
  for (std::size_t i = 0; i < x.rank(); ++i) {
    if (seen[i] != static_cast<std::int64_t>(i)) {
      throw Error(fmt::format("{}: ({}) is no permutation of {} axes", where, op.permutation.text(), x.rank()));
    }
    y[i] = x[static_cast<std::size_t>(op.permutation[i])];
  }
  return y;
}

Shape infer(const Pad& op, const Shape& x, const std::string& where) {
  require_rank(op.before, x, "before", where);
  require_rank(op.after, x, "after", where);
  Shape y = x;
  for (std::size_t i = 0; i < x.rank(); ++i) {
    if (op.before[i] < 0 || op.after[i] < 0 || op.before[i] > kMaxElems || op.after[i] > kMaxElems) {
      throw Error(fmt::format("{}: expected paddings >= 0, got {} and {}", where, op.before[i], op.after[i]));
    }
    y[i] += op.before[i] + op.after[i];
  }
  check_shape(y, where);
  return y;
}

Shape infer(const Slice& op, const Shape& x, const std::string& where) {
  require_rank(op.begin, x, "begin", where);
  require_rank(op.step, x, "step", where);
  require_rank(op.extent, x, "extent", where);
  check_shape(op.extent, where);
  check_shape(op.shape, where);
  for (std::size_t i = 0; i < x.rank(); ++i) {
    if (op.extent[i] == 0) continue;
    const bool small =
        op.step[i] != 0 && op.step[i] > -kMaxElems && op.step[i] < kMaxElems && op.begin[i] >= 0 && op.begin[i] < x[i];
    const std::int64_t last = small ? op.begin[i] + (op.extent[i] - 1) * op.step[i] : -1;
    if (last < 0 || last >= x[i]) {
      throw Error(fmt::format("{}: slice of axis {} (begin {}, step {}, {} values) leaves its extent {}", where, i,
                              op.begin[i], op.step[i], op.extent[i], x[i]));
    }
  }
  if (op.shape.elems() != op.extent.elems()) {
    throw Error(fmt::format("{}: slice extent {} does not fit shape {}", where, op.extent.text(), op.shape.text()));
  }
  return op.shape;
}

void run(const Reshape&, const Tensor& x, Tensor& y) { y.data = x.data; }

void run(const Transpose& op, const Tensor& x, Tensor& y) {
  const std::vector<std::int64_t> own = strides_of(x.shape);
  std::vector<std::int64_t> stride(own.size());
  for (std::size_t i = 0; i < own.size(); ++i) stride[i] = own[static_cast<std::size_t>(op.permutation[i])];
  gather(x, y.shape, 0, stride, y.data);
}

void run(const Pad& op, const Tensor& x, Tensor& y) {
  std::fill(y.data.begin(), y.data.end(), op.value);
  const std::vector<std::int64_t> stride_x = strides_of(x.shape), stride_y = strides_of(y.shape);
  for (std::size_t i = 0; i < x.data.size(); ++i) {
    std::int64_t at = 0;
    for (std::size_t axis = 0; axis < x.shape.rank(); ++axis) {
      const std::int64_t index = static_cast<std::int64_t>(i) / stride_x[axis] % x.shape[axis];
      at += (index + op.before[axis]) * stride_y[axis];
    }
    y.data[static_cast<std::size_t>(at)] = x.data[i];
  }
}

void run(const Slice& op, const Tensor& x, Tensor& y) {
  std::vector<std::int64_t> stride = strides_of(x.shape);
  std::int64_t offset = 0;
  for (std::size_t i = 0; i < stride.size(); ++i) {
    offset += op.begin[i] * stride[i];
    stride[i] *= op.step[i];
  }
  gather(x, op.extent, offset, stride, y.data);
}

}  // namespace obz
