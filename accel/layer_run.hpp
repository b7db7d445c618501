// What executing a program gives, on whatever executes it.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "accel/layer_program.hpp"

namespace obz::accel {

/// Clock cycles. Loading and unloading move one word of a scratchpad a cycle.
struct LayerCycles {
  std::int64_t load = 0, run = 0, unload = 0;
};

struct LayerRun {
  std::vector<std::uint8_t> y;  ///< the outputs' scratchpad, y_bytes() of the program
  LayerCycles cycles;
  std::int64_t mmas = 0;
};

struct LayerOutputs;

/// Called in every cycle after start in which the unit shows something: the cycle, counted from 0, and its ports.
using LayerWatch = std::function<void(std::int64_t cycle, const LayerOutputs&)>;

/// Cycles in which the tensor core could do the layer's multiply-accumulates if every lane of every mma held one.
inline std::int64_t ideal_cycles(const LayerProgram& program) {
  const std::int64_t mma_macs = std::int64_t{kTile} * kTile * mma_depth(program.a_lane, program.b_lane);
  return (program.macs * mma_interval(program.a_lane, program.b_lane) + mma_macs - 1) / mma_macs;
}

}  // namespace obz::accel
