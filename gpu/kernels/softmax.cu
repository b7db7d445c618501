// TFLite's fixed-point softmax, a warp for a row. Three passes over the row, exps computed anew in each: nothing 32
// bits wide is kept in memory.
#include "gpu/kernels/quad_thread.cuh"
#include "ref/ops/softmax_steps.hpp"

namespace obz::gpu {
namespace {

/// body(first, values) for the quads of a row that belong to this lane, padding included.
template <class Body>
__device__ __forceinline__ void for_each_quad(const SoftmaxArgs& args, std::int32_t row, Body&& body) {
  const std::int32_t lane = static_cast<std::int32_t>(threadIdx.x) % 32;
#pragma unroll 1
  for (std::int32_t quad = lane; quad < quads_per_row(args.y); quad += 32) {
    std::int32_t x[4];
    load_quad(args.x, row, 4 * quad, x);
    body(4 * quad, x);
  }
}

__device__ __forceinline__ std::int64_t exp_of(const SoftmaxArgs& args, RecipeKind kind, std::int32_t x,
                                               std::int32_t largest) {
  const std::int64_t difference = std::int64_t{x} - largest;
  if (args.exp_table == 0 && difference < args.diff_min) return 0;
  const std::int64_t scaled = requantize_one(difference, args.recipe, kind, args.difference);
  if (args.exp_table == 0) return fixed_point::exp_of_negative(scaled);
  return softmax::exp_from_table(global<const std::int64_t>(args.exp_table), scaled);
}

}  // namespace

extern "C" __global__ void __launch_bounds__(128) softmax_rows(const __grid_constant__ SoftmaxArgs args) {
  const std::int32_t row = thread_index() / 32;
  if (row >= args.y.rows) return;  // with its whole warp
  const RecipeKind kind = kind_of(args.recipe);
  const std::int32_t channels = args.y.channels;

  std::int32_t largest = INT32_MIN;
  for_each_quad(args, row, [&](std::int32_t first, const std::int32_t(&x)[4]) {
#pragma unroll
    for (int i = 0; i < 4; ++i) largest = first + i < channels ? max(largest, x[i]) : largest;
  });
#pragma unroll
  for (int apart = 16; apart > 0; apart /= 2) largest = max(largest, __shfl_xor_sync(~0U, largest, apart));

  std::uint32_t sum = 0;  // wraps at 32 bits
  for_each_quad(args, row, [&](std::int32_t first, const std::int32_t(&x)[4]) {
#pragma unroll 1
    for (int i = 0; i < 4; ++i) {
      if (first + i >= channels) break;
      const std::int32_t own = i == 0 ? x[0] : i == 1 ? x[1] : i == 2 ? x[2] : x[3];
      const std::int64_t exp = exp_of(args, kind, own, largest);
      sum += static_cast<std::uint32_t>(args.exp_table == 0 ? softmax::summand(exp) : exp);
    }
  });
#pragma unroll
  for (int apart = 16; apart > 0; apart /= 2) sum += __shfl_xor_sync(~0U, sum, apart);

  const softmax::Inverse inverse =
      args.exp_table == 0 ? softmax::inverse_of(sum, args.y.bits)
                          : softmax::inverse_from_table(global<const std::int64_t>(args.reciprocal_table), sum);
  for_each_quad(args, row, [&](std::int32_t first, const std::int32_t(&x)[4]) {
    std::int32_t out[4] = {};
#pragma unroll 1
    for (int i = 0; i < 4; ++i) {
      if (first + i >= channels) break;
      const std::int32_t own = i == 0 ? x[0] : i == 1 ? x[1] : i == 2 ? x[2] : x[3];
      const std::int64_t exp = exp_of(args, kind, own, largest);
      const auto y = static_cast<std::int32_t>(args.exp_table == 0 ? softmax::output(exp, inverse, args.lo, args.hi)
                                                                   : softmax::output_16(exp, inverse));
#pragma unroll
      for (int k = 0; k < 4; ++k) out[k] = k == i ? y : out[k];
    }
    store_quad(args.y, row, first, out);
  });
}

}  // namespace obz::gpu
