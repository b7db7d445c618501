// Stream capture: what may not be called meanwhile, and what that does to the capture.
#pragma once

#include "tests/gpu/stand_in/state.hpp"

namespace obz::stand_in {

/// For calls that no stream observes (allocations, synchronous copies, loading modules, waiting): not permitted while
/// this thread captures other than relaxed, nor while another one captures globally. Such a call ruins those captures.
void forbid_while_capturing(Context& c);

/// The legacy stream encompasses all blocking streams: it may not be used while one of them captures.
void forbid_legacy_while_capturing(Context& c);

/// Failure when the stream's capture was invalidated. True when it captures.
bool captures(const Stream& stream);

void begin_capture(Context& c, Stream& stream, CaptureMode mode);

/// nullptr for a capture that was invalidated. Failure where it must not be ended: then it goes on.
std::shared_ptr<Graph> end_capture(Stream& stream);

}  // namespace obz::stand_in
