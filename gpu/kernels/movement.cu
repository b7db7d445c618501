// Elements that change their place or their packing, never their value: movement and bit planes.
#include "gpu/kernels/quad_thread.cuh"

namespace obz::gpu {

/// Logical indices of x are below 2^28 (ref/tensor/shape.hpp), so they are taken apart in 32 bits; memory indices,
/// which count padding, need 64.
extern "C" __global__ void __launch_bounds__(128) move(const __grid_constant__ MoveArgs args) {
  const Quad q = quad_of_thread(args.y);
  if (!q.exists) return;
  const std::int32_t last = args.axes - 1;
  std::int64_t logical = args.base;
  bool inside = true;
  auto rest = static_cast<std::uint32_t>(q.row);
  for (std::int32_t d = last - 1; d >= 0; --d) {
    const auto extent = static_cast<std::uint32_t>(args.extent[d]);
    const auto at = static_cast<std::int32_t>(rest % extent);
    rest /= extent;
    logical += at * args.step[d];
    inside = inside && at >= args.low[d] && at < args.high[d];
  }
  std::int32_t out[4];
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    const std::int32_t c = q.first + i;
    out[i] = args.fill;
    if (!inside || c >= args.y.channels || c < args.low[last] || c >= args.high[last]) continue;
    const auto element = static_cast<std::uint32_t>(logical + c * args.step[last]);
    std::int64_t index = 0;
    for (std::int32_t d = 0; d < args.x_axes; ++d) {
      const auto divisor = static_cast<std::uint32_t>(args.x_divisor[d]);
      const auto extent = static_cast<std::uint32_t>(args.x_extent[d]);
      index += element / divisor % extent * args.x_step[d];
    }
    out[i] = load_element(args.x, index);
  }
  store_quad(args.y, q.row, q.first, out);
}

/// A thread: one 32-bit word of every plane of a row.
extern "C" __global__ void __launch_bounds__(128) planes(const __grid_constant__ PlanesArgs args) {
  const auto thread = static_cast<std::uint32_t>(thread_index());
  const std::uint32_t words = static_cast<std::uint32_t>(args.row_bytes) / 4;
  const auto row = static_cast<std::int32_t>(thread / words);
  if (row >= args.x.rows) return;
  const std::uint32_t word = thread % words;
  std::int32_t x[8][4];
#pragma unroll
  for (int i = 0; i < 8; ++i) load_quad(args.x, row, static_cast<std::int32_t>(word) * 32 + i * 4, x[i]);
  Address out = args.planes_out + static_cast<Address>(row) * static_cast<std::uint32_t>(args.row_bytes) + word * 4;
  for (std::int32_t p = 0; p < args.planes; ++p) {
    std::uint32_t bits = 0;
#pragma unroll
    for (int c = 0; c < 32; ++c) bits |= (static_cast<std::uint32_t>(x[c / 4][c % 4]) >> p & 1) << c;
    *global<std::uint32_t>(out) = bits;
    out += static_cast<Address>(args.plane_bytes);
  }
}

}  // namespace obz::gpu
