// Layers in which an output depends on one element of each operand: products, extrema, tables, thresholds.
#include "gpu/kernels/quad_thread.cuh"

namespace obz::gpu {

extern "C" __global__ void __launch_bounds__(128) pair(const __grid_constant__ PairArgs args) {
  const Quad q = quad_of_thread(args.y);
  if (!q.exists) return;
  std::int32_t a[4], b[4];
  load_quad(args.a, q.row, q.first, a);
  load_quad(args.b, q.row, q.first, b);
  if (args.does == PairOp::product) {
    std::int64_t products[4];
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      products[i] = (std::int64_t{a[i]} - args.a_zero_point) * (std::int64_t{b[i]} - args.b_zero_point);
    }
    finish_quad(args.y, q, products, args.requant, [&args](int) -> const DyadicChannel& { return args.channel; });
    return;
  }
#pragma unroll
  for (int i = 0; i < 4; ++i) a[i] = args.does == PairOp::maximum ? max(a[i], b[i]) : min(a[i], b[i]);
  store_quad(args.y, q.row, q.first, a);
}

/// Padding of x reads as 0, which every table has an entry for.
extern "C" __global__ void __launch_bounds__(128) lookup(const __grid_constant__ LookupArgs args) {
  const Quad q = quad_of_thread(args.y);
  if (!q.exists) return;
  std::int32_t x[4];
  load_quad(args.x, q.row, q.first, x);
#pragma unroll
  for (int i = 0; i < 4; ++i) x[i] = __ldg(global<const std::int32_t>(args.table) + (x[i] - args.first));
  store_quad(args.y, q.row, q.first, x);
}

/// By bisection: thresholds ascend.
extern "C" __global__ void __launch_bounds__(128) threshold(const __grid_constant__ ThresholdArgs args) {
  const Quad q = quad_of_thread(args.y);
  if (!q.exists) return;
  std::int32_t x[4], out[4];
  load_quad(args.x, q.row, q.first, x);
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    out[i] = 0;
    if (q.first + i >= args.y.channels) continue;
    const std::int32_t channel = args.per_channel != 0 ? q.first + i : 0;
    const auto* steps = global<const std::int64_t>(args.thresholds) + std::int64_t{channel} * args.count;
    const std::int64_t value = std::int64_t{x[i]} * global<const std::int32_t>(args.directions)[channel];
    std::int32_t reached = 0, end = args.count;
    while (reached < end) {
      const std::int32_t middle = reached + (end - reached) / 2;
      if (steps[middle] <= value) {
        reached = middle + 1;
      } else {
        end = middle;
      }
    }
    out[i] = static_cast<std::int32_t>(args.lo + std::int64_t{args.step} * reached);
  }
  store_quad(args.y, q.row, q.first, out);
}

}  // namespace obz::gpu
