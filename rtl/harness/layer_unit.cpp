#include "rtl/harness/layer_unit.hpp"

#include <Vobz_layer.h>
#include <Vobz_layer_obz_pkg.h>

#include "rtl/harness/pack.hpp"

namespace obz::rtl {
namespace {

using Package = Vobz_layer_obz_pkg;
static_assert(Package::MmaRows == accel::kTile && Package::MmaCols == accel::kTile);
static_assert(Package::MmaInterval == accel::mma_interval(3, 3));
static_assert(2 * Package::MmaInterval == accel::mma_interval(4, 4));

}  // namespace

struct LayerUnit::Model {
  Vobz_layer top;  // in the default context: a destroyed one of another model would still be the thread's
  accel::LayerOutputs outputs;

  void load(int space, std::size_t address) {
    top.load_i = 1;
    top.load_space_i = static_cast<std::uint8_t>(space);
    top.load_addr_i = static_cast<std::uint16_t>(address);
    top.clk_i = 0;
    top.eval();
    top.clk_i = 1;
    top.eval();
    top.load_i = 0;
  }
};

LayerUnit::LayerUnit() : model_(std::make_unique<Model>()) {
  Vobz_layer& t = model_->top;
  t.rst_ni = 0;
  t.load_i = 0;
  settle({});
  edge();
  t.rst_ni = 1;
  settle({});
}

LayerUnit::~LayerUnit() = default;

void LayerUnit::load(std::size_t address, const accel::Word128& word) {
  for (std::size_t k = 0; k < 4; ++k) model_->top.load_data_i[k] = word.bits[k];
  model_->load(0, address);
}

void LayerUnit::load(std::size_t address, const accel::WeightWord& word) {
  for (std::size_t c = 0; c < accel::kTile; ++c) {
    for (std::size_t k = 0; k < 4; ++k) model_->top.load_data_i[4 * c + k] = word.columns[c].bits[k];
  }
  model_->load(1, address);
}

void LayerUnit::load(std::size_t address, const accel::TileParameters& word) {
  const TileWords words = pack(word);
  for (std::size_t k = 0; k < words.size(); ++k) model_->top.load_data_i[k] = words[k];
  model_->load(2, address);
}

void LayerUnit::describe(const accel::LayerProgram& program) {
  Vobz_layer& t = model_->top;
  t.a_lane_i = program.a_lane;
  t.b_lane_i = program.b_lane;
  t.a_signed_i = program.a_signed;
  t.b_signed_i = program.b_signed;
  t.satfinite_i = program.satfinite;
  for (std::size_t k = 0; k < 4; ++k) t.pad_word_i[k] = program.pad_word.bits[k];
  t.in_h_i = program.in_h;
  t.in_w_i = program.in_w;
  t.out_h_i = program.out_h;
  t.out_w_i = program.out_w;
  t.pixels_i = program.pixels;
  t.origin_i = static_cast<std::uint32_t>(program.origin);
  t.step_w_i = static_cast<std::uint32_t>(program.step_w);
  t.step_h_i = static_cast<std::uint32_t>(program.step_h);
  t.step_n_i = static_cast<std::uint32_t>(program.step_n);
  t.stride_h_i = program.stride_h;
  t.stride_w_i = program.stride_w;
  t.pad_top_i = program.pad_top;
  t.pad_left_i = program.pad_left;
  t.kernel_h_i = program.kernel_h;
  t.kernel_w_i = program.kernel_w;
  t.dilation_h_i = program.dilation_h;
  t.dilation_w_i = program.dilation_w;
  t.tap_h_i = static_cast<std::uint32_t>(program.tap_h);
  t.tap_w_i = static_cast<std::uint32_t>(program.tap_w);
  t.block_m_i = program.block_m;
  t.block_n_i = program.block_n;
  t.last_n_i = static_cast<std::uint16_t>(program.tiles.size() - 1);
  t.recipe_i = pack(program.recipe);
  t.y_lane_i = program.y_lane;
  t.y_stride_i = program.y_stride;
}

const accel::LayerOutputs& LayerUnit::settle(const accel::LayerInputs& in) {
  Vobz_layer& t = model_->top;
  t.clk_i = 0;
  t.start_i = in.start_i;
  t.write_ready_i = in.write_ready_i;
  t.unload_i = in.unload_i;
  t.unload_addr_i = in.unload_addr_i;
  t.eval();
  accel::LayerOutputs& out = model_->outputs;
  out.busy_o = t.busy_o;
  out.write_o = t.write_o;
  out.issue_o = t.issue_o;
  out.result_o = t.result_o;
  out.issue_tile_o = t.issue_tile_o;
  out.result_tile_o = t.result_tile_o;
  out.write_addr_o = t.write_addr_o;
  out.write_enable_o = t.write_enable_o;
  for (std::size_t k = 0; k < 8; ++k) {
    out.write_data_o[k] = t.write_data_o[k];
    out.unload_data_o[k] = t.unload_data_o[k];
  }
  return out;
}

void LayerUnit::edge() {
  model_->top.clk_i = 1;
  model_->top.eval();
}

}  // namespace obz::rtl
