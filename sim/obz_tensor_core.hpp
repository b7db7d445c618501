// The twin of rtl/obz_tensor_core.sv: the same ports, the same cycle for everything that shows on them. Values come
// from sim/mma.hpp, when an mma is accepted; from then on only its due time matters.
//
// The RTL resets neither its operand nor its result registers: tag_o and d_o keep the last result while valid_o is low,
// also through a reset. Before the first result nothing may depend on them; they are 0 here, as in Verilator's models.
#pragma once

#include <systemc>
#include <vector>

#include "sim/core_timing.hpp"
#include "sim/signals.hpp"

namespace obz::sim {

class obz_tensor_core : public sc_core::sc_module {
 public:
  sc_core::sc_in<bool> clk_i{"clk_i"}, rst_ni{"rst_ni"};

  sc_core::sc_in<bool> valid_i{"valid_i"};
  sc_core::sc_out<bool> ready_o{"ready_o"};
  sc_core::sc_in<std::uint8_t> a_lane_i{"a_lane_i"}, b_lane_i{"b_lane_i"};
  sc_core::sc_in<bool> a_signed_i{"a_signed_i"}, b_signed_i{"b_signed_i"}, satfinite_i{"satfinite_i"};
  sc_core::sc_in<std::uint8_t> tag_i{"tag_i"};
  sc_core::sc_in<Rows> a_i{"a_i"}, b_i{"b_i"};
  sc_core::sc_in<Tile> c_i{"c_i"};

  sc_core::sc_out<bool> valid_o{"valid_o"};
  sc_core::sc_in<bool> ready_i{"ready_i"};
  sc_core::sc_out<std::uint8_t> tag_o{"tag_o"};
  sc_core::sc_out<Tile> d_o{"d_o"};

  SC_HAS_PROCESS(obz_tensor_core);
  obz_tensor_core(const sc_core::sc_module_name& name, const CoreTiming& timing);

 private:
  struct Flight {
    std::uint64_t due = 0;  ///< the edge that shows it
    std::uint8_t tag = 0;
    Tile d;
  };

  void clocked();
  void settle_ready();  ///< ready_o depends on ready_i within the cycle
  void accept();
  void show(bool valid, bool accepting);
  Mma operands() const;

  const CoreTiming timing_;
  std::vector<Flight> flights_;          ///< a ring, in order of acceptance
  std::size_t oldest_ = 0, flying_ = 0;  ///< of flights_
  std::uint64_t now_ = 0;                ///< edges that were not stalled
  std::uint64_t free_at_ = 0;            ///< the edge from which on the multipliers are free
  bool valid_ = false, accepting_ = true;
  sc_core::sc_event changed_;  ///< valid_ or accepting_
};

}  // namespace obz::sim
