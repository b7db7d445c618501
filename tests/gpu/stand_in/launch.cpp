#include "tests/gpu/stand_in/launch.hpp"

#include <cstring>

namespace obz::stand_in {
namespace {

constexpr std::uint32_t kMostGridX = 0x7FFFFFFF, kMostGridYZ = 65535;
constexpr std::uint32_t kMostThreads = 1024, kMostBlockZ = 64;
constexpr std::uint64_t kMostShared = 48 * 1024;  ///< more has to be asked for, and there is no call for that here

// Keys in `extra`.
constexpr std::uintptr_t kEnd = 0, kBuffer = 1, kBufferBytes = 2;

void check_shape(const ptx::KernelInfo& kernel, const LaunchShape& s) {
  const auto within = [](std::uint32_t n, std::uint32_t most) { require(n >= 1 && n <= most, Result::invalid_value); };
  within(s.grid.x, kMostGridX);
  within(s.grid.y, kMostGridYZ);
  within(s.grid.z, kMostGridYZ);
  within(s.block.x, kMostThreads);
  within(s.block.y, kMostThreads);
  within(s.block.z, kMostBlockZ);
  require(s.block.count() <= kMostThreads, Result::invalid_value);
  if (kernel.exact_threads) require(s.block.count() == kernel.max_threads, Result::invalid_value);
  if (kernel.max_threads != 0) require(s.block.count() <= kernel.max_threads, Result::launch_out_of_resources);
  require(std::uint64_t{kernel.shared_bytes} + s.dynamic_shared_bytes <= kMostShared, Result::invalid_value);
}

std::vector<std::byte> copy_params(const ptx::KernelInfo& kernel, void* const* params) {
  std::vector<std::byte> block(kernel.param_bytes);
  for (std::size_t k = 0; k < kernel.params.size(); ++k) {
    const ptx::Param& p = kernel.params[k];
    require(params[k] != nullptr, Result::invalid_value);
    if (p.size_bytes > 0) std::memcpy(block.data() + p.offset_bytes, params[k], p.size_bytes);
  }
  return block;
}

std::vector<std::byte> copy_buffer(const ptx::KernelInfo& kernel, void* const* extra) {
  const std::byte* buffer = nullptr;
  const std::size_t* bytes = nullptr;
  for (; reinterpret_cast<std::uintptr_t>(*extra) != kEnd; extra += 2) {
    const auto key = reinterpret_cast<std::uintptr_t>(*extra);
    require(key == kBuffer || key == kBufferBytes, Result::invalid_value);
    if (key == kBuffer) buffer = static_cast<const std::byte*>(extra[1]);
    if (key == kBufferBytes) bytes = static_cast<const std::size_t*>(extra[1]);
  }
  require(buffer != nullptr && bytes != nullptr, Result::invalid_value);
  // "Passing arguments of the wrong size is equivalent to passing too many."
  require(*bytes <= kernel.param_bytes, Result::launch_out_of_resources);
  require(*bytes == kernel.param_bytes, Result::invalid_value);
  return {buffer, buffer + *bytes};
}

}  // namespace

KernelLaunch describe_launch(const Function& function, const LaunchShape& shape, void* const* params,
                             void* const* extra) {
  const ptx::KernelInfo& kernel = *function.info;
  check_shape(kernel, shape);
  require(params == nullptr || extra == nullptr, Result::invalid_value);
  require(params != nullptr || extra != nullptr || kernel.params.empty(), Result::invalid_value);
  ptx::Launch launch{.kernel = kernel.name,
                     .grid = shape.grid,
                     .block = shape.block,
                     .dynamic_shared_bytes = shape.dynamic_shared_bytes,
                     .args = {}};
  if (params != nullptr) launch.args = copy_params(kernel, params);
  if (extra != nullptr) launch.args = copy_buffer(kernel, extra);
  return {function.module, std::move(launch)};
}

}  // namespace obz::stand_in
