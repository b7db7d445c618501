#include "accel/unit_streams.hpp"

#include "ref/base/error.hpp"

namespace obz::accel {
namespace {

/// A handshake that moves nothing for so many cycles is a broken unit. Random pauses are far shorter.
constexpr int kPatience = 1000;

/// Whether a result belongs to the beat.
template <class Beat>
bool gives(const Beat&) {
  return true;
}
bool gives(const PoolBeat& beat) { return beat.last; }

/// Through the unit with these ports.
template <class Beat>
std::int64_t stream_through(UnitsDevice& device, UnitInputs UnitsInputs::*in_ports,
                            UnitOutputs UnitsOutputs::*out_ports, const Source<Beat>& source, const Sink& sink,
                            const Pauses& pauses) {
  const auto paused = [&] { return pauses && pauses(); };
  UnitsInputs inputs;
  UnitInputs& in = inputs.*in_ports;
  std::int64_t cycles = 0, due = 0;
  int still = 0;
  Beat beat;
  bool more = source(beat);
  while (more || due > 0) {
    if (more && !in.valid_i && !paused()) {  // what is offered stays until it is taken
      device.drive(beat);
      in.valid_i = true;
    }
    in.ready_i = !paused();
    const UnitOutputs& out = device.settle(inputs).*out_ports;
    const bool taken = in.valid_i && out.ready_o;
    const bool given = out.valid_o && in.ready_i;
    if (given) {
      OBZ_CHECK(due > 0);  // a result that nobody asked for
      sink(out.y_o);
      --due;
    }
    device.edge();
    ++cycles;
    if (taken) {
      due += gives(beat) ? 1 : 0;
      in.valid_i = false;
      beat = {};
      more = source(beat);
    }
    still = taken || given ? 0 : still + 1;
    OBZ_CHECK(still < kPatience);
  }
  device.settle({});
  return cycles;
}

}  // namespace

std::int64_t stream(UnitsDevice& device, const Add& op, const Source<AddBeat>& source, const Sink& sink,
                    const Pauses& pauses) {
  device.describe(op);
  return stream_through(device, &UnitsInputs::add, &UnitsOutputs::add, source, sink, pauses);
}

std::int64_t stream(UnitsDevice& device, const PoolSetting& setting, const Source<PoolBeat>& source, const Sink& sink,
                    const Pauses& pauses) {
  device.describe(setting);
  return stream_through(device, &UnitsInputs::pool, &UnitsOutputs::pool, source, sink, pauses);
}

std::int64_t stream(UnitsDevice& device, const ScaleSetting& setting, const Source<ScaleBeat>& source, const Sink& sink,
                    const Pauses& pauses) {
  device.describe(setting);
  return stream_through(device, &UnitsInputs::scale, &UnitsOutputs::scale, source, sink, pauses);
}

}  // namespace obz::accel
