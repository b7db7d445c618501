// Running a kernel: the launch, what is checked, and what comes back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gpu/ptx/counters.hpp"
#include "gpu/ptx/memory.hpp"
#include "gpu/ptx/module.hpp"
#include "ref/base/error.hpp"

namespace obz::ptx {

/// The program did what a device must not be asked to do: out of bounds, misaligned, a race, a byte never written,
/// divergence where all threads must stand together, a deadlock. The launch ended there; global memory holds what was
/// stored until then.
class Fault : public Error {
 public:
  using Error::Error;
};

struct Dim3 {
  std::uint32_t x = 1, y = 1, z = 1;

  std::uint64_t count() const { return std::uint64_t{x} * y * z; }
};

struct Launch {
  std::string kernel;
  Dim3 grid, block;
  std::uint32_t dynamic_shared_bytes = 0;
  std::vector<std::byte> args;  ///< the parameter block, laid out as KernelInfo::params says
};

struct Checks {
  bool races = true;          ///< on shared bytes, between barriers
  bool uninitialised = true;  ///< reads of shared, local and global bytes that were never written
};

/// One instruction of one warp, as it is executed.
struct Step {
  std::string_view opcode;  ///< with modifiers
  std::uint32_t line = 0;
  Dim3 cta;
  std::uint32_t warp = 0;
  std::uint32_t active = 0;                  ///< lanes that execute it, predicated-off lanes taken away
  std::span<const std::uint64_t> addresses;  ///< 32 of them for memory accesses, those of active lanes mean something
};
using Sink = std::function<void(const Step&)>;

struct Options {
  Checks checks = {};
  int threads = 0;                     ///< at most; 0: all cores
  std::uint64_t max_instructions = 0;  ///< of one warp; beyond it a Fault says "runaway". 0: no limit
  Sink sink = nullptr;                 ///< sees every instruction, CTA after CTA; makes the run single-threaded
  std::optional<Dim3> sink_cta = {};   ///< only this CTA's
};

/// Runs every CTA of the grid. Error when the launch does not fit the kernel or the kernel cannot run here; Fault for
/// what it does wrong.
Counters run(const Module& module, const Launch& launch, Memory& memory, const Options& options = {});

/// The values of a parameter block, packed as `kernel` lays them out; Error unless number and sizes fit.
std::vector<std::byte> pack_args(const KernelInfo& kernel, std::span<const std::vector<std::byte>> values);

}  // namespace obz::ptx
