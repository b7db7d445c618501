#include "ref/ops/concat.hpp"

#include <fmt/format.h>

#include "ref/base/error.hpp"

namespace obz {

Shape infer(const Concat& op, std::span<const Shape> parts, const std::string& where) {
  if (parts.empty() || op.requants.size() != parts.size() || op.x_zero_points.size() != parts.size()) {
    throw Error(fmt::format("{}: {} parts with {} requantizers and {} zero points", where, parts.size(),
                            op.requants.size(), op.x_zero_points.size()));
  }
  Shape y = parts[0];
  if (op.axis < 0) throw Error(fmt::format("{}: expected an axis >= 0, got {}", where, op.axis));
  const std::size_t axis = resolve_axis(op.axis, y.rank());
  for (std::size_t i = 1; i < parts.size(); ++i) {
    Shape same = parts[i];
    if (same.rank() == y.rank()) same[axis] = y[axis];
    if (same != y) {
      throw Error(
          fmt::format("{}: parts {} and {} differ beside axis {}", where, parts[0].text(), parts[i].text(), axis));
    }
    y[axis] += parts[i][axis];
  }
  check_shape(y, where);
  return y;
}

void run(const Concat& op, std::span<const Tensor* const> parts, Tensor& y) {
  const auto axis = static_cast<std::size_t>(op.axis);
  const std::int64_t outer = elems_between(y.shape, 0, axis);
  const std::int64_t row = elems_between(y.shape, axis, y.shape.rank());
  std::int64_t start = 0;
  for (std::size_t p = 0; p < parts.size(); ++p) {
    const std::int64_t part_row = elems_between(parts[p]->shape, axis, y.shape.rank());
    for (std::int64_t o = 0; o < outer; ++o) {
      for (std::int64_t i = 0; i < part_row; ++i) {
        const std::int64_t x = parts[p]->data[static_cast<std::size_t>(o * part_row + i)];
        y.data[static_cast<std::size_t>(o * row + start + i)] = op.requants[p](x - op.x_zero_points[p], 0);
      }
    }
    start += part_row;
  }
}

}  // namespace obz
