#include "gpu/lower/storage.hpp"

#include <numeric>

#include "ref/base/error.hpp"

namespace obz::gpu {
namespace {

std::int64_t extent(const Storage& s, int axis) {
  return axis == kNoAxis ? 1 : s.shape[static_cast<std::size_t>(axis)];
}

/// Visits rows in memory order with the logical index of each row's first element.
template <class F>
void for_each_row(const Storage& s, F&& f) {
  const std::vector<std::int64_t> stride = strides_of(s.shape);
  const std::size_t row_axes = s.order.empty() ? 0 : s.order.size() - 1;
  std::vector<std::int64_t> at(row_axes, 0);
  std::int64_t index = 0;
  const std::int64_t rows = s.rows();
  for (std::int64_t row = 0; row < rows; ++row) {
    f(row, index);
    for (std::size_t i = row_axes; i-- > 0;) {
      const auto axis = static_cast<std::size_t>(s.order[i]);
      index += stride[axis];
      if (++at[i] < s.shape[axis]) break;
      index -= stride[axis] * at[i];
      at[i] = 0;
    }
  }
}

std::int64_t channel_stride(const Storage& s) {
  if (s.order.empty() || s.order.back() == kNoAxis) return 0;
  return strides_of(s.shape)[static_cast<std::size_t>(s.order.back())];
}

}  // namespace

Order natural_order(std::size_t rank) {
  Order order(rank);
  std::iota(order.begin(), order.end(), 0);
  return order;
}

std::int64_t Storage::rows() const {
  std::int64_t rows = 1;
  for (std::size_t i = 0; i + 1 < order.size(); ++i) rows *= extent(*this, order[i]);
  return rows;
}

std::int64_t Storage::channels() const { return order.empty() ? 1 : extent(*this, order.back()); }

int Storage::bits() const { return type.bits <= 4 ? 4 : type.bits <= 8 ? 8 : type.bits <= 16 ? 16 : 32; }

std::int64_t Storage::row_bytes() const {
  const std::int64_t used = (channels() * bits() + 7) / 8;
  return used <= 4 ? 4 : (used + 15) / 16 * 16;
}

std::vector<std::int64_t> Storage::memory_steps() const {
  std::vector<std::int64_t> steps(shape.rank(), 0);
  std::int64_t step = row_lanes();
  for (std::size_t i = order.size(); i-- > 0;) {
    if (order[i] == kNoAxis) continue;
    const auto axis = static_cast<std::size_t>(order[i]);
    if (i + 1 == order.size()) {
      steps[axis] = 1;
    } else {
      steps[axis] = step;
      step *= shape[axis];
    }
  }
  return steps;
}

View view_of(const Storage& s, Address data) {
  return {.data = data,
          .rows = static_cast<std::int32_t>(s.rows()),
          .channels = static_cast<std::int32_t>(s.channels()),
          .row_bytes = static_cast<std::int32_t>(s.row_bytes()),
          .bits = static_cast<std::uint8_t>(s.bits()),
          .is_signed = s.type.is_signed};
}

std::vector<std::byte> pack(const Tensor& tensor, const Storage& s) {
  OBZ_CHECK(tensor.shape == s.shape);
  std::vector<std::byte> bytes(static_cast<std::size_t>(s.bytes()));
  const std::int64_t channels = s.channels(), stride = channel_stride(s), row_bytes = s.row_bytes();
  const int bits = s.bits();
  for_each_row(s, [&](std::int64_t row, std::int64_t first) {
    std::byte* to = bytes.data() + row * row_bytes;
    for (std::int64_t c = 0; c < channels; ++c) {
      const auto v = static_cast<std::uint32_t>(tensor.data[static_cast<std::size_t>(first + c * stride)]);
      if (bits == 4) {
        to[c / 2] |= static_cast<std::byte>((v & 15U) << (c % 2 * 4));
      } else {
        for (int b = 0; b < bits / 8; ++b) to[c * bits / 8 + b] = static_cast<std::byte>(v >> (8 * b));
      }
    }
  });
  return bytes;
}

Tensor unpack(std::span<const std::byte> bytes, const Storage& s) {
  OBZ_CHECK(static_cast<std::int64_t>(bytes.size()) == s.bytes());
  Tensor tensor(s.shape, s.type);
  const std::int64_t channels = s.channels(), stride = channel_stride(s), row_bytes = s.row_bytes();
  const int bits = s.bits();
  for_each_row(s, [&](std::int64_t row, std::int64_t first) {
    const std::byte* from = bytes.data() + row * row_bytes;
    for (std::int64_t c = 0; c < channels; ++c) {
      std::uint32_t v = 0;
      if (bits == 4) {
        v = static_cast<std::uint32_t>(from[c / 2]) >> (c % 2 * 4) & 15U;
      } else {
        for (int b = 0; b < bits / 8; ++b) v |= static_cast<std::uint32_t>(from[c * bits / 8 + b]) << (8 * b);
      }
      const std::uint32_t top = v << (32 - bits);
      tensor.data[static_cast<std::size_t>(first + c * stride)] = s.type.is_signed
                                                                      ? static_cast<std::int32_t>(top) >> (32 - bits)
                                                                      : static_cast<std::int32_t>(top >> (32 - bits));
    }
  });
  return tensor;
}

}  // namespace obz::gpu
