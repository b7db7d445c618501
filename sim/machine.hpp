// What stands around the layer unit in a machine that the engine `sysc` times: memory transfers, a clock, and
// scratchpads that may be smaller. Read from JSON, docs/rtl.md.
#pragma once

#include <optional>
#include <string>

#include "accel/layer_program.hpp"

namespace obz::sim {

struct Machine {
  std::int64_t dma_bytes_per_cycle = 0;  ///< 0: transfers are not counted; else 1..65536
  std::int64_t dma_latency_cycles = 0;   ///< before the first byte of a transfer; 0..1000000
  bool overlap = false;                  ///< transfers run beside the arithmetic (of neighbouring programs)
  std::optional<std::int64_t> clock_mhz;
  accel::Scratchpads pads;

  /// Of one program whose arithmetic takes `run`: load + run + store, or with overlap the longer of run and load +
  /// store.
  std::int64_t cycles(const accel::LayerProgram& program, std::int64_t run) const;
  std::int64_t load_cycles(const accel::LayerProgram& program) const;
  std::int64_t store_cycles(const accel::LayerProgram& program) const;
};

/// Error naming the file and the key: one that is not known or stands there twice, a value outside its range.
Machine parse_machine(const std::string& text, const std::string& file);
Machine load_machine(const std::string& file);

}  // namespace obz::sim
