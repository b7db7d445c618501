// Products without the tensor core: grouped and depthwise convolutions, matrix products of two activations.
#include "gpu/kernels/quad_thread.cuh"
#include "gpu/kernels/window.cuh"

namespace obz::gpu {
namespace {

/// sum_k (x[row][first + k] - zero_point) * weights[k], by fours where everything is aligned.
__device__ __forceinline__ std::int64_t dot(const View& x, std::int32_t row, std::int32_t first,
                                            std::int32_t zero_point, const std::int32_t* weights, std::int32_t depth) {
  std::int64_t sum = 0;
  if ((first | depth) % 4 == 0) {
    for (std::int32_t k = 0; k < depth; k += 4) {
      std::int32_t v[4];
      load_quad(x, row, first + k, v);
      const int4 w = *reinterpret_cast<const int4*>(weights + k);
      sum += std::int64_t{v[0] - zero_point} * w.x + std::int64_t{v[1] - zero_point} * w.y;
      sum += std::int64_t{v[2] - zero_point} * w.z + std::int64_t{v[3] - zero_point} * w.w;
    }
    return sum;
  }
  for (std::int32_t k = 0; k < depth; ++k) {
    sum += std::int64_t{load_one(x, row, first + k) - zero_point} * weights[k];
  }
  return sum;
}

}  // namespace

extern "C" __global__ void __launch_bounds__(128) grouped(const __grid_constant__ DirectArgs args) {
  const Quad q = quad_of_thread(args.y);
  if (!q.exists) return;
  const std::int32_t depth = args.x.channels / args.groups, outputs = args.y.channels / args.groups;
  const std::int32_t taps = args.g.kernel_h * args.g.kernel_w;
  std::int64_t sums[4] = {};
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    const std::int32_t o = q.first + i;
    if (o >= args.y.channels) continue;
    const std::int32_t* weights = global<const std::int32_t>(args.weights) + std::int64_t{o} * taps * depth;
    std::int64_t sum = 0;
    for_each_inside(args.g, q.row, [&](std::int32_t row, std::int32_t tap) {
      sum += dot(args.x, row, o / outputs * depth, args.x_zero_point, weights + tap * depth, depth);
    });
    sums[i] = sum;
  }
  finish_quad(args.y, q, sums, args.requant, args.channels);
}

extern "C" __global__ void __launch_bounds__(128) depthwise(const __grid_constant__ DepthwiseArgs args) {
  const Quad q = quad_of_thread(args.y);
  if (!q.exists) return;
  const std::int32_t lanes = quads_per_row(args.y) * 4;
  std::int32_t sums[4] = {};
  for_each_inside(args.g, q.row, [&](std::int32_t row, std::int32_t tap) {
    std::int32_t x[4];
    load_quad(args.x, row, q.first, x);
    const short4 w = __ldg(reinterpret_cast<const short4*>(args.weights) + (tap * lanes + q.first) / 4);
    sums[0] += (x[0] - args.x_zero_point) * w.x;
    sums[1] += (x[1] - args.x_zero_point) * w.y;
    sums[2] += (x[2] - args.x_zero_point) * w.z;
    sums[3] += (x[3] - args.x_zero_point) * w.w;
  });
  finish_quad(args.y, q, {sums[0], sums[1], sums[2], sums[3]}, args.requant, args.channels);
}

/// Four steps of k at a time: four elements of a's row against a 4 x 4 block of b. Steps beyond the depth count 0 for
/// a.
extern "C" __global__ void __launch_bounds__(128) matmul(const __grid_constant__ MatMulArgs args) {
  const Quad q = quad_of_thread(args.y);
  if (!q.exists) return;
  const auto batch = static_cast<std::int32_t>(static_cast<std::uint32_t>(q.row) / static_cast<std::uint32_t>(args.m));
  const std::int32_t i = q.row - batch * args.m;
  const std::int32_t a_first = global<const std::int32_t>(args.a_first_row)[batch];
  const std::int32_t b_first = global<const std::int32_t>(args.b_first_row)[batch];
  const std::int32_t za = global<const std::int32_t>(args.a_zero_points)[i];
  std::int32_t zb[4] = {};
#pragma unroll
  for (int j = 0; j < 4; ++j) {
    if (q.first + j < args.n) zb[j] = global<const std::int32_t>(args.b_zero_points)[q.first + j];
  }
  std::int64_t sums[4] = {};
  for (std::int32_t k = 0; k < args.k; k += 4) {
    std::int32_t a[4] = {za, za, za, za};
    if (args.transpose_a == 0) load_quad(args.a, a_first + i, k, a);
#pragma unroll
    for (int s = 0; s < 4; ++s) {
      if (args.transpose_a != 0 && k + s < args.k) a[s] = load_one(args.a, a_first + k + s, i);
      a[s] = k + s < args.k ? a[s] - za : 0;
    }
#pragma unroll
    for (int p = 0; p < 4; ++p) {  // transposed: a column of b's block; else a row of it
      std::int32_t b[4];
      if (args.transpose_b != 0) {
        if (q.first + p >= args.n) continue;
        load_quad(args.b, b_first + q.first + p, k, b);
#pragma unroll
        for (int s = 0; s < 4; ++s) sums[p] += std::int64_t{a[s]} * (b[s] - zb[p]);
      } else {
        if (k + p >= args.k) continue;
        load_quad(args.b, b_first + k + p, q.first, b);
#pragma unroll
        for (int j = 0; j < 4; ++j) sums[j] += std::int64_t{a[p]} * (b[j] - zb[j]);
      }
    }
  }
  finish_quad(args.y, q, sums, args.requant, args.channels);
}

}  // namespace obz::gpu
