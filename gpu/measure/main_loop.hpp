// What the main loop of each convolution kernel issues, counted by executing it: the same layer twice, with some and
// with twice as many slices of depth; the difference is the loop and nothing else.
#pragma once

#include <string>
#include <vector>

#include "gpu/lower/lower.hpp"

namespace obz::gpu {

/// Of one block and one slice of 64 bytes of depth; counts are warp instructions of PTX.
struct MainLoop {
  std::string module, kernel;
  std::uint32_t rows = 0, columns = 0, threads = 0, shared_bytes = 0;
  double mma = 0, ldmatrix = 0, shared_stores = 0, global_loads = 0, other = 0;
  double macs = 0;  ///< of one-bit kernels: pairs of bits
  double shared_passes = 0, bank_conflicts = 0, sectors = 0;

  /// Cycles of one SM of sm_75 that each resource needs for a slice (docs/kernels.md says from where).
  double tensor_cycles() const;
  double issue_cycles() const;
  double alu_cycles() const;
  double memory_cycles() const;
  /// tensor_cycles over the largest of all: 1 when nothing but the tensor core is the bound.
  double tensor_share() const;
};

/// All convolution kernels on tensor cores.
std::vector<MainLoop> measure_main_loops();

}  // namespace obz::gpu
