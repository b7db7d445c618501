#include "ref/read/onnx/chain.hpp"

#include <algorithm>
#include <cmath>

namespace obz::onnx {

float apply_step(const ChainStep& step, float v, std::int64_t channel) {
  const float c = step.values[step.per_channel() ? static_cast<std::size_t>(channel) : 0];
  switch (step.kind) {
    case ChainStep::Kind::add: return v + c;
    case ChainStep::Kind::sub: return v - c;
    case ChainStep::Kind::subtract_from: return c - v;
    case ChainStep::Kind::mul: return v * c;
    case ChainStep::Kind::div: return v / c;
    case ChainStep::Kind::clip: return std::fmin(std::fmax(v, step.values[0]), step.values[1]);
  }
  return v;
}

float apply_chain(const std::vector<ChainStep>& chain, float v, std::int64_t channel) {
  for (const ChainStep& step : chain) v = apply_step(step, v, channel);
  return v;
}

std::optional<std::int64_t> common_axis(const std::vector<ChainStep>& chain) {
  std::int64_t axis = -1;
  for (const ChainStep& step : chain) {
    if (!step.per_channel()) continue;
    if (axis >= 0 && axis != step.axis) return std::nullopt;
    axis = step.axis;
  }
  return axis;
}

bool is_rising(const ChainStep& step) {
  switch (step.kind) {
    case ChainStep::Kind::subtract_from: return false;
    case ChainStep::Kind::mul:
    case ChainStep::Kind::div:
      return std::all_of(step.values.begin(), step.values.end(), [](float v) { return v > 0 && std::isfinite(v); });
    default: return true;
  }
}

std::optional<std::int64_t> broadcast_axis(const Shape& c, const Shape& x) {
  std::int64_t axis = -1;
  for (std::size_t i = 0; i < c.rank(); ++i) {  // i counts from the innermost axis
    const std::int64_t extent = c[c.rank() - 1 - i];
    if (extent == 1 && i >= x.rank()) continue;
    if (i >= x.rank()) return std::nullopt;
    const std::size_t at = x.rank() - 1 - i;
    if (extent == 1) continue;
    if (extent != x[at] || axis >= 0) return std::nullopt;
    axis = static_cast<std::int64_t>(at);
  }
  return axis;
}

}  // namespace obz::onnx
