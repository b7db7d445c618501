#include "ref/ops/add.hpp"

#include <fmt/format.h>

#include "ref/arith/foreign/float_add.hpp"
#include "ref/base/error.hpp"
#include "ref/ops/elementwise.hpp"

namespace obz {

Shape infer(const Add& op, const Shape& a, const Shape& b, const std::string& where) {
  if (op.left_shift < 0 || op.left_shift > 30) {
    throw Error(fmt::format("{}: expected left_shift in 0..30, got {}", where, op.left_shift));
  }
  return broadcast(a, b);
}

std::int64_t add_one(const Add& op, std::int32_t a, std::int32_t b, std::int64_t* accumulator) {
  const std::int64_t ca = std::int64_t{a} - op.a_zero_point;
  const std::int64_t cb = std::int64_t{b} - op.b_zero_point;
  if (op.floating) {
    return foreign::add_float32(ca, op.branch_a.channels[0].scale, op.subtract ? -cb : cb,
                                op.branch_b.channels[0].scale, op.out.channels[0]);
  }
  const std::int64_t ra = op.branch_a(ca << op.left_shift, 0);
  const std::int64_t rb = op.branch_b(cb << op.left_shift, 0);
  const std::int64_t acc = op.accumulator(op.subtract ? ra - rb : ra + rb);
  if (accumulator != nullptr) *accumulator = acc;
  return op.out(acc, 0);
}

void run(const Add& op, const Tensor& a, const Tensor& b, Tensor& y, AccumulatorTap tap) {
  for_each_pair(a, b, y, [&](std::int32_t va, std::int32_t vb) {
    std::int64_t acc = 0;
    const std::int64_t out = add_one(op, va, vb, &acc);
    if (tap != nullptr) tap->push_back(acc);
    return out;
  });
}

}  // namespace obz
