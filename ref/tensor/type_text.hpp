// "int8", "uint4": the spelling of integer types in files, tables and messages.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ref/arith/int_type.hpp"

namespace obz {

inline std::string type_text(IntType type) { return (type.is_signed ? "int" : "uint") + std::to_string(type.bits); }

/// Accepts int1..int64 and uint1..uint63; also the short forms s8 and u8.
inline std::optional<IntType> type_from_text(std::string_view text) {
  IntType type;
  if (text.starts_with("uint")) {
    type.is_signed = false;
    text.remove_prefix(4);
  } else if (text.starts_with("int")) {
    text.remove_prefix(3);
  } else if (text.starts_with("u") || text.starts_with("s")) {
    type.is_signed = text[0] == 's';
    text.remove_prefix(1);
  } else {
    return std::nullopt;
  }
  if (text.empty() || text.size() > 2) return std::nullopt;
  int bits = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    bits = bits * 10 + (c - '0');
  }
  if (bits < 1 || bits > (type.is_signed ? 64 : 63)) return std::nullopt;
  type.bits = static_cast<std::uint8_t>(bits);
  return type;
}

}  // namespace obz
