#include "sim/obz_tensor_core.hpp"

#include "ref/base/error.hpp"

namespace obz::sim {

static_assert(kMmaLeast == kMmaInterval + 3);

obz_tensor_core::obz_tensor_core(const sc_core::sc_module_name& name, const CoreTiming& timing)
    : sc_module(name), timing_(timing), flights_(timing.latency / timing.interval + 2) {
  OBZ_CHECK(timing.latency >= timing.interval + (kMmaLeast - kMmaInterval));
  SC_METHOD(clocked);
  sensitive << clk_i.pos() << rst_ni.neg();
  dont_initialize();
  SC_METHOD(settle_ready);
  sensitive << ready_i << changed_;
}

void obz_tensor_core::settle_ready() { ready_o.write(accepting_ && (!valid_ || ready_i.read())); }

void obz_tensor_core::show(bool valid, bool accepting) {
  if (valid == valid_ && accepting == accepting_) return;
  valid_ = valid;
  accepting_ = accepting;
  valid_o.write(valid);
  changed_.notify(sc_core::SC_ZERO_TIME);
}

void obz_tensor_core::clocked() {
  if (!rst_ni.read()) {
    flying_ = 0;
    free_at_ = now_;
    show(false, true);
    return;
  }
  if (valid_ && !ready_i.read()) return;  // everything stands still
  if (valid_i.read() && accepting_) accept();
  Flight& oldest = flights_[oldest_];
  const bool due = flying_ > 0 && oldest.due == now_;
  if (due) {
    tag_o.write(oldest.tag);
    d_o.write(oldest.d);
    oldest_ = (oldest_ + 1) % flights_.size();
    --flying_;
  }
  ++now_;
  show(due, now_ >= free_at_);
}

Mma obz_tensor_core::operands() const {
  return {.a_lane = a_lane_i.read(),
          .b_lane = b_lane_i.read(),
          .a_signed = a_signed_i.read(),
          .b_signed = b_signed_i.read(),
          .satfinite = satfinite_i.read(),
          .a = a_i.read(),
          .b = b_i.read(),
          .c = c_i.read()};
}

void obz_tensor_core::accept() {
  OBZ_CHECK(flying_ < flights_.size());
  const Mma mma = operands();
  const unsigned phases = phases_of(mma, timing_.interval);
  free_at_ = now_ + phases;
  Flight& flight = flights_[(oldest_ + flying_++) % flights_.size()];
  flight.due =
      now_ + timing_.latency + (phases - timing_.interval) - 1;  // an edge samples what the one before it shows
  flight.tag = tag_i.read();
  flight.d = multiply_add(mma);
}

}  // namespace obz::sim
