// What values can occur: ranges of tensors from types and clamps, and of accumulators from the real weights.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "ref/net/net.hpp"

namespace obz {

/// A closed interval of integers.
struct Range {
  std::int64_t lo = 0, hi = 0;

  friend bool operator==(const Range&, const Range&) = default;
};

/// Least width of a signed register that holds the whole range.
int signed_bits(Range range);

/// Range of every tensor: network inputs by type, constants by value, node outputs by clamp.
std::vector<Range> value_ranges(const IntNet& net);

/// What can enter the accumulator of this node before it is narrowed: over all channels, from the actual weights and
/// the given ranges of its inputs. Attained by some input for conv2d and dense when x may take any value of its range
/// (padding aside); an upper bound elsewhere. nullopt: the operator does not accumulate.
std::optional<Range> accumulator_range(const IntNet& net, const Node& node, const std::vector<Range>& ranges);

/// The same for each output channel of conv2d, conv_transpose2d and dense; empty for other operators.
std::vector<Range> channel_accumulator_ranges(const Node& node, const std::vector<Range>& ranges);

}  // namespace obz
