#include "ref/ops/min_max.hpp"

#include <algorithm>

#include "ref/ops/elementwise.hpp"

namespace obz {

Shape infer(const MinMax&, const Shape& a, const Shape& b, const std::string&) { return broadcast(a, b); }

void run(const MinMax& op, const Tensor& a, const Tensor& b, Tensor& y) {
  for_each_pair(a, b, y,
                [&](std::int32_t va, std::int32_t vb) { return op.maximum ? std::max(va, vb) : std::min(va, vb); });
}

}  // namespace obz
