// The ports of a module as its RTL declares them, asked of Verilator.
#pragma once

#include <string>
#include <vector>

#include "rtl/dut/workplace.hpp"

namespace obz::rtl {

struct RtlPort {
  enum class Direction : std::uint8_t { input, output, inout };
  std::string name;
  Direction direction = Direction::input;
  int width = 1;
  bool is_signed = false;
};

/// The version line; nullopt: there is no Verilator.
std::optional<std::string> verilator_version();

/// Ports of the unit's top, parameters applied. Error with Verilator's first error when it cannot read the RTL, and
/// when there is no such module.
std::vector<RtlPort> ports_of(const UserUnit& unit, const Workplace& place);

/// `--top-module` and friends as a name in a shell line or a script: Error unless it is a plain identifier.
void require_identifier(const std::string& name, const std::string& what);

}  // namespace obz::rtl
