// obz bench gpu: convolutions on a CUDA device, timed by its own events.
#pragma once

#include <cstdint>
#include <vector>

namespace obz::cli {

struct BenchGpu {
  std::vector<std::int64_t> batches{1, 8};
  int launches = 50;
  bool json = false;
};

/// Exit code 1 when an output differs from fast's. MissingTool without a device.
int bench_gpu(const BenchGpu& options);

}  // namespace obz::cli
