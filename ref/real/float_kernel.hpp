// Sums of products in float32, sixteen output channels side by side. Internal to ref/quantize.
#pragma once

#include <cstdint>

namespace obz {

inline constexpr std::int64_t kFloatPanel = 16;

/// out[r * kFloatPanel + c] = start[c] + sum over t, ascending, of the products x[r][offsets[t] + i] * w[...], i
/// ascending in 0 .. length - 1. One rounding per product and per addition, whatever the machine.
struct FloatTile {
  const float* const* rows = nullptr;
  std::int64_t row_count = 0;  ///< 1..4
  const std::int64_t* offsets = nullptr;
  std::int64_t offset_count = 0, length = 0;
  const float* panel = nullptr;  ///< offset_count * length rows of kFloatPanel weights
  const float* start = nullptr;
  float* out = nullptr;
};

void multiply_floats(const FloatTile& tile);

}  // namespace obz
