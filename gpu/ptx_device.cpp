#include "gpu/ptx_device.hpp"

#include "gpu/kernels/artefact.hpp"

namespace obz::gpu {

PtxDevice::PtxDevice(ptx::Options options) : options_(std::move(options)) {}
PtxDevice::~PtxDevice() = default;

std::uint64_t PtxDevice::allocate(std::size_t bytes, const std::string& label) {
  return memory_.allocate(bytes, label);
}
void PtxDevice::free(std::uint64_t address) { memory_.free(address); }
void PtxDevice::write(std::uint64_t address, std::span<const std::byte> bytes) { memory_.write(address, bytes); }
void PtxDevice::read(std::uint64_t address, std::span<std::byte> bytes) { memory_.read(address, bytes); }

const ptx::Module& PtxDevice::module(const std::string& name) {
  const auto known = modules_.find(name);
  if (known != modules_.end()) return known->second;
  return modules_.emplace(name, ptx::parse_module(kernel_ptx(name), name + ".ptx")).first->second;
}

void PtxDevice::replace(const std::string& module, ptx::Module with) {
  modules_.insert_or_assign(module, std::move(with));
}

void PtxDevice::run(std::span<const KernelCall> calls) {
  for (const KernelCall& call : calls) {
    const ptx::Launch launch{.kernel = call.kernel,
                             .grid = {call.grid[0], call.grid[1], call.grid[2]},
                             .block = {call.block[0], call.block[1], call.block[2]},
                             .args = call.args};
    ptx::Counters counters = ptx::run(module(call.module), launch, memory_, options_);
    if (watch) watch({call.layer, call.module, call.kernel, call.grid, std::move(counters)});
  }
}

}  // namespace obz::gpu
