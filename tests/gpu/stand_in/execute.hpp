// When work runs: as late as the documentation allows, and then only what must.
#pragma once

#include <limits>

#include "tests/gpu/stand_in/state.hpp"

namespace obz::stand_in {

/// At the end of the stream.
template <class What>
void issue(Stream& stream, What what) {
  stream.queue.push_back({driver().next_sequence++, std::move(what)});
}

/// Runs the operations of `stream` with sequence numbers up to `last`, and before each what it waits for: in a blocking
/// stream what was issued earlier to the legacy stream, in the legacy stream what was issued earlier to any blocking
/// stream, for a graph its earlier launches anywhere. Failure, now and ever after, once a kernel did something wrong.
void finish(Context& c, Stream& stream, std::uint64_t last = std::numeric_limits<std::uint64_t>::max());

/// What a use of the legacy stream that waits has to wait for.
void finish_legacy(Context& c);

/// Before the context is reset: what runs on in streams that were destroyed, and in the legacy stream.
void finish_ownerless(Context& c);

}  // namespace obz::stand_in
