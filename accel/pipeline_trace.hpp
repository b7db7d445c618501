// What a layer unit did, mma by mma: recorded from the ports of any LayerDevice, written by trace_writers.hpp.
#pragma once

#include <string>

#include "accel/layer_device.hpp"

namespace obz::accel {

/// Which work an mma does. Indices are those of the layer's program.
struct MmaPlace {
  std::int64_t pixel_tile = 0, channel_tile = 0, chunk = 0;
  std::uint8_t accumulator = 0;  ///< 0..7
  std::int64_t block = 0;        ///< of tiles that are in the accumulators at once
};

/// Number of mma, without making their order. Requires a program of lower().
std::int64_t mma_count(const LayerProgram& program);

/// The order that rtl/obz_sequencer.sv and rtl/obz_issue.sv issue in.
std::vector<MmaPlace> mma_order(const LayerProgram& program);

struct TracedMma {
  MmaPlace place;
  std::int64_t program = 0;            ///< batch of a matrix product
  std::int64_t issue = 0, result = 0;  ///< cycles; of all programs, one after the other
};

struct TracedWrite {
  std::int64_t cycle = 0, program = 0, block = 0;
  std::uint32_t address = 0, enable = 0;  ///< bytes; a bit for each of the 32 from there
};

struct PipelineTrace {
  std::string layer;
  std::int64_t cycles = 0;    ///< loading and unloading are not among them
  std::int64_t interval = 4;  ///< phases of a multiplication
  std::vector<TracedMma> mmas;
  std::vector<TracedWrite> writes;
};

/// Larger ones make files that no viewer opens.
inline constexpr std::int64_t kMostTracedMmas = 200'000;

/// Runs the programs and records. Error when they have more than kMostTracedMmas; OBZ_CHECK when the device issues in
/// another order.
PipelineTrace trace_pipeline(LayerDevice& device, const std::string& layer, const std::vector<LayerProgram>& programs);

}  // namespace obz::accel
