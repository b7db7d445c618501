// Recipes and channels as the RTL's ports carry them: the layout of obz_pkg.
#pragma once

#include <array>
#include <cstdint>

#include "accel/layer_program.hpp"

namespace obz::rtl {

using ChannelWords = std::array<std::uint32_t, 7>;  ///< 200 bits, the lowest first
using TileWords = std::array<std::uint32_t, 60>;    ///< a word of parameters: 1920 bits

/// Require what accel/requant_refusal.hpp does not refuse.
std::uint64_t pack(const Recipe& recipe);
ChannelWords pack(const Channel& channel);
TileWords pack(const accel::TileParameters& tile);

}  // namespace obz::rtl
