// Two ways to fail. Error: the input is at fault, main prints the sentence and exits with 2 (or 3 when a tool
// or device is missing). OBZ_CHECK: we are at fault, the invariant is named and the process ends.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <utility>

namespace obz {

/// Names found in a file may hold anything; a sentence stays on one line.
inline std::string one_line(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  }
  return text;
}

/// Bad usage or input. The message is one sentence naming file, field, expected and got.
class Error : public std::runtime_error {
 public:
  explicit Error(std::string sentence) : std::runtime_error(one_line(std::move(sentence))) {}
};

/// A required tool or device is absent: exit code 3.
class MissingTool : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

[[noreturn]] inline void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "obz: internal error: %s does not hold (%s:%d). Please report this.\n", condition, file, line);
  std::abort();
}

}  // namespace obz

/// Always on: a broken invariant must not produce a number.
#define OBZ_CHECK(condition) ((condition) ? static_cast<void>(0) : ::obz::check_failed(#condition, __FILE__, __LINE__))
