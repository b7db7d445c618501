#include "cli/engines.hpp"

#include <string_view>

#include "gpu/device/cuda_device.hpp"
#include "gpu/engine.hpp"
#include "gpu/ptx_device.hpp"
#include "rtl/harness/rtl_engine.hpp"
#include "sim/sysc_engine.hpp"

namespace obz::cli {

std::unique_ptr<Engine> outside_engine(const std::string& name) { return outside_engines({})(name); }

EngineSource outside_engines(const rtl::DutOptions& dut, const sim::Machine& machine) {
  return [dut, machine](const std::string& name) -> std::unique_ptr<Engine> {
    constexpr std::string_view dut_prefix = "dut:";
    if (name == "ptx") return gpu::make_kernel_engine(name, std::make_unique<gpu::PtxDevice>());
    if (name == "gpu") return gpu::make_kernel_engine(name, std::make_unique<gpu::CudaDevice>());
    if (name == "rtl") return rtl::make_rtl_engine();
    if (name == "sysc") return sim::make_sysc_engine(machine);
    if (name.starts_with(dut_prefix)) return rtl::make_dut_engine(name.substr(dut_prefix.size()), dut);
    return nullptr;
  };
}

}  // namespace obz::cli
