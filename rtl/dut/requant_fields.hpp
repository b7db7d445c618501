// A requantization as the fields of a user's unit, and back.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "golden/cases/requant_case.hpp"
#include "rtl/dut/wrapper.hpp"

namespace obz::rtl {

inline constexpr std::array<const char*, 7> kRequantFields{"acc",        "multiplier", "shift", "addend",
                                                           "zero_point", "lo",         "hi"};

/// The value of a field as the unit sees it: the shift in the map's terms, the others as they are.
std::int64_t field_value(const PortMap& map, const std::string& field, const RequantCase& c);

/// The shift s that the port's value means.
std::int64_t shift_of(ShiftMeans means, std::int64_t value);

/// Why the ports cannot carry this case; nullopt: they can. `with_acc` false: whatever the accumulator.
std::optional<std::string> refusal(const PortMap& map, const Wrapper& wrapper, const RequantCase& c, bool with_acc);

/// Appends the record of a case. Requires no refusal.
void append_record(std::vector<std::uint32_t>& words, const PortMap& map, const Wrapper& wrapper, const RequantCase& c);

}  // namespace obz::rtl
