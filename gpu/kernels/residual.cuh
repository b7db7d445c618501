// The residual join on the device: ref/ops/add.cpp without its float form. Used by `add` and by the convolutions'
// epilogue.
#pragma once

#include "gpu/kernels/requantizer.cuh"

namespace obz::gpu {

/// kind_of the three recipes of a join, asked once in a thread.
struct JoinKinds {
  RecipeKind a, b, out;
};

__device__ __forceinline__ JoinKinds kinds_of(const Residual& r) {
  return {kind_of(r.branch_a.recipe), kind_of(r.branch_b.recipe), kind_of(r.out.recipe)};
}

/// a and b as they lie in memory, zero points included.
__device__ __forceinline__ std::int32_t add_one(const Residual& r, const JoinKinds& kinds, std::int32_t a,
                                                std::int32_t b) {
  const std::int64_t ca = std::int64_t{a} - r.a_zero_point;
  const std::int64_t cb = std::int64_t{b} - r.b_zero_point;
  const std::int64_t ra = requantize_one(ca << r.left_shift, r.branch_a.recipe, kinds.a, r.a);
  const std::int64_t rb = requantize_one(cb << r.left_shift, r.branch_b.recipe, kinds.b, r.b);
  const std::int64_t acc = accumulate(r.subtract != 0 ? ra - rb : ra + rb, r.out);
  return requantize_one(acc, r.out.recipe, kinds.out, r.sum);
}

/// The same with every recipe executed as data: one short copy, for kernels whose main work is another.
__device__ __forceinline__ std::int32_t join(const Residual& r, std::int32_t a, std::int32_t b) {
  std::int64_t terms[2];
#pragma unroll
  for (int i = 0; i < 2; ++i) {
    const std::int64_t x = (std::int64_t{i == 0 ? a : b} - (i == 0 ? r.a_zero_point : r.b_zero_point)) << r.left_shift;
    terms[i] = requantize(x, (i == 0 ? r.branch_a : r.branch_b).recipe, widened(i == 0 ? r.a : r.b));
  }
  const std::int64_t acc = accumulate(r.subtract != 0 ? terms[0] - terms[1] : terms[0] + terms[1], r.out);
  return static_cast<std::int32_t>(requantize(acc, r.out.recipe, widened(r.sum)));
}

}  // namespace obz::gpu
