// Streams, what is captured in them, graphs and events.
#include <algorithm>
#include <cmath>

#include "tests/gpu/stand_in/capture.hpp"
#include "tests/gpu/stand_in/execute.hpp"
#include "tests/gpu/stand_in/exported.hpp"
#include "tests/gpu/stand_in/state.hpp"

using namespace obz::stand_in;

namespace {

constexpr unsigned kNonBlocking = 1;                                        // of streams
constexpr unsigned kDisableTiming = 2, kInterprocess = 4, kEventFlags = 7;  // of events
constexpr unsigned long long kFreeOnLaunch = 1, kNodePriority = 8;          // of executable graphs
constexpr float kResolution = 0.0005F;                                      // milliseconds

}  // namespace

OBZ_EXPORTED cuStreamCreate(void** stream, unsigned flags) {
  return call("cuStreamCreate", [&] {
    Context& c = usable_context();
    require(stream != nullptr && (flags == 0 || flags == kNonBlocking), Result::invalid_value);
    auto s = std::make_shared<Stream>();
    s->blocking = flags != kNonBlocking;
    *stream = add(c.streams, std::move(s));
  });
}

OBZ_EXPORTED cuStreamDestroy_v2(void* stream) {
  return call("cuStreamDestroy_v2", [&] {
    Context& c = context_for_cleaning();
    const auto s = c.streams.find(stream, Result::invalid_handle);
    if (s->capture != nullptr) say("a stream was destroyed while it was capturing");
    s->capture = nullptr;
    // "The function will return immediately": what stands in the queue still runs.
    if (!s->queue.empty()) c.destroyed_with_work.push_back(s);
    c.streams.live.erase(stream);
    fail_if_broken();
  });
}

OBZ_EXPORTED cuStreamSynchronize(void* stream) {
  return call("cuStreamSynchronize", [&] {
    Context& c = usable_context();
    Stream& s = stream_of(c, stream);
    if (s.capture != nullptr) {
      s.capture->invalidated = true;
      throw Failure{Result::stream_capture_unsupported};
    }
    if (&s == &c.legacy) forbid_legacy_while_capturing(c);
    forbid_while_capturing(c);
    if (&s == &c.legacy) return finish_legacy(c);
    finish(c, s);
  });
}

OBZ_EXPORTED cuStreamBeginCapture_v2(void* stream, int mode) {
  return call("cuStreamBeginCapture_v2", [&] {
    Context& c = usable_context();
    require(mode >= 0 && mode <= static_cast<int>(CaptureMode::relaxed), Result::invalid_value);
    begin_capture(c, stream_of(c, stream), static_cast<CaptureMode>(mode));
  });
}

OBZ_EXPORTED cuStreamEndCapture(void* stream, void** graph) {
  return call("cuStreamEndCapture", [&] {
    Context& c = usable_context();
    require(graph != nullptr, Result::invalid_value);
    auto captured = end_capture(stream_of(c, stream));
    *graph = captured == nullptr ? nullptr : add(c.graphs, captured);
    require(captured != nullptr, Result::stream_capture_invalidated);
  });
}

OBZ_EXPORTED cuGraphInstantiateWithFlags(void** executable, void* graph, unsigned long long flags) {
  return call("cuGraphInstantiateWithFlags", [&] {
    Context& c = usable_context();
    require(executable != nullptr, Result::invalid_value);
    require((flags & ~(kFreeOnLaunch | kNodePriority)) == 0, Result::invalid_value);
    const auto g = c.graphs.find(graph, Result::invalid_value);
    *executable = add(c.executables, std::make_shared<const Graph>(*g));
  });
}

OBZ_EXPORTED cuGraphLaunch(void* executable, void* stream) {
  return call("cuGraphLaunch", [&] {
    Context& c = usable_context();
    auto g = c.executables.find(executable, Result::invalid_value);
    Stream& s = stream_of(c, stream);
    if (captures(s)) {
      auto& kernels = s.capture->graph.kernels;
      kernels.insert(kernels.end(), g->kernels.begin(), g->kernels.end());
      return;
    }
    if (&s == &c.legacy) forbid_legacy_while_capturing(c);
    issue(s, GraphLaunch{std::move(g)});
  });
}

OBZ_EXPORTED cuGraphExecDestroy(void* executable) {
  return call("cuGraphExecDestroy", [&] {
    Context& c = context_for_cleaning();
    c.executables.find(executable, Result::invalid_value);
    c.executables.live.erase(executable);
    fail_if_broken();
  });
}

OBZ_EXPORTED cuGraphDestroy(void* graph) {
  return call("cuGraphDestroy", [&] {
    Context& c = context_for_cleaning();
    c.graphs.find(graph, Result::invalid_value);
    c.graphs.live.erase(graph);
    fail_if_broken();
  });
}

OBZ_EXPORTED cuEventCreate(void** event, unsigned flags) {
  return call("cuEventCreate", [&] {
    Context& c = usable_context();
    require(event != nullptr && flags <= kEventFlags, Result::invalid_value);
    require((flags & kInterprocess) == 0 || (flags & kDisableTiming) != 0, Result::invalid_value);
    auto e = std::make_shared<Event>();
    e->timed = (flags & kDisableTiming) == 0;
    *event = add(c.events, std::move(e));
  });
}

OBZ_EXPORTED cuEventDestroy_v2(void* event) {
  return call("cuEventDestroy_v2", [&] {
    Context& c = context_for_cleaning();
    c.events.find(event, Result::invalid_handle);
    c.events.live.erase(event);
    fail_if_broken();
  });
}

OBZ_EXPORTED cuEventRecord(void* event, void* stream) {
  return call("cuEventRecord", [&] {
    Context& c = usable_context();
    const auto e = c.events.find(event, Result::invalid_handle);
    Stream& s = stream_of(c, stream);
    if (captures(s)) {
      // It marks a place in the capture and becomes no part of the graph.
      e->captured = true;
      e->captured_in = s.capture;
      return;
    }
    if (&s == &c.legacy) forbid_legacy_while_capturing(c);
    e->captured = false;
    issue(s, Recording{e, ++e->recordings});
  });
}

OBZ_EXPORTED cuEventElapsedTime(float* milliseconds, void* start, void* end) {
  return call("cuEventElapsedTime", [&] {
    Context& c = usable_context();
    require(milliseconds != nullptr, Result::invalid_value);
    const auto from = c.events.find(start, Result::invalid_handle), to = c.events.find(end, Result::invalid_handle);
    for (const auto& e : {from, to}) {
      if (!e->captured) continue;
      if (const auto capture = e->captured_in.lock()) capture->invalidated = true;
      throw Failure{Result::captured_event};
    }
    for (const auto& e : {from, to}) require(e->timed && e->recordings > 0, Result::invalid_handle);
    for (const auto& e : {from, to}) require(e->completed == e->recordings, Result::not_ready);
    const float elapsed = std::chrono::duration<float, std::milli>(to->time - from->time).count();
    *milliseconds = std::copysign(std::max(std::abs(elapsed), kResolution), elapsed);
  });
}
