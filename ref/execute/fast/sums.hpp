// The proof that 32-bit lanes compute what an operator means: how far its sums can reach, from the real
// weights and the type of its input. (Not from ref/net/bounds.hpp: that is the range of complete sums; here
// every partial sum counts.)
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "ref/net/bounds.hpp"
#include "ref/ops/filter.hpp"
#include "ref/ops/requant.hpp"

namespace obz::fast {

/// What the kernels read instead of x: x - offset, with |x - offset| <= largest. As
///   sum (x - zero point) * w = sum (x - offset) * w + correction * sum w,   correction = offset - zero
///   point,
/// the offset is free. It is the zero point itself, or the middle of the type where that leaves 16 bits.
struct LeftOperand {
  std::int32_t offset = 0;
  std::int64_t correction = 0;
  std::int64_t largest = 0;
  std::int32_t padding = 0;  ///< zero point - offset: the real value 0
};

/// For kernels that read 16 bits; nullopt: the type is wider.
std::optional<LeftOperand> left_operand(IntType type, std::int64_t zero_point);
/// For kernels that read unsigned bytes: 0 <= x - offset <= largest, the padding included where there is some.
/// nullopt: that takes more than 8 bits.
std::optional<LeftOperand> byte_operand(Range x, std::int64_t zero_point, bool padded);

/// How the sums of one output channel come out.
struct ChannelSum {
  std::int64_t start = 0;     ///< bias + correction * sum w
  std::uint64_t largest = 0;  ///< |start| + sum |w| * max |x - offset|: bounds every partial sum in any order
};

enum class SumMode : std::uint8_t {
  exact,    ///< every `largest` is below 2^31
  modular,  ///< not so, but the register wraps within 32 bits, so sums modulo 2^32 are all it ever sees
  wide,     ///< exact in blocks of the depth, which are added in 64 bits
};

struct SumPlan {
  SumMode mode = SumMode::exact;
  std::int64_t block_length = 0;  ///< wide: products whose sum stays below 2^31
};

/// The mode for these sums; nullopt: none, as not even two products fit in 32 bits (a pair is the kernel's unit).
std::optional<SumPlan> plan_sums(std::span<const ChannelSum> sums, const Accumulator& accumulator,
                                 std::int64_t largest_product);

/// All of it for a layer with constant weights.
struct FilterPlan {
  LeftOperand left;
  std::vector<ChannelSum> sums;  ///< per output channel
  SumPlan plan;
};

/// nullopt: no left operand, a weight needs more than 16 bits, or there is no mode.
std::optional<FilterPlan> plan_filter(const Filter& filter, const std::optional<LeftOperand>& left,
                                      const Accumulator& accumulator);

/// Bound of what enters the requantizer, given a bound of the sum.
std::uint64_t accumulator_bound(std::uint64_t largest_sum, const Accumulator& accumulator);

}  // namespace obz::fast
