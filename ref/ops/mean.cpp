#include "ref/ops/mean.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "ref/base/error.hpp"

namespace obz {
namespace {

bool reduces(const Mean& op, std::size_t axis) {
  return std::find(op.axes.begin(), op.axes.end(), static_cast<std::int64_t>(axis)) != op.axes.end();
}

}  // namespace

Shape infer(const Mean& op, const Shape& x, const std::string& where) {
  for (std::size_t i = 0; i < op.axes.rank(); ++i) {
    const std::int64_t axis = op.axes[i];
    const bool repeated = std::count(op.axes.begin(), op.axes.end(), axis) != 1;
    if (axis < 0 || axis >= static_cast<std::int64_t>(x.rank()) || repeated) {
      throw Error(
          fmt::format("{}: axes ({}) are not distinct axes of an input of rank {}", where, op.axes.text(), x.rank()));
    }
  }
  Shape y;
  for (std::size_t axis = 0; axis < x.rank(); ++axis) {
    if (!reduces(op, axis)) {
      y.push_back(x[axis]);
    } else if (op.keep_dims) {
      y.push_back(1);
    }
  }
  return y;
}

void run(const Mean& op, const Tensor& x, Tensor& y, AccumulatorTap tap) {
  const std::vector<std::int64_t> stride_x = strides_of(x.shape);
  std::vector<std::int64_t> sums(y.data.size(), 0);
  for (std::size_t i = 0; i < x.data.size(); ++i) {
    std::int64_t at = 0;  // index of the output this input belongs to: the kept axes, in order
    for (std::size_t axis = 0; axis < x.shape.rank(); ++axis) {
      if (reduces(op, axis)) continue;
      at = at * x.shape[axis] + static_cast<std::int64_t>(i) / stride_x[axis] % x.shape[axis];
    }
    sums[static_cast<std::size_t>(at)] += x.data[i] - std::int64_t{op.x_zero_point};
  }
  for (std::size_t i = 0; i < sums.size(); ++i) {
    const std::int64_t acc = op.accumulator(sums[i]);
    if (tap != nullptr) tap->push_back(acc);
    y.data[i] = op.requant(acc, 0);
  }
}

}  // namespace obz
