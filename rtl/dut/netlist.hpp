// A flattened netlist as yosys writes it in JSON: is it combinational, and where does it multiply?
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace obz::rtl {

/// The one $mul of a netlist, taken out: its operands became outputs mul_a and mul_b, its result the input mul_y.
struct CutProduct {
  std::string json;  ///< the netlist without it
  int a_bits = 0, b_bits = 0, y_bits = 0;
  bool is_signed = false;
};

struct Netlist {
  std::vector<std::string> registers;  ///< "own.sv:12.3-14.6": what is no combinational cell
  int products = 0;                    ///< $mul cells
  std::optional<CutProduct> cut;       ///< where there is exactly one, of at most 64 bits
};

/// `json`: one module `top`. Error opening with `file` when it is no such netlist.
Netlist read_netlist(const std::string& json, const std::string& top, const std::string& file);

}  // namespace obz::rtl
