// Which arithmetic events a set of cases contains. Counted on the normative trace.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "golden/cases/requant_case.hpp"

namespace obz {

/// (event, how often), in a fixed order, zeros included.
std::vector<std::pair<std::string, std::int64_t>> count_events(const Profile& profile, IntType out,
                                                               std::span<const RequantCase> cases);

}  // namespace obz
