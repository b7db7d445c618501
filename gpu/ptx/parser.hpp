// From text to syntax.
#pragma once

#include <string>
#include <string_view>

#include "gpu/ptx/syntax.hpp"

namespace obz::ptx {

/// Error "FILE:LINE: expected X, got Y" on what is no PTX, on names that nothing declares and on names declared twice.
ModuleText parse_text(std::string_view text, const std::string& file);

/// Bytes of a fundamental type ("u32": 4); 0 for what is none. pred counts 4 here.
std::uint32_t bytes_of_type(std::string_view type);

}  // namespace obz::ptx
