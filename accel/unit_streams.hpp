// The protocol that passes tensors through the elementwise units, on any device that has them.
#pragma once

#include <functional>

#include "accel/units_device.hpp"

namespace obz::accel {

/// Fills the next beat; false: there is none.
template <class Beat>
using Source = std::function<bool(Beat&)>;
/// A result, in order.
using Sink = std::function<void(const Lanes&)>;
/// Whether one side of a handshake pauses in this cycle.
using Pauses = std::function<bool()>;

/// Each runs until the last result is taken, and returns the clock cycles that took. A device that moves nothing for
/// far longer than anything pauses is a broken one: OBZ_CHECK.
std::int64_t stream(UnitsDevice& device, const Add& op, const Source<AddBeat>& source, const Sink& sink,
                    const Pauses& pauses = nullptr);
std::int64_t stream(UnitsDevice& device, const PoolSetting& setting, const Source<PoolBeat>& source, const Sink& sink,
                    const Pauses& pauses = nullptr);
std::int64_t stream(UnitsDevice& device, const ScaleSetting& setting, const Source<ScaleBeat>& source, const Sink& sink,
                    const Pauses& pauses = nullptr);

}  // namespace obz::accel
