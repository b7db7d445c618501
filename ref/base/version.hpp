#pragma once

#include <string_view>

namespace obz {

/// Release of the tool; stands in every file it writes. Kept equal to CMakeLists.txt by a test.
inline constexpr std::string_view kVersion = "0.1.0";

}  // namespace obz
