// A launch as the caller describes it, checked against the kernel and the device.
#pragma once

#include "tests/gpu/stand_in/state.hpp"

namespace obz::stand_in {

struct LaunchShape {
  ptx::Dim3 grid, block;
  std::uint32_t dynamic_shared_bytes = 0;
};

/// With the parameters copied from `params` (a pointer to each) or `extra` (one buffer), whichever is given.
KernelLaunch describe_launch(const Function& function, const LaunchShape& shape, void* const* params,
                             void* const* extra);

}  // namespace obz::stand_in
