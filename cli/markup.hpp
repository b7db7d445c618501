// Text inside HTML and SVG.
#pragma once

#include <string>
#include <string_view>

namespace obz::cli {

/// Control characters but newlines are left out: XML has no place for them.
std::string escaped(std::string_view text);

}  // namespace obz::cli
