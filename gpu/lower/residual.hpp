// Residual additions: as arguments, and which of them can happen in a convolution's epilogue.
#pragma once

#include <map>

#include "gpu/lower/builder.hpp"

namespace obz::gpu {

/// Unsupported in float. conv_is_second: the operand that is not `other` is the addition's second.
Residual residual_of(const Add& op, const Placed& other, bool conv_is_second = false);

/// An addition that a convolution can do on its way out.
struct Join {
  const Add* add = nullptr;
  int other = 0, y = 0;  ///< tensors
  bool conv_is_second = false;
  std::size_t node = 0;  ///< the addition's place in the network
};

/// By the convolution's place in the network: its only consumer is the addition, and the other operand is there before.
std::map<std::size_t, Join> joins_of(const IntNet& net);

}  // namespace obz::gpu
