#include "ref/ops/rescale.hpp"

#include <fmt/format.h>

#include "ref/base/error.hpp"

namespace obz {

Shape infer(const Rescale& op, const Shape& x, const std::string& where) {
  if (op.requant.channels.size() != 1) {
    const bool exists = op.axis >= 0 && op.axis < static_cast<std::int64_t>(x.rank());
    if (!exists || x[static_cast<std::size_t>(op.axis)] != static_cast<std::int64_t>(op.requant.channels.size())) {
      throw Error(fmt::format("{}: {} requantizer channels do not fit axis {} of {}", where, op.requant.channels.size(),
                              op.axis, x.text()));
    }
  }
  return x;
}

void run(const Rescale& op, const Tensor& x, Tensor& y, AccumulatorTap tap) {
  const bool per_channel = op.requant.channels.size() > 1;
  const auto axis = static_cast<std::size_t>(op.axis);
  const std::int64_t inner = per_channel ? elems_between(x.shape, axis + 1, x.shape.rank()) : 1;
  const std::int64_t extent = per_channel ? x.shape[axis] : 1;
  for (std::size_t i = 0; i < x.data.size(); ++i) {
    const std::int64_t acc = std::int64_t{x.data[i]} - op.x_zero_point;
    if (tap != nullptr) tap->push_back(acc);
    y.data[i] = op.requant(acc, static_cast<std::int64_t>(i) / inner % extent);
  }
}

}  // namespace obz
