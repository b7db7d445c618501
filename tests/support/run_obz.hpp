// The real executable, as a user starts it.
#pragma once

#include <array>
#include <cstdio>
#include <string>

#include <sys/wait.h>

#include "tests/support/temp_dir.hpp"

namespace obz::test {

struct ObzResult {
  int exit_code = -1;
  std::string out, err;
};

inline std::string slurp(const std::filesystem::path& path) {
  std::string text;
  if (std::FILE* f = std::fopen(path.c_str(), "rb")) {
    std::array<char, 4096> chunk{};
    for (std::size_t n = 0; (n = std::fread(chunk.data(), 1, chunk.size(), f)) > 0;) text.append(chunk.data(), n);
    std::fclose(f);
  }
  return text;
}

/// Runs a shell line in which every word `obz` at its start or after `|` stands for the executable under test.
inline ObzResult shell(std::string line) {
  const TempDir dir;
  const std::string prelude = "obz() { \"" OBZ_BINARY "\" \"$@\"; }; ";
  const std::string command =
      prelude + "{ " + line + "\n} >" + (dir / "out").string() + " 2>" + (dir / "err").string() + " </dev/null";
  const int status = std::system(("/bin/bash -o pipefail -c '" +
                                  [&] {
                                    std::string quoted;
                                    for (const char c : command)
                                      quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
                                    return quoted;
                                  }() +
                                  "'")
                                     .c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), slurp(dir / "out"), slurp(dir / "err")};
}

}  // namespace obz::test
