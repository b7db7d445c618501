// The twin of rtl/obz_layer.sv: the same cycle for everything that shows on its ports. The tensor core within is the
// twin of its own; sequencer, fetch, issue and drain are one clocked process over plain structs, as signals between
// them would cost more than what they do. Outputs come from ref; the ports that describe a layer are one signal, whose
// fields have the RTL's names.
//
// As in the RTL, describe_i must stand still while busy_o. Registers without a reset begin at 0.
#pragma once

#include <systemc>
#include <vector>

#include "accel/layer_device.hpp"
#include "sim/layer_state.hpp"
#include "sim/obz_tensor_core.hpp"

namespace obz::sim {

/// A word of outputs, the lowest bytes first.
struct Bytes32 {
  std::array<std::uint32_t, 8> at{};

  friend bool operator==(const Bytes32&, const Bytes32&) = default;
};

inline std::ostream& operator<<(std::ostream& os, const Bytes32& words) {
  for (const std::uint32_t w : words.at) os << w << ' ';
  return os;
}
inline void sc_trace(sc_core::sc_trace_file*, const Bytes32&, const std::string&) {}

/// The scratchpads' contents. Loading is a word a cycle for whoever counts; here it is a write.
struct LayerMemories {
  std::vector<accel::Word128> x;
  std::vector<accel::WeightWord> w;
  std::vector<accel::TileParameters> tiles;
  std::vector<Bytes32> y;

  explicit LayerMemories(const accel::Scratchpads& pads)
      : x(static_cast<std::size_t>(pads.x_words)),
        w(static_cast<std::size_t>(pads.w_words)),
        tiles(static_cast<std::size_t>(pads.tiles)),
        y(static_cast<std::size_t>(pads.y_bytes / 32)) {}
};

class obz_layer : public sc_core::sc_module {
 public:
  sc_core::sc_in<bool> clk_i{"clk_i"}, rst_ni{"rst_ni"}, start_i{"start_i"};
  sc_core::sc_out<bool> busy_o{"busy_o"};
  sc_core::sc_in<bool> unload_i{"unload_i"};
  sc_core::sc_in<std::uint16_t> unload_addr_i{"unload_addr_i"};
  sc_core::sc_out<Bytes32> unload_data_o{"unload_data_o"};

  sc_core::sc_in<bool> write_ready_i{"write_ready_i"};
  sc_core::sc_out<bool> write_o{"write_o"};
  sc_core::sc_out<std::uint32_t> write_addr_o{"write_addr_o"}, write_enable_o{"write_enable_o"};
  sc_core::sc_out<Bytes32> write_data_o{"write_data_o"};
  sc_core::sc_out<bool> issue_o{"issue_o"};
  sc_core::sc_out<std::uint8_t> issue_tile_o{"issue_tile_o"};
  sc_core::sc_out<bool> result_o{"result_o"};
  sc_core::sc_out<std::uint8_t> result_tile_o{"result_tile_o"};

  LayerMemories memories;

  /// The ports that describe a layer: the program's numbers, not its memories. Only while not busy.
  void describe(const accel::LayerProgram& numbers);

  SC_HAS_PROCESS(obz_layer);
  obz_layer(const sc_core::sc_module_name& name, const accel::Scratchpads& pads, const CoreTiming& timing);

 private:
  void clocked();
  void settle_issue();  ///< issue_o depends on the core's ready within the cycle
  void show();
  void reset();
  // Each from the registers as they were before the edge.
  void step_sequencer(const SequencerState& s, std::uint32_t pixels_left, bool idle, bool drained);
  void step_slots(const SequencerState& s, const FetchState& f);
  void step_fetch(const SequencerState& s, const FetchState& f, const IssueState& i, bool accepted);
  void step_issue(const SequencerState& s, const IssueState& i, bool accepted);
  void step_drain(const SequencerState& s, const FetchState& f, const DrainState& d, bool go);
  bool wants_issue() const;
  Rows left_operand() const;
  Rows right_operand() const;

  SequencerState sequencer_;
  FetchState fetch_;
  IssueState issue_;
  DrainState drain_;
  std::array<Tile, 8> accumulators_{};
  unsigned weights_read_ = 0;    ///< address whose word stands at the memory's output
  bool operands_stand_ = false;  ///< at the core, for the mma that is wanted
  accel::LayerProgram numbers_;
  sc_core::sc_event changed_;

  obz_tensor_core core_;
  sc_core::sc_signal<bool> core_valid_{"core_valid"}, core_ready_{"core_ready"}, always_{"always"};
  sc_core::sc_signal<bool> a_signed_{"a_signed"}, b_signed_{"b_signed"}, satfinite_{"satfinite"};
  sc_core::sc_signal<std::uint8_t> a_lane_{"a_lane"}, b_lane_{"b_lane"}, tag_{"tag"};
  sc_core::sc_signal<Rows> a_{"a"}, b_{"b"};
  sc_core::sc_signal<Tile> c_{"c"}, d_{"d"};
};

}  // namespace obz::sim
