// Which operations an execution consists of: the claim "integer-only" as numbers.
#pragma once

#include <cstdint>

#include "ref/net/net.hpp"

namespace obz {

/// Scalar operations of one execution of the declared batch. Borders (a float input quantized, scores given a scale)
/// are not part of the network and not counted.
struct Census {
  std::int64_t multiply = 0, add = 0, shift = 0, compare = 0;
  std::int64_t function = 0;  ///< values that go through a table or a fixed-point function (softmax)
  std::int64_t division = 0;  ///< integer
  std::int64_t floating = 0;  ///< float32 or float64, conversions included

  Census& operator+=(const Census& o) {
    multiply += o.multiply;
    add += o.add;
    shift += o.shift;
    compare += o.compare;
    function += o.function;
    division += o.division;
    floating += o.floating;
    return *this;
  }
  bool integer_only() const { return division == 0 && floating == 0; }
};

/// Windows count at their full size. A requantizer is one multiplication and, where they do something, an addition to
/// round, a shift for each stage, an addition of the zero point, and two comparisons to clamp.
Census census_of(const IntNet& net, const Node& node);

}  // namespace obz
