// What follows a convolution while a tile of its outputs is still in L1: the residual addition that they go into, and
// the rescalings of the sum. The outputs themselves are never stored.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ref/execute/fast/elementwise.hpp"
#include "ref/execute/fast/value.hpp"

namespace obz::fast {

struct Tail {
  VectorAdd add;
  bool is_a = true;               ///< the convolution gives the first operand
  std::vector<Scaler> rescalers;  ///< of the sum
};

/// A tail with the values of one run.
struct TailJob {
  const Tail* tail = nullptr;
  Value other;                      ///< operand of the addition
  Value sum;                        ///< neither bytes nor words: not kept
  std::span<const Value> rescaled;  ///< one a rescaler
};

/// `tile`: rows x kPanel outputs of the convolution, channels first .. first + width - 1 of these pixels; used up.
void run_tail(const TailJob& job, const std::int64_t* pixels, std::int64_t rows, std::int64_t first, std::int64_t width,
              std::int32_t* tile);

/// Rows that run_tail() takes at most.
inline constexpr std::int64_t kTailRows = 120;

}  // namespace obz::fast
