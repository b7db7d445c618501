// A CheckReport for people (text, HTML) and for machines (JSON, JUnit).
#pragma once

#include <string>

#include "golden/engines/check.hpp"

namespace obz::cli {

/// The table engine x layer: "=" for equal, "k of n" for different, "-" for unsupported; reasons and first
/// differences below it.
std::string report_text(const CheckReport& report);
std::string report_json(const CheckReport& report);
/// xunit2 dialect as pytest and Jenkins read it: one testcase per engine and layer.
std::string report_junit(const CheckReport& report);
/// One self-contained page.
std::string report_html(const CheckReport& report);

/// "match 4096", "mismatch 3 of 4096, first at [0,1] want 2 got 3", "unsupported: why", "skipped: why".
std::string words(const Cell& cell);

}  // namespace obz::cli
