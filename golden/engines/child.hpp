// A child process fed through pipes.
#pragma once

#include <string>

namespace obz {

struct ChildResult {
  std::string output;  ///< everything it wrote to stdout
  int exit_code = 0;   ///< 128 + n when signal n ended it
};

/// Runs `command` under /bin/sh, writes `input` to it while reading its output. Error when it cannot start, exceeds
/// `timeout_s` seconds without progress (it is then killed with its children), or writes more than `max_output` bytes.
ChildResult run_child(const std::string& command, const std::string& input, int timeout_s,
                      std::size_t max_output = std::size_t{1} << 32);

/// The text in single quotes, one word of a `command`.
std::string shell_quoted(const std::string& text);

}  // namespace obz
