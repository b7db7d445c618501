#include "sim/layer_twin.hpp"

#include "ref/base/error.hpp"
#ifdef OBZ_HAVE_SYSTEMC
#include "sim/kernel.hpp"
#include "sim/obz_layer.hpp"
#endif

namespace obz::sim {

#ifdef OBZ_HAVE_SYSTEMC

struct LayerTwin::Model {
  Model(const CoreTiming& timing, const accel::Scratchpads& pads)
      : layer(sc_core::sc_gen_unique_name("obz_layer"), pads, timing) {
    layer.clk_i(clk);
    layer.rst_ni(rst_n);
    layer.start_i(start);
    layer.busy_o(busy);
    layer.unload_i(unload);
    layer.unload_addr_i(unload_addr);
    layer.unload_data_o(unload_data);
    layer.write_ready_i(write_ready);
    layer.write_o(write);
    layer.write_addr_o(write_addr);
    layer.write_enable_o(write_enable);
    layer.write_data_o(write_data);
    layer.issue_o(issue);
    layer.issue_tile_o(issue_tile);
    layer.result_o(result);
    layer.result_tile_o(result_tile);
  }

  sc_core::sc_signal<bool> clk, rst_n, start, busy, unload, write_ready, write, issue, result;
  sc_core::sc_signal<std::uint16_t> unload_addr;
  sc_core::sc_signal<std::uint32_t> write_addr, write_enable;
  sc_core::sc_signal<std::uint8_t> issue_tile, result_tile;
  sc_core::sc_signal<Bytes32> unload_data, write_data;
  obz_layer layer;
  accel::LayerOutputs outputs;
  bool reset_done = false;
};

LayerTwin::LayerTwin(const CoreTiming& timing, const accel::Scratchpads& pads) {
  OBZ_CHECK(!kernel_started());
  model_ = std::make_unique<Model>(timing, pads);
}

void LayerTwin::describe(const accel::LayerProgram& program) { model_->layer.describe(program); }

void LayerTwin::load(std::size_t address, const accel::Word128& word) { model_->layer.memories.x.at(address) = word; }
void LayerTwin::load(std::size_t address, const accel::WeightWord& word) {
  model_->layer.memories.w.at(address) = word;
}
void LayerTwin::load(std::size_t address, const accel::TileParameters& word) {
  model_->layer.memories.tiles.at(address) = word;
}

const accel::LayerOutputs& LayerTwin::settle(const accel::LayerInputs& in) {
  Model& m = *model_;
  m.clk.write(false);
  m.rst_n.write(true);
  m.start.write(in.start_i);
  m.write_ready.write(in.write_ready_i);
  m.unload.write(in.unload_i);
  m.unload_addr.write(in.unload_addr_i);
  advance();
  accel::LayerOutputs& out = m.outputs;
  out.busy_o = m.busy.read();
  out.write_o = m.write.read();
  out.issue_o = m.issue.read();
  out.result_o = m.result.read();
  out.issue_tile_o = m.issue_tile.read();
  out.result_tile_o = m.result_tile.read();
  out.write_addr_o = m.write_addr.read();
  out.write_enable_o = m.write_enable.read();
  out.write_data_o = m.write_data.read().at;
  out.unload_data_o = m.unload_data.read().at;
  return out;
}

void LayerTwin::edge() {
  model_->clk.write(true);
  advance();
}

#else

struct LayerTwin::Model {};

LayerTwin::LayerTwin(const CoreTiming&, const accel::Scratchpads&) {
  throw MissingTool("the SystemC twins are not part of this build: SystemC was not there when it was configured");
}
void LayerTwin::describe(const accel::LayerProgram&) { OBZ_CHECK(false); }
void LayerTwin::load(std::size_t, const accel::Word128&) { OBZ_CHECK(false); }
void LayerTwin::load(std::size_t, const accel::WeightWord&) { OBZ_CHECK(false); }
void LayerTwin::load(std::size_t, const accel::TileParameters&) { OBZ_CHECK(false); }
const accel::LayerOutputs& LayerTwin::settle(const accel::LayerInputs&) { OBZ_CHECK(false); }
void LayerTwin::edge() { OBZ_CHECK(false); }

#endif

LayerTwin::~LayerTwin() = default;

}  // namespace obz::sim
