// Waves of the RTL while it executes a layer: obz_layer_trace.sv, Verilated with FST at run time, as a traced model is
// too large to be part of every build.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "accel/layer_program.hpp"

namespace obz::rtl {

/// The first write that differs from what was expected.
struct WaveMismatch {
  std::int64_t cycle = 0;    ///< cycle_o in the waves: of its program
  std::int64_t time_ns = 0;  ///< in the waves
  std::size_t program = 0;
  std::int64_t bit = 0;  ///< the lowest that differs, in the program's outputs
};

struct WaveResult {
  std::int64_t cycles = 0, writes = 0, wrong_writes = 0;
  std::optional<WaveMismatch> first;
};

/// Traces are refused beyond this.
inline constexpr std::int64_t kMostWaveMmas = 20'000;

/// Builds (about a minute), runs, writes `fst`. `expected`: y_bytes() of each program; mismatch_o is high in cycles in
/// which a write differs from it. Error when there are more than kMostWaveMmas or the tools fail; MissingTool without
/// Verilator.
WaveResult trace_waves(const std::vector<accel::LayerProgram>& programs,
                       const std::vector<std::vector<std::uint8_t>>& expected, const std::filesystem::path& fst);

}  // namespace obz::rtl
