// Between the int32 storage of tensors and the int16 and byte operands of the kernels, and the few other loops over
// int32 that only pay as vectors.
#pragma once

#include <cstdint>

namespace obz::fast {

/// to[i] = from[i] - offset. Every difference fits in 16 bits.
void narrow_values(const std::int32_t* from, std::int64_t count, std::int32_t offset, std::int16_t* to);
/// The same into bytes, which is checked.
void narrow_values(const std::int32_t* from, std::int64_t count, std::int32_t offset, std::uint8_t* to);

/// to[i] = from[i] + shift, which fits.
void shift_values(const std::uint8_t* from, std::int64_t count, std::int32_t shift, std::int16_t* to);
void shift_values(const std::uint8_t* from, std::int64_t count, std::int32_t shift, std::uint8_t* to);

/// to[r][at + c] = tile[r][c] - base for the kPanel values of every row; they fit into bytes.
void narrow_tile(const std::int32_t* tile, std::int64_t rows, std::int32_t base, std::uint8_t* const* to,
                 std::int64_t at);

/// sums[i] += from[i], modulo 2^32.
void add_values(const std::int32_t* from, std::int64_t count, std::int32_t* sums);

/// largest[i] = max(largest[i], from[i]).
void max_values(const std::int32_t* from, std::int64_t count, std::int32_t* largest);

}  // namespace obz::fast
