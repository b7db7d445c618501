#include "tests/gpu/stand_in/capture.hpp"

namespace obz::stand_in {

void forbid_while_capturing(Context& c) {
  bool forbidden = false;
  for (const auto& [handle, stream] : c.streams.live) {
    if (stream->capture == nullptr) continue;
    Capture& capture = *stream->capture;
    const bool own = capture.thread == std::this_thread::get_id();
    // A thread's own mode is global until it changes that, for which there is no call here.
    if (own ? capture.mode == CaptureMode::relaxed : capture.mode != CaptureMode::global) continue;
    capture.invalidated = forbidden = true;
  }
  require(!forbidden, Result::stream_capture_unsupported);
}

void forbid_legacy_while_capturing(Context& c) {
  bool forbidden = false;
  for (const auto& [handle, stream] : c.streams.live) {
    if (stream->capture == nullptr || !stream->blocking) continue;
    stream->capture->invalidated = forbidden = true;
  }
  require(!forbidden, Result::stream_capture_implicit);
}

bool captures(const Stream& stream) {
  if (stream.capture == nullptr) return false;
  require(!stream.capture->invalidated, Result::stream_capture_invalidated);
  return true;
}

void begin_capture(Context& c, Stream& stream, CaptureMode mode) {
  require(&stream != &c.legacy, Result::stream_capture_unsupported);
  if (stream.capture != nullptr) {
    stream.capture->invalidated = true;
    throw Failure{Result::illegal_state};
  }
  stream.capture = std::make_shared<Capture>();
  stream.capture->mode = mode;
  stream.capture->thread = std::this_thread::get_id();
}

std::shared_ptr<Graph> end_capture(Stream& stream) {
  require(stream.capture != nullptr, Result::illegal_state);
  require(stream.capture->mode == CaptureMode::relaxed || stream.capture->thread == std::this_thread::get_id(),
          Result::stream_capture_wrong_thread);
  const auto capture = std::move(stream.capture);
  stream.capture = nullptr;
  return capture->invalidated ? nullptr : std::make_shared<Graph>(std::move(capture->graph));
}

}  // namespace obz::stand_in
