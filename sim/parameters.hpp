// Numbers of the hardware that the twins share with rtl/obz_pkg.sv. tests/sim ties them together by static_assert.
#pragma once

#include <cstdint>

namespace obz::sim {

/// Lane widths of the tensor core's operands, as log2 of their bits.
inline constexpr std::uint8_t kLane1 = 0, kLane2 = 1, kLane4 = 2, kLane8 = 3, kLane16 = 4;

/// The tensor core: D = A x B + C on 8 x 8 outputs, 128 bits of A a row and of B a column.
inline constexpr unsigned kMmaRows = 8, kMmaCols = 8, kMmaRowBytes = 16;

/// In cycles. Between two acceptances; twice that where both operands have 16 bits.
inline constexpr unsigned kMmaInterval = 4;
/// From acceptance to the result, both edges included.
inline constexpr unsigned kMmaLatency = 14;
/// The latency of the arithmetic alone.
inline constexpr unsigned kMmaLeast = 7;

}  // namespace obz::sim
