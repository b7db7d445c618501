// Latency of a layer on a machine nobody has on the desk, as a roofline with an error bar. An estimate to plan with
// until there are measurements or a better model: tables of either kind replace it (`obz plan --latencies`).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "ref/quantize/bits.hpp"

namespace obz::plan {

struct Rate {
  int bits = 8;  ///< operands of at most so many bits run at it
  double macs_per_us = 0;
};

/// time = launch_us + max(MACs / rate, bytes / bytes_per_us).
struct Machine {
  std::string_view name, source;
  double launch_us = 0, bytes_per_us = 0;
  std::span<const Rate> rates;  ///< narrowest first
  double low = 1, high = 1;     ///< the interval, as factors of the estimate
};

/// Error naming the known ones.
const Machine& find_machine(std::string_view name);

/// What a layer moves and computes, for a batch.
struct LayerWork {
  std::int64_t macs = 0, inputs = 0, weights = 0, outputs = 0;  ///< elements
};

/// Both operands run at the rate of the wider; inputs and weights are read packed, outputs written as 32-bit words.
double latency_us(const Machine& machine, const LayerWork& work, const LayerBits& bits);

}  // namespace obz::plan
