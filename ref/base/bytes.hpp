// Bytes in memory and the bounds-checked cursor every binary reader uses.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace obz {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

inline ByteView as_bytes(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

inline std::string as_text(ByteView bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

/// The little-endian unsigned integer of `width` bytes (1..8) at `p`.
inline std::uint64_t load_le(const std::uint8_t* p, int width) {
  std::uint64_t value = 0;
  for (int i = 0; i < width; ++i) value |= std::uint64_t{p[i]} << (8 * i);
  return value;
}

inline void store_le(Bytes& out, std::uint64_t value, int width) {
  for (int i = 0; i < width; ++i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

}  // namespace obz
