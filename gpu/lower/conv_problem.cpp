#include "gpu/lower/conv_problem.hpp"

#include <algorithm>
#include <cstdlib>

namespace obz::gpu {

Weights weights_of(const Filter& filter, std::int64_t taps) {
  Weights w;
  w.outputs = filter.out_channels();
  w.taps = taps;
  w.inputs = filter.weights.elems() / (w.outputs * taps);
  w.values.reserve(filter.weights.data.size());
  const std::int64_t per_output = taps * w.inputs;
  for (std::int64_t o = 0; o < w.outputs; ++o) {
    for (std::int64_t k = 0; k < per_output; ++k) {
      const std::int64_t v =
          filter.weights.data[static_cast<std::size_t>(o * per_output + k)] - filter.zero_point_of(o);
      w.values.push_back(v);
      w.lo = std::min(w.lo, v);
      w.hi = std::max(w.hi, v);
    }
  }
  return w;
}

std::int64_t Weights::sum(std::int64_t o) const {
  std::int64_t total = 0;
  for (std::int64_t k = 0; k < taps * inputs; ++k) total += values[static_cast<std::size_t>(o * taps * inputs + k)];
  return total;
}

std::int64_t Weights::weight_of(std::int64_t o) const {
  std::int64_t total = 0;
  for (std::int64_t k = 0; k < taps * inputs; ++k) {
    total += std::abs(values[static_cast<std::size_t>(o * taps * inputs + k)]);
  }
  return total;
}

bool ConvProblem::sums_fit_32() const {
  if (accumulator.overflow == Overflow::wrap && accumulator.bits <= 32) return true;
  // Raw values as they lie in memory, zero points not taken off; a byte pattern outside the type's range cannot occur.
  const IntType type = x.storage.type;
  const std::int64_t largest = std::max({std::abs(type.min()), type.max(), std::abs(x_zero_point)});
  for (std::int64_t o = 0; o < weights.outputs; ++o) {
    if (weights.weight_of(o) * largest > kInt32.max()) return false;
  }
  return true;
}

}  // namespace obz::gpu
