// Engine `pipe:COMMAND`: the user's own program as a requantizer. It reads the text stream of requant_stream.hpp on
// stdin and writes every line back with its output appended. Layers reach it through their accumulators.
#pragma once

#include "golden/engines/engine.hpp"

namespace obz {

class PipeEngine final : public Engine {
 public:
  /// `command` runs under /bin/sh. A command that neither reads nor writes for `timeout_s` seconds is ended.
  explicit PipeEngine(std::string command, int timeout_s = 60) : command_(std::move(command)), timeout_s_(timeout_s) {}

  std::string name() const override;
  Support supports(const LayerJob& job) const override;
  LayerResult run(const LayerJob& job) override;
  Support supports(const RequantJob& job) const override;
  std::vector<std::int64_t> run(const RequantJob& job) override;

 private:
  std::string command_;
  int timeout_s_;
};

}  // namespace obz
