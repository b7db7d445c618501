// JSON from outside is parsed without recursion but printed and destroyed with it, so its nesting is limited first.
#pragma once

#include <algorithm>
#include <string_view>

namespace obz {

/// No file of ours nests deeper than a dozen levels.
inline constexpr int kMaxJsonDepth = 64;

/// Deepest nesting of [] and {} outside strings. Text that is no JSON gives some number.
inline int json_depth(std::string_view text) {
  int depth = 0, deepest = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      deepest = std::max(deepest, ++depth);
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return deepest;
}

}  // namespace obz
