// A tensor core as its ports show it, cycle by cycle: what the twin and the Verilated RTL have in common.
#pragma once

#include "sim/mma.hpp"

namespace obz::sim {

/// Names as in rtl/obz_tensor_core.sv; `mma` is its a_lane_i to c_i.
struct CoreInputs {
  bool rst_ni = true;
  bool valid_i = false;
  Mma mma;
  std::uint8_t tag_i = 0;
  bool ready_i = true;
};

struct CoreOutputs {
  bool ready_o = false;
  bool valid_o = false;
  std::uint8_t tag_o = 0;
  Tile d_o;
};

/// A cycle is settle(), then edge().
class Core {
 public:
  virtual ~Core() = default;

  /// Drives the inputs; what then stands on the outputs, until the next call.
  virtual const CoreOutputs& settle(const CoreInputs& inputs) = 0;

  /// The rising edge of clk_i.
  virtual void edge() = 0;
};

}  // namespace obz::sim
