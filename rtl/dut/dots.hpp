// The dot products of a layer, one by one: what a dot unit is fed with. Zero points are subtracted before.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "golden/engines/engine.hpp"
#include "ref/ops/requant.hpp"

namespace obz::rtl {

struct Dot {
  std::vector<std::int32_t> a, b;  ///< of one length; may be empty
  std::int64_t bias = 0;
};

/// matmul, dense and conv2d have them.
bool has_dots(const Operator& op);
const Accumulator& accumulator_of(const Operator& op);

/// Visits in output order. Requires has_dots.
void for_each_dot(const LayerJob& job, const std::function<void(const Dot&)>& visit);

}  // namespace obz::rtl
