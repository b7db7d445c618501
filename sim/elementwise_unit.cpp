#include "sim/elementwise_unit.hpp"

#include "ref/base/error.hpp"

namespace obz::sim {

elementwise_unit::elementwise_unit(const sc_core::sc_module_name& name, const UnitTiming& timing)
    : sc_module(name), stages_(timing.stages) {
  OBZ_CHECK(timing.stages >= 1);
  SC_METHOD(clocked);
  sensitive << clk_i.pos() << rst_ni.neg();
  dont_initialize();
  SC_METHOD(settle_ready);
  sensitive << ready_i << changed_;
}

void elementwise_unit::settle_ready() { ready_o.write(!stages_.back().valid || ready_i.read()); }

void elementwise_unit::clocked() {
  if (clk_i.posedge() && (!stages_.back().valid || ready_i.read())) advance();
  if (!rst_ni.read()) {
    for (Stage& stage : stages_) stage.valid = false;
  }
  valid_o.write(stages_.back().valid);
  y_o.write({stages_.back().y});
  changed_.notify(sc_core::SC_ZERO_TIME);
}

/// Every stage takes what the one before it holds. Data move with a result alone, as its enable has it.
void elementwise_unit::advance() {
  for (std::size_t i = stages_.size(); --i > 0;) {
    stages_[i].valid = stages_[i - 1].valid;
    if (stages_[i].valid) stages_[i].y = stages_[i - 1].y;
  }
  accel::Lanes y{};
  Stage& entry = stages_.front();
  entry.valid = valid_i.read() && take(y);
  if (entry.valid) entry.y = y;
}

}  // namespace obz::sim
