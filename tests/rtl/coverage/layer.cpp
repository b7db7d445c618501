// Drives obz_layer: small convolutions with random numbers in every lane, several images, blocks of pixels and of
// channels that do not divide evenly, padding, strides, dilation, two words a pixel, and writes that wait.
#include <cstdio>

#include "stimuli.hpp"
#include <Vobz_layer.h>

using namespace obz::coverage;

namespace {

struct Conv {
  std::uint32_t n, h, w, words, kernel, stride, dilation, pad, tiles, block_m, block_n;
};

constexpr Conv kConvs[] = {
    {2, 5, 6, 1, 3, 1, 1, 1, 3, 4, 2},   // channels: a block of two tiles, then one; pixels: 32, then 28
    {1, 9, 9, 2, 2, 2, 2, 0, 1, 8, 1},   // one short block
    {2, 12, 9, 1, 1, 1, 1, 0, 9, 1, 8},  // many tiles of channels
    {1, 1, 1, 3, 1, 1, 1, 0, 2, 8, 1},   // dense
};

void load(Vobz_layer& top, unsigned space, unsigned address, int bits) {
  if (bits != 0) drive(top.load_data_i, bits);
  top.load_i = 1;
  top.load_space_i = space;
  top.load_addr_i = address;
  cycle(top);
  top.load_i = 0;
}

/// Cycles it took; 0: it did not end.
int run(Vobz_layer& top, const Conv& c) {
  const std::uint32_t reach = c.dilation * (c.kernel - 1) + 1;
  const std::uint32_t out_h = (c.h + 2 * c.pad - reach) / c.stride + 1,
                      out_w = (c.w + 2 * c.pad - reach) / c.stride + 1;
  const std::uint32_t chunks = c.kernel * c.kernel * c.words;
  top.a_lane_i = below(5);
  top.b_lane_i = below(5);
  top.a_signed_i = one_in(2);
  top.b_signed_i = one_in(2);
  top.satfinite_i = one_in(2);
  drive(top.pad_word_i, 128);
  top.recipe_i = any_recipe();
  top.y_lane_i = below(6);
  top.y_stride_i = c.tiles << top.y_lane_i;
  top.in_h_i = c.h;
  top.in_w_i = c.w;
  top.out_h_i = out_h;
  top.out_w_i = out_w;
  top.pixels_i = c.n * out_h * out_w;
  top.origin_i = 0U - (c.pad * c.w + c.pad) * c.words;
  top.step_w_i = c.stride * c.words;
  top.step_h_i = c.stride * c.w * c.words;
  top.step_n_i = c.h * c.w * c.words;
  top.stride_h_i = top.stride_w_i = c.stride;
  top.pad_top_i = top.pad_left_i = c.pad;
  top.kernel_h_i = top.kernel_w_i = c.kernel;
  top.dilation_h_i = top.dilation_w_i = c.dilation;
  top.tap_h_i = c.dilation * c.w * c.words;
  top.tap_w_i = c.dilation * c.words;
  top.block_m_i = c.block_m;
  top.block_n_i = c.block_n;
  top.last_n_i = c.tiles - 1;
  for (unsigned i = 0; i < c.n * c.h * c.w * c.words; ++i) load(top, 0, i, 128);
  for (unsigned i = 0; i < c.tiles * chunks; ++i) load(top, 1, i, 1024);
  for (unsigned i = 0; i < c.tiles; ++i) {
    drive(top.load_data_i, 8 * 232 + 64);
    put(top.load_data_i, 0, 64, std::uint64_t{chunks} << 48 | std::uint64_t{c.words} << 32 | i * chunks);
    load(top, 2, i, 0);
  }
  top.start_i = 1;
  cycle(top);
  top.start_i = 0;
  int cycles = 1;
  for (; top.busy_o != 0; ++cycles) {
    if (cycles == 100000) return 0;
    top.write_ready_i = !one_in(4);
    cycle(top);
  }
  for (unsigned i = 0; i < 16; ++i) {
    top.unload_i = 1;
    top.unload_addr_i = i;
    cycle(top);
  }
  top.unload_i = 0;
  return cycles;
}

}  // namespace

int main(int argc, char** argv) {
  Vobz_layer top;
  reset(top);
  for (int i = 0; i < 24; ++i) {
    if (run(top, kConvs[i % 4]) == 0) {
      std::fprintf(stderr, "layer %d: busy_o did not fall in 100000 cycles\n", i);
      return 1;
    }
  }
  return finish(argc, argv);
}
