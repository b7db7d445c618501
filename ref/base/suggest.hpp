// "did you mean": the known names nearest to an unknown one.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace obz {

/// " (did you mean \"a\" or \"b\"?)" with the at most three names within a small edit distance, or "".
std::string did_you_mean(std::string_view unknown, std::span<const std::string_view> known);

}  // namespace obz
