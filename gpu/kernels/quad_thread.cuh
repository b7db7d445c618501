// How the threads of a one-dimensional grid share a tensor: a thread is four channels of a row of y, in memory order.
#pragma once

#include "gpu/kernels/quad.cuh"
#include "gpu/kernels/requantizer.cuh"

namespace obz::gpu {

/// The index of the thread in its grid; hosts launch fewer than 2^31.
__device__ __forceinline__ std::int32_t thread_index() {
  return static_cast<std::int32_t>(blockIdx.x * blockDim.x + threadIdx.x);
}

/// Where a thread works. `exists` is false in the threads beyond the end.
struct Quad {
  bool exists;
  std::int32_t row;
  std::int32_t first;  ///< channel
};

__device__ __forceinline__ Quad quad_of_thread(const View& y) {
  const auto thread = static_cast<std::uint32_t>(thread_index());
  const auto quads = static_cast<std::uint32_t>(quads_per_row(y));
  const auto row = static_cast<std::int32_t>(thread / quads);
  return {row < y.rows, row, static_cast<std::int32_t>(thread % quads) * 4};
}

/// y[quad] = requantized sums; channel_of(i) is what lane i of the quad is requantized with, asked only inside the row.
template <class ChannelOf>
__device__ __forceinline__ void finish_quad(const View& y, const Quad& q, const std::int64_t (&sums)[4],
                                            const Requantizer& requant, ChannelOf channel_of) {
  const RecipeKind kind = kind_of(requant.recipe);
  std::int32_t out[4];
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    out[i] = 0;
    if (q.first + i >= y.channels) continue;
    const DyadicChannel& channel = channel_of(i);
    out[i] = requantize_one(accumulate(sums[i] + channel.bias, requant), requant.recipe, kind, channel);
  }
  store_quad(y, q.row, q.first, out);
}

/// A channel per output channel, `channels` in device memory.
__device__ __forceinline__ void finish_quad(const View& y, const Quad& q, const std::int64_t (&sums)[4],
                                            const Requantizer& requant, Address channels) {
  const DyadicChannel* own = global<const DyadicChannel>(channels) + q.first;
  finish_quad(y, q, sums, requant, [own](int i) -> const DyadicChannel& { return own[i]; });
}

}  // namespace obz::gpu
