// obz bench gpu: convolutions on a CUDA device, timed by its own events.
#pragma once

namespace obz::cli {

/// MissingTool without a device.
int bench_gpu(bool json);

}  // namespace obz::cli
