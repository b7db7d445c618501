// Layers that reduce or join tensors: pools, mean, residual addition, concatenation with rescaling.
#include "gpu/kernels/quad_thread.cuh"
#include "gpu/kernels/residual.cuh"
#include "gpu/kernels/window.cuh"

namespace obz::gpu {
namespace {

/// divide() of ref/arith/round.hpp; in 32 bits where n fits, as a 64-bit division is a long subroutine.
__device__ __forceinline__ std::int64_t divide_short(std::int64_t n, std::int32_t d, Rounding mode) {
  const auto narrow = static_cast<std::int32_t>(n);
  if (narrow != n) return divide(n, d, mode);
  std::int32_t q = narrow / d, remainder = narrow % d;
  if (remainder < 0) {
    q -= 1;
    remainder += d;
  }
  const auto twice = 2 * static_cast<std::uint32_t>(remainder), whole = static_cast<std::uint32_t>(d);
  return round_fraction(q, twice < whole ? -1 : twice > whole ? 1 : 0, remainder == 0, mode);
}

}  // namespace

/// Starts from lo, which is the same as clamping afterwards; a window wholly outside x gives lo.
extern "C" __global__ void __launch_bounds__(128) max_pool(const __grid_constant__ MaxPoolArgs args) {
  const Quad q = quad_of_thread(args.y);
  if (!q.exists) return;
  std::int32_t largest[4] = {args.lo, args.lo, args.lo, args.lo};
  for_each_inside(args.g, q.row, [&](std::int32_t row, std::int32_t) {
    std::int32_t x[4];
    load_quad(args.x, row, q.first, x);
#pragma unroll
    for (int i = 0; i < 4; ++i) largest[i] = max(largest[i], x[i]);
  });
#pragma unroll
  for (int i = 0; i < 4; ++i) largest[i] = min(largest[i], args.hi);
  store_quad(args.y, q.row, q.first, largest);
}

extern "C" __global__ void __launch_bounds__(128) avg_pool(const __grid_constant__ AvgPoolArgs args) {
  const Quad q = quad_of_thread(args.y);
  if (!q.exists) return;
  std::int64_t sums[4] = {};
  std::int32_t inside = 0;
  for_each_inside(args.g, q.row, [&](std::int32_t row, std::int32_t) {
    std::int32_t x[4];
    load_quad(args.x, row, q.first, x);
#pragma unroll
    for (int i = 0; i < 4; ++i) sums[i] += x[i];
    ++inside;
  });
  const std::int32_t count = args.count_includes_pad != 0 ? args.g.kernel_h * args.g.kernel_w : inside;
  const auto* channels = global<const DyadicChannel>(args.channels);
  if (args.by_division == 0) {
#pragma unroll
    for (int i = 0; i < 4; ++i) sums[i] -= std::int64_t{inside} * args.x_zero_point;
    const DyadicChannel& channel = channels[count == 0 ? 0 : count - 1];
    finish_quad(args.y, q, sums, args.requant, [&channel](int) -> const DyadicChannel& { return channel; });
    return;
  }
  const std::int64_t padding = std::int64_t{count - inside} * args.x_zero_point;  // real value 0
  std::int32_t out[4];
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    const std::int64_t acc = accumulate(sums[i] + padding, args.requant);
    const std::int64_t mean = count == 0 ? 0 : divide_short(acc, count, args.rounding);
    out[i] = static_cast<std::int32_t>(saturate(mean, channels[0].lo, channels[0].hi));
  }
  store_quad(args.y, q.row, q.first, out);
}

extern "C" __global__ void __launch_bounds__(128) mean(const __grid_constant__ MeanArgs args) {
  const Quad q = quad_of_thread(args.y);
  if (!q.exists) return;
  std::int64_t sums[4] = {};
  for (std::int32_t r = 0; r < args.rows_per_mean; ++r) {
    std::int32_t x[4];
    load_quad(args.x, q.row * args.rows_per_mean + r, q.first, x);
#pragma unroll
    for (int i = 0; i < 4; ++i) sums[i] += x[i];
  }
#pragma unroll
  for (int i = 0; i < 4; ++i) sums[i] -= std::int64_t{args.rows_per_mean} * args.x_zero_point;
  finish_quad(args.y, q, sums, args.requant, [&args](int) -> const DyadicChannel& { return args.channel; });
}

extern "C" __global__ void __launch_bounds__(128) add(const __grid_constant__ AddArgs args) {
  const Quad q = quad_of_thread(args.y);
  if (!q.exists) return;
  const JoinKinds kinds = kinds_of(args.with);
  std::int32_t a[4], b[4];
  load_quad(args.a, q.row, q.first, a);
  load_quad(args.with.other, q.row, q.first, b);
#pragma unroll
  for (int i = 0; i < 4; ++i) a[i] = add_one(args.with, kinds, a[i], b[i]);
  store_quad(args.y, q.row, q.first, a);
}

/// A rescale narrows nothing before it (ref/ops/rescale.cpp), so the requantizers' accumulators are not looked at.
extern "C" __global__ void __launch_bounds__(128) concat(const __grid_constant__ ConcatArgs args) {
  const Quad q = quad_of_thread(args.y);
  if (!q.exists) return;
  std::int32_t part = 0;
  while (part + 1 < args.parts && q.first >= args.begin[part + 1]) ++part;
  RecipeKind kind = kind_of(args.requant[part].recipe);
  std::int32_t x[4];
  const std::int32_t offset = q.first - args.begin[part];
  const bool one_access = offset % 4 == 0 && (q.first + 4 <= args.begin[part + 1] || part + 1 == args.parts);
  if (one_access) load_quad(args.x[part], q.row, offset, x);
  std::int32_t out[4];
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    out[i] = 0;
    const std::int32_t c = q.first + i;
    if (c >= args.y.channels) continue;
    while (c >= args.begin[part + 1]) kind = kind_of(args.requant[++part].recipe);
    if (!one_access) x[i] = load_one(args.x[part], q.row, c - args.begin[part]);
    const auto* channels = global<const DyadicChannel>(args.channels[part]);
    out[i] = requantize_one(std::int64_t{x[i]} - args.x_zero_point[part], args.requant[part].recipe, kind,
                            channels[args.per_channel != 0 ? c : 0]);
  }
  store_quad(args.y, q.row, q.first, out);
}

}  // namespace obz::gpu
