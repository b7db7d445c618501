// The device that kernel tests run on: the PTX executor, or the machine's CUDA device where OBZ_TEST_DEVICE is gpu
// (scripts/gpu_check).
#pragma once

#include <cstdlib>
#include <memory>
#include <string>

#include "gpu/device/cuda_device.hpp"
#include "gpu/ptx_device.hpp"
#include "ref/base/error.hpp"

namespace obz::test {

/// "ptx" or "gpu".
inline std::string device_name() {
  const char* name = std::getenv("OBZ_TEST_DEVICE");
  return name == nullptr ? "ptx" : name;
}

/// `threads` of the executor; 0: all cores.
inline std::unique_ptr<gpu::Device> any_device(int threads = 0) {
  if (device_name() == "ptx") return std::make_unique<gpu::PtxDevice>(ptx::Options{.threads = threads});
  auto device = std::make_unique<gpu::CudaDevice>();
  if (const auto why = device->absent()) throw Error("OBZ_TEST_DEVICE=" + device_name() + ": " + *why);
  return device;
}

}  // namespace obz::test
