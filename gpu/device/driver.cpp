#include "gpu/device/driver.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

namespace obz::gpu::driver {
namespace {

template <class F>
void find(void* library, const char* name, F*& function, std::string& missing) {
  function = reinterpret_cast<F*>(dlsym(library, name));
  if (function == nullptr && missing.empty()) missing = name;
}

Loaded load_once() {
  // Never closed: the driver has threads of its own.
  void* library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return {nullptr, "no CUDA driver (libcuda.so.1) on this machine"};
  auto api = std::make_unique<Api>();
  std::string missing;
  find(library, "cuInit", api->init, missing);
  find(library, "cuDriverGetVersion", api->driver_version, missing);
  find(library, "cuDeviceGetCount", api->device_count, missing);
  find(library, "cuDeviceGet", api->device_get, missing);
  find(library, "cuDeviceGetName", api->device_name, missing);
  find(library, "cuDeviceGetAttribute", api->device_attribute, missing);
  find(library, "cuDevicePrimaryCtxRetain", api->context_retain, missing);
  find(library, "cuDevicePrimaryCtxRelease_v2", api->context_release, missing);
  find(library, "cuCtxSetCurrent", api->context_set, missing);
  find(library, "cuMemAlloc_v2", api->allocate, missing);
  find(library, "cuMemFree_v2", api->free, missing);
  find(library, "cuMemcpyHtoD_v2", api->to_device, missing);
  find(library, "cuMemcpyDtoH_v2", api->to_host, missing);
  find(library, "cuModuleLoadDataEx", api->module_load, missing);
  find(library, "cuModuleUnload", api->module_unload, missing);
  find(library, "cuModuleGetFunction", api->module_function, missing);
  find(library, "cuLaunchKernel", api->launch, missing);
  find(library, "cuStreamCreate", api->stream_create, missing);
  find(library, "cuStreamDestroy_v2", api->stream_destroy, missing);
  find(library, "cuStreamSynchronize", api->stream_wait, missing);
  find(library, "cuStreamBeginCapture_v2", api->capture_begin, missing);
  find(library, "cuStreamEndCapture", api->capture_end, missing);
  find(library, "cuGraphInstantiateWithFlags", api->graph_instantiate, missing);
  find(library, "cuGraphLaunch", api->graph_launch, missing);
  find(library, "cuGraphExecDestroy", api->graph_exec_destroy, missing);
  find(library, "cuGraphDestroy", api->graph_destroy, missing);
  find(library, "cuEventCreate", api->event_create, missing);
  find(library, "cuEventDestroy_v2", api->event_destroy, missing);
  find(library, "cuEventRecord", api->event_record, missing);
  find(library, "cuEventElapsedTime", api->event_elapsed, missing);
  find(library, "cuGetErrorName", api->error_name, missing);
  find(library, "cuGetErrorString", api->error_text, missing);
  if (!missing.empty()) return {nullptr, fmt::format("the CUDA driver is too old: it has no {}", missing)};
  if (api->init(0) != 0) return {nullptr, "the CUDA driver finds no device"};
  int count = 0;
  if (api->device_count(&count) != 0 || count == 0) return {nullptr, "no CUDA device"};
  return {std::move(api), ""};
}

}  // namespace

const Loaded& load() {
  static const Loaded one = load_once();
  return one;
}

}  // namespace obz::gpu::driver
