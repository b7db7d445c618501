#include "ref/ops/mul.hpp"

#include "ref/ops/elementwise.hpp"

namespace obz {

Shape infer(const Mul&, const Shape& a, const Shape& b, const std::string&) { return broadcast(a, b); }

void run(const Mul& op, const Tensor& a, const Tensor& b, Tensor& y, AccumulatorTap tap) {
  for_each_pair(a, b, y, [&](std::int32_t va, std::int32_t vb) {
    const std::int64_t acc =
        op.accumulator((std::int64_t{va} - op.a_zero_point) * (std::int64_t{vb} - op.b_zero_point));
    if (tap != nullptr) tap->push_back(acc);
    return op.requant(acc, 0);
  });
}

}  // namespace obz
