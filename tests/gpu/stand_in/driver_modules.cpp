// Modules, functions and their launch.
#include <string>

#include "tests/gpu/stand_in/capture.hpp"
#include "tests/gpu/stand_in/execute.hpp"
#include "tests/gpu/stand_in/exported.hpp"
#include "tests/gpu/stand_in/launch.hpp"
#include "tests/gpu/stand_in/modules.hpp"
#include "tests/gpu/stand_in/state.hpp"

using namespace obz::stand_in;

OBZ_EXPORTED cuModuleLoadDataEx(void** module, const void* image, unsigned count, int* options, void** values) {
  return call("cuModuleLoadDataEx", [&] {
    Context& c = usable_context();
    forbid_while_capturing(c);
    require(module != nullptr && image != nullptr, Result::invalid_value);
    CompilerOptions compiler(count, options, values);
    *module = add(c.modules, load_module(static_cast<const char*>(image), compiler));
  });
}

OBZ_EXPORTED cuModuleUnload(void* module) {
  return call("cuModuleUnload", [&] {
    Context& c = context_for_cleaning();
    forbid_while_capturing(c);
    const auto loaded = c.modules.find(module, Result::invalid_value);
    // Nothing says that this waits: launches that still stand in a queue find their module gone.
    loaded->unloaded = true;
    for (const auto& [name, handle] : loaded->functions) c.functions.live.erase(handle);
    c.modules.live.erase(module);
    fail_if_broken();
  });
}

OBZ_EXPORTED cuModuleGetFunction(void** function, void* module, const char* name) {
  const std::string named = std::string("cuModuleGetFunction ") + (name == nullptr ? "nullptr" : name);
  return call(named.c_str(), [&] {
    Context& c = usable_context();
    require(function != nullptr && name != nullptr, Result::invalid_value);
    const auto loaded = c.modules.find(module, Result::invalid_value);
    if (const auto known = loaded->functions.find(name); known != loaded->functions.end()) {
      *function = known->second;
      return;
    }
    const obz::ptx::KernelInfo* info = nullptr;
    try {
      info = &obz::ptx::kernel_info(loaded->code, name);
    } catch (const obz::Error&) {
      throw Failure{Result::not_found};
    }
    *function = add(c.functions, std::make_shared<Function>(Function{loaded, info}));
    loaded->functions.emplace(name, *function);
  });
}

OBZ_EXPORTED cuLaunchKernel(void* function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,
                            unsigned block_y, unsigned block_z, unsigned shared_bytes, void* stream, void** params,
                            void** extra) {
  return call("cuLaunchKernel", [&] {
    Context& c = usable_context();
    const auto kernel = c.functions.find(function, Result::invalid_handle);
    Stream& s = stream_of(c, stream);
    const LaunchShape shape{{grid_x, grid_y, grid_z}, {block_x, block_y, block_z}, shared_bytes};
    KernelLaunch launch = describe_launch(*kernel, shape, params, extra);
    if (captures(s)) {
      s.capture->graph.kernels.push_back(std::move(launch));
      return;
    }
    if (&s == &c.legacy) forbid_legacy_while_capturing(c);
    issue(s, std::move(launch));
  });
}
