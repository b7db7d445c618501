// SystemC's one kernel in this process. Every module is elaborated before the first advance(); none can be added later.
#pragma once

namespace obz::sim {

/// Whether elaboration is over.
bool kernel_started();

/// One step of time, in which everything that was written settles.
void advance();

}  // namespace obz::sim
