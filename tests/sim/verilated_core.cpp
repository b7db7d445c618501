#include "tests/sim/verilated_core.hpp"

#include <cstring>

#include "ref/base/error.hpp"
#ifdef OBZ_HAVE_RTL
#include <Vobz_tensor_core.h>
#include <Vobz_tensor_core_obz_pkg.h>
#endif

namespace obz::test {

#ifdef OBZ_HAVE_RTL

using Package = Vobz_tensor_core_obz_pkg;

static_assert(Package::Lane1 == sim::kLane1 && Package::Lane2 == sim::kLane2 && Package::Lane4 == sim::kLane4);
static_assert(Package::Lane8 == sim::kLane8 && Package::Lane16 == sim::kLane16);
static_assert(Package::MmaRows == sim::kMmaRows && Package::MmaCols == sim::kMmaCols);
static_assert(Package::MmaInterval == sim::kMmaInterval);
static_assert(Package::MmaLatency == sim::kMmaLatency);
static_assert(Package::MmaLeast == sim::kMmaLeast);

struct VerilatedCore::Model {
  Vobz_tensor_core top;
  sim::CoreOutputs outputs;
};

VerilatedCore::VerilatedCore() : model_(std::make_unique<Model>()) {}

const sim::CoreOutputs& VerilatedCore::settle(const sim::CoreInputs& in) {
  Vobz_tensor_core& top = model_->top;
  sim::CoreOutputs& out = model_->outputs;
  top.clk_i = 0;
  top.rst_ni = in.rst_ni;
  top.valid_i = in.valid_i;
  top.a_lane_i = in.mma.a_lane;
  top.b_lane_i = in.mma.b_lane;
  top.a_signed_i = in.mma.a_signed;
  top.b_signed_i = in.mma.b_signed;
  top.satfinite_i = in.mma.satfinite;
  top.tag_i = in.tag_i;
  top.ready_i = in.ready_i;
  static_assert(sizeof top.a_i == sizeof in.mma.a.bytes && sizeof top.c_i == sizeof in.mma.c.at);
  std::memcpy(&top.a_i, in.mma.a.bytes.data(), sizeof top.a_i);
  std::memcpy(&top.b_i, in.mma.b.bytes.data(), sizeof top.b_i);
  std::memcpy(&top.c_i, in.mma.c.at.data(), sizeof top.c_i);
  top.eval();
  out.ready_o = top.ready_o != 0;
  out.valid_o = top.valid_o != 0;
  out.tag_o = top.tag_o;
  std::memcpy(out.d_o.at.data(), &top.d_o, sizeof top.d_o);
  return out;
}

void VerilatedCore::edge() {
  model_->top.clk_i = 1;
  model_->top.eval();
}

#else

struct VerilatedCore::Model {};

VerilatedCore::VerilatedCore() {
  throw MissingTool(
      "the Verilated tensor core is not part of this build: Verilator was not there when it was configured");
}
const sim::CoreOutputs& VerilatedCore::settle(const sim::CoreInputs&) { OBZ_CHECK(false); }
void VerilatedCore::edge() { OBZ_CHECK(false); }

#endif

VerilatedCore::~VerilatedCore() = default;

}  // namespace obz::test
