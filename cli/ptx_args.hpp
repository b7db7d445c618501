// Arguments of a kernel from the command line: numbers, and arrays that live in the device's memory for one launch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "gpu/ptx/memory.hpp"
#include "gpu/ptx/module.hpp"

namespace obz::cli {

/// s32:-5, u64:7; zeros:BYTES; in:FILE, inout:FILE, out:BYTES[:FILE].
struct PtxArg {
  std::string text;              ///< as given
  std::vector<std::byte> value;  ///< a number, or the array's address
  std::uint64_t address = 0, bytes = 0;
  bool read_back = false;
  std::string file;  ///< where it is written behind the launch; .npy or raw bytes. Empty: nowhere
  std::string like;  ///< the .npy it came from: an inout array keeps shape and type
};

/// Allocates what is an array. Error naming the argument that is none of the forms.
std::vector<PtxArg> make_ptx_args(const std::vector<std::string>& texts, ptx::Memory& memory);

/// "u32:7"'s bytes at their places; Error naming the kernel's parameters when number or sizes do not fit.
std::vector<std::byte> pack(const ptx::KernelInfo& kernel, const std::vector<PtxArg>& args);

/// Writes the files of those that are read back. Error, before the first of them, on bytes that nobody wrote, unless
/// they may count as 0.
void write_back(const std::vector<PtxArg>& args, const ptx::Memory& memory, bool allow_unwritten);

}  // namespace obz::cli
