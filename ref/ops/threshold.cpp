#include "ref/ops/threshold.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "ref/base/error.hpp"

namespace obz {

Shape infer(const Threshold& op, const Shape& x, const std::string& where) {
  const bool exists = op.axis >= 0 && op.axis < static_cast<std::int64_t>(x.rank());
  if (op.channels != 1 && (!exists || x[static_cast<std::size_t>(op.axis)] != op.channels)) {
    throw Error(
        fmt::format("{}: {} threshold channels do not fit axis {} of {}", where, op.channels, op.axis, x.text()));
  }
  const auto size = static_cast<std::int64_t>(op.thresholds.size());
  if (op.channels < 1 || size % op.channels != 0 || static_cast<std::int64_t>(op.directions.size()) != op.channels) {
    throw Error(fmt::format("{}: {} thresholds and {} directions do not fit {} channels", where, size,
                            op.directions.size(), op.channels));
  }
  for (std::int64_t c = 0; c < op.channels; ++c) {
    const auto first = op.thresholds.begin() + c * (size / op.channels);
    if (!std::is_sorted(first, first + size / op.channels)) {
      throw Error(fmt::format("{}: thresholds of channel {} do not ascend", where, c));
    }
    const std::int64_t direction = op.directions[static_cast<std::size_t>(c)];
    if (direction != 1 && direction != -1) {
      throw Error(fmt::format("{}: direction of channel {}: expected 1 or -1, got {}", where, c, direction));
    }
  }
  return x;
}

void run(const Threshold& op, const Tensor& x, Tensor& y) {
  const bool per_channel = op.channels > 1;
  const auto axis = static_cast<std::size_t>(op.axis);
  const std::int64_t inner = per_channel ? elems_between(x.shape, axis + 1, x.shape.rank()) : 1;
  const auto count = static_cast<std::ptrdiff_t>(op.thresholds.size()) / op.channels;
  for (std::size_t i = 0; i < x.data.size(); ++i) {
    const std::int64_t c = per_channel ? static_cast<std::int64_t>(i) / inner % op.channels : 0;
    const auto first = op.thresholds.begin() + c * count;
    const std::int64_t value = op.directions[static_cast<std::size_t>(c)] * x.data[i];
    const auto reached = std::upper_bound(first, first + count, value) - first;  // thresholds <= value
    y.data[i] = static_cast<std::int32_t>(op.lo + op.step * reached);
  }
}

}  // namespace obz
