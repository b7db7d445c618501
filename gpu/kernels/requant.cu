// The requantizer alone, through the very code that every other kernel ends in.
#include "gpu/kernels/quad_thread.cuh"

namespace obz::gpu {

extern "C" __global__ void __launch_bounds__(256) requantize_cases(const __grid_constant__ RequantArgs args) {
  const std::int32_t i = thread_index();
  if (i >= args.cases) return;
  global<std::int64_t>(args.out)[i] =
      requantize_one(global<const std::int64_t>(args.acc)[i], args.recipe, kind_of(args.recipe),
                     global<const DyadicChannel>(args.channels)[i]);
}

}  // namespace obz::gpu
