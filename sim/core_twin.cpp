#include "sim/core_twin.hpp"

#include "ref/base/error.hpp"
#ifdef OBZ_HAVE_SYSTEMC
#include "sim/kernel.hpp"
#include "sim/obz_tensor_core.hpp"
#endif

namespace obz::sim {

#ifdef OBZ_HAVE_SYSTEMC

struct CoreTwin::Model {
  explicit Model(const CoreTiming& timing) : core(sc_core::sc_gen_unique_name("obz_tensor_core"), timing) {
    core.clk_i(clk);
    core.rst_ni(rst_n);
    core.valid_i(valid_in);
    core.ready_o(ready_out);
    core.a_lane_i(a_lane);
    core.b_lane_i(b_lane);
    core.a_signed_i(a_signed);
    core.b_signed_i(b_signed);
    core.satfinite_i(satfinite);
    core.tag_i(tag_in);
    core.a_i(a);
    core.b_i(b);
    core.c_i(c);
    core.valid_o(valid_out);
    core.ready_i(ready_in);
    core.tag_o(tag_out);
    core.d_o(d);
  }

  sc_core::sc_signal<bool> clk, rst_n, valid_in, ready_out, a_signed, b_signed, satfinite, valid_out, ready_in;
  sc_core::sc_signal<std::uint8_t> a_lane, b_lane, tag_in, tag_out;
  sc_core::sc_signal<Rows> a, b;
  sc_core::sc_signal<Tile> c, d;
  obz_tensor_core core;
  CoreOutputs outputs;
};

CoreTwin::CoreTwin(const CoreTiming& timing) {
  OBZ_CHECK(!kernel_started());
  model_ = std::make_unique<Model>(timing);
}

const CoreOutputs& CoreTwin::settle(const CoreInputs& in) {
  Model& m = *model_;
  m.clk.write(false);
  m.rst_n.write(in.rst_ni);
  m.valid_in.write(in.valid_i);
  m.a_lane.write(in.mma.a_lane);
  m.b_lane.write(in.mma.b_lane);
  m.a_signed.write(in.mma.a_signed);
  m.b_signed.write(in.mma.b_signed);
  m.satfinite.write(in.mma.satfinite);
  m.tag_in.write(in.tag_i);
  m.a.write(in.mma.a);
  m.b.write(in.mma.b);
  m.c.write(in.mma.c);
  m.ready_in.write(in.ready_i);
  advance();
  m.outputs.ready_o = m.ready_out.read();
  m.outputs.valid_o = m.valid_out.read();
  m.outputs.tag_o = m.tag_out.read();
  m.outputs.d_o = m.d.read();
  return m.outputs;
}

void CoreTwin::edge() {
  model_->clk.write(true);
  advance();
}

#else

struct CoreTwin::Model {};

CoreTwin::CoreTwin(const CoreTiming&) {
  throw MissingTool("the SystemC twins are not part of this build: SystemC was not there when it was configured");
}
const CoreOutputs& CoreTwin::settle(const CoreInputs&) { OBZ_CHECK(false); }
void CoreTwin::edge() { OBZ_CHECK(false); }

#endif

CoreTwin::~CoreTwin() = default;

}  // namespace obz::sim
