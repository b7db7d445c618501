// Tensor: logical integers of one IntType, stored as int32_t whatever the width (packed only at the edges).
// FloatTensor: what crosses the float border of a network, never seen by an operator.
#pragma once

#include <cstdint>
#include <vector>

#include "ref/arith/int_type.hpp"
#include "ref/tensor/shape.hpp"

namespace obz {

struct Tensor {
  Shape shape;
  IntType type;                    ///< every element is inside [type.min(), type.max()]
  std::vector<std::int32_t> data;  ///< shape.elems() elements, C order

  Tensor() = default;
  Tensor(Shape s, IntType t) : shape(std::move(s)), type(t), data(static_cast<std::size_t>(shape.elems())) {}
  Tensor(Shape s, IntType t, std::vector<std::int32_t> values)
      : shape(std::move(s)), type(t), data(std::move(values)) {}

  std::int64_t elems() const noexcept { return static_cast<std::int64_t>(data.size()); }
  friend bool operator==(const Tensor&, const Tensor&) = default;
};

struct FloatTensor {
  Shape shape;
  std::vector<float> data;
};

/// Bytes per element when written out: 1 for up to 8 bits (narrower types stay unpacked), 2, or 4.
constexpr int storage_bytes(IntType type) noexcept { return type.bits <= 8 ? 1 : type.bits <= 16 ? 2 : 4; }

/// The raw little-endian bytes, storage_bytes each: what goes into files and into sha256.
std::vector<std::uint8_t> raw_bytes(const Tensor& tensor);

/// Error unless every element fits the tensor's type; `where` opens the sentence.
void check_values(const Tensor& tensor, const std::string& where);

}  // namespace obz
