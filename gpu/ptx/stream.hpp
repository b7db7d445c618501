// The dynamic instruction stream of one CTA as text, for models of time: what each warp executed, in the order in which
// it did, and where its memory accesses went.
#pragma once

#include <string>

#include "gpu/ptx/launch.hpp"

namespace obz::ptx {

/// A first line "# obz-stream 1 KERNEL cta X,Y,Z", then a line per warp instruction:
///   WARP LINE OPCODE ACTIVE [ADDRESS ...]
/// LINE is of the PTX text; ACTIVE the lanes that execute it, eight hex digits, lane 0 lowest; addresses in hex, of the
/// active lanes from 0 up, for memory accesses only (shared and local ones count from 0).
class StreamText {
 public:
  StreamText(const std::string& kernel, Dim3 cta);

  /// To be set as Options::sink and Options::sink_cta.
  Sink sink();
  Dim3 cta() const { return cta_; }

  const std::string& text() const { return text_; }

 private:
  Dim3 cta_;
  std::string text_;
};

}  // namespace obz::ptx
