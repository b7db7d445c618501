// Movement as the one kernel that does it: which logical element of x each element of y takes.
#pragma once

#include "gpu/lower/builder.hpp"

namespace obz::gpu {

/// Element y[i_0, i_1, ...] takes logical element base + sum i_d * step[d] of x where low[d] <= i_d < high[d] for all
/// axes, else `fill`. One entry per logical axis of y.
struct Mapping {
  std::vector<std::int64_t> step, low, high;
  std::int64_t base = 0;
  std::int32_t fill = 0;
};

/// Nothing moves but in memory. Also for shapes that broadcast to y's.
Mapping transposed(const Storage& x, const Storage& y);

/// Unsupported beyond six axes.
void move(Builder& builder, const Placed& x, const Placed& y, const Mapping& mapping);

}  // namespace obz::gpu
