// How loops use the cores: the only place in ref that knows oneTBB's loops.
#pragma once

#include <cstdint>

#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>

namespace obz::fast {

/// body(begin, end) over parts of 0 .. count - 1 of about `grain` and more; at once when there is no more
/// than that. A thread that waits here may start other work of the program, so nothing may be held across: no
/// lock, no thread-local buffer.
template <class Body>
void for_ranges(std::int64_t count, std::int64_t grain, const Body& body) {
  if (count <= grain) return body(std::int64_t{0}, count);
  const auto run = [&](const tbb::blocked_range<std::int64_t>& r) { body(r.begin(), r.end()); };
  tbb::parallel_for(tbb::blocked_range<std::int64_t>(0, count, static_cast<std::size_t>(grain)), run);
}

}  // namespace obz::fast
