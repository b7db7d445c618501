// What the twins of the elementwise units have in common: the handshakes, and the time of rtl/obz_out_stage.sv. A unit
// computes a beat's values when it is taken; from then on they only wait.
//
// As in the RTL, a reset makes results invalid and nothing else: y_o keeps the last one, and beats that are offered
// while it lasts still reach the registers without a reset. Those begin at 0, as in Verilator's models.
#pragma once

#include <ostream>
#include <string>
#include <systemc>
#include <vector>

#include "accel/units_device.hpp"
#include "sim/unit_timing.hpp"

namespace obz::sim {

/// A value of another namespace as one signal.
template <class T>
struct Wide {
  T value{};

  friend bool operator==(const Wide&, const Wide&) = default;
};
/// Wide ports are neither printed nor traced.
template <class T>
std::ostream& operator<<(std::ostream& os, const Wide<T>&) {
  return os;
}
template <class T>
void sc_trace(sc_core::sc_trace_file*, const Wide<T>&, const std::string&) {}

using LanesWide = Wide<accel::Lanes>;
using RecipeWide = Wide<Recipe>;
using ChannelWide = Wide<Channel>;

class elementwise_unit : public sc_core::sc_module {
 public:
  sc_core::sc_in<bool> clk_i{"clk_i"}, rst_ni{"rst_ni"};
  sc_core::sc_in<bool> valid_i{"valid_i"};
  sc_core::sc_out<bool> ready_o{"ready_o"};
  sc_core::sc_out<bool> valid_o{"valid_o"};
  sc_core::sc_in<bool> ready_i{"ready_i"};
  sc_core::sc_out<LanesWide> y_o{"y_o"};

  SC_HAS_PROCESS(elementwise_unit);

 protected:
  elementwise_unit(const sc_core::sc_module_name& name, const UnitTiming& timing);

  /// Takes the beat on the ports. Whether it gives a result, in `y`.
  virtual bool take(accel::Lanes& y) = 0;

 private:
  struct Stage {
    bool valid = false;
    accel::Lanes y{};
  };

  void clocked();
  void settle_ready();  ///< ready_o depends on ready_i within the cycle
  void advance();

  std::vector<Stage> stages_;  ///< the last one is what shows
  sc_core::sc_event changed_;  ///< valid_o
};

}  // namespace obz::sim
