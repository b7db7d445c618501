// What SystemC asks of a type that travels through its signals. For the .cpp files of this folder.
#pragma once

#include <ostream>
#include <string>
#include <systemc>

#include "sim/mma.hpp"

namespace obz::sim {

inline std::ostream& operator<<(std::ostream& os, const Rows& rows) {
  for (const std::uint8_t byte : rows.bytes) os << unsigned{byte} << ' ';
  return os;
}
inline std::ostream& operator<<(std::ostream& os, const Tile& tile) {
  for (const std::int32_t v : tile.at) os << v << ' ';
  return os;
}

/// Wide ports are not traced.
inline void sc_trace(sc_core::sc_trace_file*, const Rows&, const std::string&) {}
inline void sc_trace(sc_core::sc_trace_file*, const Tile&, const std::string&) {}

}  // namespace obz::sim
