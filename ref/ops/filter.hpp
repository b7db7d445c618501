// The constant side of convolutions and dense layers: weights, bias, weight zero points.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ref/tensor/tensor.hpp"

namespace obz {

struct Filter {
  Tensor weights;                         ///< output channels outermost
  std::vector<std::int64_t> bias;         ///< one per output channel, or empty (= 0); up to 40 bits (Vela)
  std::vector<std::int64_t> zero_points;  ///< of the weights: one per output channel, one, or empty (= 0)

  template <class Self, class V>
  static void fields(Self& s, V&& v) {
    v("weights", s.weights);
    v("bias", s.bias);
    v("zero_points", s.zero_points);
  }

  std::int64_t out_channels() const { return weights.shape[0]; }
  std::int64_t bias_of(std::int64_t o) const { return bias.empty() ? 0 : bias[static_cast<std::size_t>(o)]; }
  std::int64_t zero_point_of(std::int64_t o) const {
    if (zero_points.empty()) return 0;
    return zero_points.size() == 1 ? zero_points[0] : zero_points[static_cast<std::size_t>(o)];
  }
};

/// Error unless the weights have this rank, bias and zero points fit the output channels, and zero points lie in the
/// weights' type.
void check_filter(const Filter& filter, std::size_t rank, const std::string& where);

}  // namespace obz
