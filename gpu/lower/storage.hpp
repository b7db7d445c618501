// How a logical tensor lies in device memory: which of its axes are rows and which is the channel, and how wide an
// element is. The words of gpu/kernels/abi.hpp.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "gpu/kernels/abi.hpp"
#include "ref/tensor/tensor.hpp"

namespace obz::gpu {

/// Logical axes in the order in which they are stored, outermost first; the last is the channel. kNoAxis as the last:
/// one channel, all axes are rows.
using Order = std::vector<int>;
inline constexpr int kNoAxis = -1;

/// 0, 1, ... rank - 1; a tensor of rank 0 has one row of one channel.
Order natural_order(std::size_t rank);

struct Storage {
  Shape shape;
  IntType type;  ///< at most 32 bits, unsigned at most 31
  Order order;

  std::int64_t rows() const;
  std::int64_t channels() const;
  int bits() const;  ///< of an element: 4, 8, 16 or 32
  std::int64_t row_bytes() const;
  std::int64_t row_lanes() const { return row_bytes() * 8 / bits(); }  ///< elements a row has room for
  std::int64_t bytes() const { return rows() * row_bytes(); }

  /// Elements of memory from one step along logical axis i to the next.
  std::vector<std::int64_t> memory_steps() const;

  friend bool operator==(const Storage&, const Storage&) = default;
};

/// `data` is where it lies.
View view_of(const Storage& storage, Address data);

std::vector<std::byte> pack(const Tensor& tensor, const Storage& storage);
/// Elements are taken as they lie, whatever the type's range: a device's wrong answer stays wrong.
Tensor unpack(std::span<const std::byte> bytes, const Storage& storage);

}  // namespace obz::gpu
