#include "ref/tensor/tensor.hpp"

#include <fmt/format.h>

#include "ref/base/error.hpp"
#include "ref/tensor/type_text.hpp"

namespace obz {

std::vector<std::uint8_t> raw_bytes(const Tensor& tensor) {
  const int width = storage_bytes(tensor.type);
  std::vector<std::uint8_t> bytes;
  bytes.reserve(tensor.data.size() * static_cast<std::size_t>(width));
  for (const std::int32_t value : tensor.data) {
    const auto bits = static_cast<std::uint32_t>(value);
    for (int i = 0; i < width; ++i) bytes.push_back(static_cast<std::uint8_t>(bits >> (8 * i)));
  }
  return bytes;
}

void check_values(const Tensor& tensor, const std::string& where) {
  for (std::size_t i = 0; i < tensor.data.size(); ++i) {
    if (!tensor.type.holds(tensor.data[i])) {
      throw Error(fmt::format("{}: expected values of {} ({}..{}), got {} at element {}", where, type_text(tensor.type),
                              tensor.type.min(), tensor.type.max(), tensor.data[i], i));
    }
  }
}

}  // namespace obz
