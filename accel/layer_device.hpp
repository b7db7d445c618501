// The layer unit as its ports show it, cycle by cycle: what the Verilated RTL and the SystemC twin have in common, and
// the protocol that runs a program on either.
#pragma once

#include <functional>

#include "accel/layer_run.hpp"
#include "golden/engines/engine.hpp"

namespace obz::accel {

/// Names as in rtl/obz_layer.sv.
struct LayerInputs {
  bool start_i = false, write_ready_i = true, unload_i = false;
  std::uint16_t unload_addr_i = 0;
};

struct LayerOutputs {
  bool busy_o = false, write_o = false, issue_o = false, result_o = false;
  std::uint8_t issue_tile_o = 0, result_tile_o = 0;
  std::uint32_t write_addr_o = 0, write_enable_o = 0;
  std::array<std::uint32_t, 8> write_data_o{}, unload_data_o{};

  friend bool operator==(const LayerOutputs&, const LayerOutputs&) = default;
};

class LayerDevice {
 public:
  virtual ~LayerDevice() = default;

  /// Drives the ports that say what the layer is; not its memories.
  virtual void describe(const LayerProgram& program) = 0;

  /// A word of a scratchpad, in one cycle in which nothing else happens.
  virtual void load(std::size_t address, const Word128& word) = 0;
  virtual void load(std::size_t address, const WeightWord& word) = 0;
  virtual void load(std::size_t address, const TileParameters& word) = 0;

  /// A cycle is settle(), then edge(). What stands on the outputs until the next call.
  virtual const LayerOutputs& settle(const LayerInputs& inputs) = 0;
  virtual void edge() = 0;
};

/// Loads, starts, waits, unloads. `program` fits Scratchpads{}. `stalled`, asked every cycle: writes of outputs wait. A
/// device that is not done after more cycles than any program takes is a broken one: OBZ_CHECK.
LayerRun run_program(LayerDevice& device, const LayerProgram& program, const LayerWatch& watch = nullptr,
                     const std::function<bool()>& stalled = nullptr);

/// What a program costs whose cycles between start and the last output are given.
using LayerCost = std::function<std::int64_t(const LayerProgram&, std::int64_t run_cycles)>;

/// All programs of a layer. Cycles by `cost`, default those given to it.
LayerResult run_layer(LayerDevice& device, const LayerJob& job, const std::vector<LayerProgram>& programs,
                      const LayerCost& cost = nullptr);

}  // namespace obz::accel
