// A failure as one file that needs nothing else: C++17, SystemVerilog or Python 3. It holds the numbers, computes the
// reference's value stage by stage, compares it with the device's recorded answer, or asks the device when told where
// it is, and ends with an exit status other than 0 while the two differ.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "golden/shrink/program.hpp"

namespace obz {

enum class ReproducerLanguage : std::uint8_t { cpp, systemverilog, python };

/// "cpp", "sv", "py", also with a dot before them.
std::optional<ReproducerLanguage> reproducer_language(std::string_view extension);

/// The text of the file. `name`: of the file without its extension; the SystemVerilog module is called so where it is
/// an identifier. Error for float arithmetic in SystemVerilog.
std::string reproducer(const Program& program, ReproducerLanguage language, const std::string& name);

}  // namespace obz
