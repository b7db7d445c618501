// Weights shaped as trained ones are, for benchmarks: seeded, so that everybody measures the same.
#pragma once

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "ref/tensor/tensor.hpp"

namespace obz {

/// Normal but for its tails: twelve bytes added up.
inline double bell(std::mt19937& random) {
  double sum = 0;
  for (int i = 0; i < 3; ++i) {
    const auto bits = random();
    for (int k = 0; k < 32; k += 8) sum += static_cast<double>(bits >> k & 255);
  }
  return sum - 12 * 127.5;
}

/// Bell-shaped weights, output channels outermost, the largest of each channel at the end of the type, as symmetric
/// quantization per channel leaves them.
inline Tensor bell_weights(const Shape& shape, IntType type, std::mt19937& random) {
  Tensor w(shape, type);
  const std::int64_t depth = elems_between(shape, 1, shape.rank());
  std::vector<double> real(static_cast<std::size_t>(depth));
  for (std::int64_t o = 0; o < shape[0]; ++o) {
    double top = 1;
    for (double& v : real) top = std::max(top, std::abs(v = bell(random)));
    for (std::size_t k = 0; k < real.size(); ++k) {
      w.data[static_cast<std::size_t>(o * depth) + k] =
          static_cast<std::int32_t>(std::lround(real[k] / top * static_cast<double>(type.max())));
    }
  }
  return w;
}

}  // namespace obz
