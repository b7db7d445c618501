// What the program around the traced model reads: 32-bit words, little-endian.
//
//   header    0x545A424F ("OBZT"), version 1, number of programs
//   program   words of x, of w, of parameters, of y; then
//             the ports of trace_ports(), one word each; pad_word_i (4); recipe_i (2)
//             x (4 words each), w (32 each), parameters (60 each), as obz_layer loads them
//             y (8 each): the outputs' scratchpad as the reference has it
#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "accel/layer_program.hpp"
#include "ref/base/bytes.hpp"

namespace obz::rtl {

inline constexpr std::uint32_t kTraceMagic = 0x545A424F, kTraceVersion = 1;

/// Ports of up to 32 bits that describe a layer, with their values.
using TracePort = std::pair<const char*, std::uint32_t>;
std::vector<TracePort> trace_ports(const accel::LayerProgram& program);

/// `expected`: y_bytes() of each program.
Bytes trace_job(const std::vector<accel::LayerProgram>& programs,
                const std::vector<std::vector<std::uint8_t>>& expected);

}  // namespace obz::rtl
