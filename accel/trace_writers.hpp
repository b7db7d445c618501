// A pipeline trace as text that viewers open.
#pragma once

#include "accel/pipeline_trace.hpp"

namespace obz::accel {

/// Chrome's trace event format, which Perfetto reads (ui.perfetto.dev): a cycle is shown as a microsecond. Tracks:
/// blocks and their phases, the tensor core, writes of outputs, the mma of each accumulator, and how many are in
/// flight.
std::string chrome_trace(const PipelineTrace& trace);

/// Kanata 0004, which Konata reads: an instruction for each mma. Stages: Is issue; M0.. the phases of the
/// multiplication; Ad the last sum; Lt the rest of the latency; Rs the result.
std::string kanata_log(const PipelineTrace& trace);

}  // namespace obz::accel
