#include "gpu/lower/move.hpp"

namespace obz::gpu {

Mapping transposed(const Storage& x, const Storage& y) {
  return {.step = broadcast_strides(x.shape, y.shape),
          .low = std::vector<std::int64_t>(y.shape.rank(), 0),
          .high = y.shape.dims()};
}

void move(Builder& builder, const Placed& x, const Placed& y, const Mapping& mapping) {
  MoveArgs args{.x = x.view(), .y = y.view(), .fill = mapping.fill, .base = mapping.base};
  const Order order = y.storage.order.empty() ? Order{kNoAxis} : y.storage.order;
  if (order.size() > MoveArgs::kAxes || x.storage.shape.rank() > MoveArgs::kAxes) {
    throw Unsupported("more than six axes");
  }
  args.axes = static_cast<std::int32_t>(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    args.extent[i] = args.high[i] = 1;
    if (order[i] == kNoAxis) continue;
    const auto axis = static_cast<std::size_t>(order[i]);
    args.extent[i] = static_cast<std::int32_t>(y.storage.shape[axis]);
    args.step[i] = mapping.step[axis];
    args.low[i] = static_cast<std::int32_t>(mapping.low[axis]);
    args.high[i] = static_cast<std::int32_t>(mapping.high[axis]);
  }
  const std::vector<std::int64_t> stride = strides_of(x.storage.shape), steps = x.storage.memory_steps();
  args.x_axes = static_cast<std::int32_t>(steps.size());
  for (std::size_t i = 0; i < steps.size(); ++i) {
    args.x_extent[i] = static_cast<std::int32_t>(x.storage.shape[i]);
    args.x_divisor[i] = stride[i];
    args.x_step[i] = steps[i];
  }
  builder.call("movement", "move", quads_of(args.y), args);
}

}  // namespace obz::gpu
