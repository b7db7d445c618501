// What the layer unit (rtl/obz_layer.sv, sim/obz_layer.hpp) is given to do: contents of its scratchpads and the numbers
// of one layer. Made by lower.hpp, executed by the Verilated RTL and by its SystemC twin alike. Field names are the
// unit's ports; obz_layer.sv and obz_fetch.sv say what they mean.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "ref/arith/recipe.hpp"
#include "ref/tensor/tensor.hpp"

namespace obz::accel {

/// log2 of a lane's bits: 0..4 for operands, 0..5 for outputs.
using Lane = std::uint8_t;

/// The narrowest lane that holds a type.
constexpr Lane lane_of(int bits) {
  Lane lane = 0;
  while ((1 << lane) < bits) ++lane;
  return lane;
}

constexpr int kTile = 8;        ///< pixels and channels of a tile
constexpr int kRowBits = 128;   ///< of an operand's row or column
constexpr int kTilesBlock = 8;  ///< tiles that are in the accumulators at once

/// Elements that one mma multiplies into each output.
constexpr int mma_depth(Lane a, Lane b) { return kRowBits >> (a > b ? a : b); }
/// Cycles between two mma.
constexpr int mma_interval(Lane a, Lane b) { return a == 4 && b == 4 ? 8 : 4; }

struct Word128 {
  std::array<std::uint32_t, 4> bits{};
};

/// Columns of B: one word of weights.
struct WeightWord {
  std::array<Word128, kTile> columns{};
};

/// Parameters of eight output channels.
struct TileParameters {
  std::uint16_t w_base = 0, first_word = 0, words = 0, chunks = 0;
  std::array<std::int32_t, kTile> bias{};
  std::array<Channel, kTile> channels{};
};

/// Sizes of the scratchpads, in their own words.
struct Scratchpads {
  std::int64_t x_words = 65536, w_words = 8192, tiles = 512, y_bytes = 32768 * 32;
  const char* of = "scratchpad";  ///< who has them, in a refusal
};

struct LayerProgram {
  std::vector<Word128> x;
  std::vector<WeightWord> w;
  std::vector<TileParameters> tiles;

  Lane a_lane = 3, b_lane = 3, y_lane = 3;
  bool a_signed = true, b_signed = true, satfinite = false;
  Word128 pad_word;
  std::uint16_t in_h = 1, in_w = 1, out_h = 1, out_w = 1, stride_h = 1, stride_w = 1, pad_top = 0, pad_left = 0,
                kernel_h = 1, kernel_w = 1, dilation_h = 1, dilation_w = 1, y_stride = 16;
  std::uint32_t pixels = 0;
  std::int32_t origin = 0, step_w = 0, step_h = 0, step_n = 0, tap_h = 0, tap_w = 0;
  std::uint8_t block_m = 1, block_n = 1;
  Recipe recipe;

  std::int64_t macs = 0;  ///< of the layer, without the lanes that hold nothing
  std::int64_t y_bytes() const { return std::int64_t{pixels} * y_stride; }
};

}  // namespace obz::accel
