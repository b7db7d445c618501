// The compiled kernels, part of this program: PTX for compute_75, as nvcc wrote it to gpu/kernels/ptx.
#pragma once

#include <span>
#include <string_view>

namespace obz::gpu {

/// Names of the modules: gpu/kernels/NAME.cu each.
std::span<const std::string_view> kernel_modules();

/// The text of one module; Error naming all modules when there is no such one.
std::string_view kernel_ptx(std::string_view module);

}  // namespace obz::gpu
