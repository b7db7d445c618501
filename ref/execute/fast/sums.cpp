#include "ref/execute/fast/sums.hpp"

#include <algorithm>

namespace obz::fast {
namespace {

constexpr std::int64_t kInt32Top = (std::int64_t{1} << 31) - 1;

std::uint64_t magnitude(std::int64_t v) { return static_cast<std::uint64_t>(v < 0 ? -v : v); }

/// Weights of one channel without their zero point.
struct WeightSum {
  std::int64_t sum = 0;
  std::uint64_t magnitudes = 0;
  std::int64_t largest = 0;  ///< magnitude
};

/// nullopt: a weight minus its zero point does not fit in 16 bits.
std::optional<WeightSum> weight_sum(const Filter& f, std::int64_t channel) {
  const std::int64_t terms = f.weights.elems() / f.out_channels(), zero_point = f.zero_point_of(channel);
  WeightSum s;
  for (std::int64_t k = 0; k < terms; ++k) {
    const std::int64_t w = f.weights.data[static_cast<std::size_t>(channel * terms + k)] - zero_point;
    if (!kInt16.holds(w)) return std::nullopt;
    s.sum += w;
    s.magnitudes += magnitude(w);
    s.largest = std::max(s.largest, w < 0 ? -w : w);
  }
  return s;
}

}  // namespace

std::optional<LeftOperand> left_operand(IntType type, std::int64_t zero_point) {
  if (type.bits > 16) return std::nullopt;
  const bool fits = kInt16.holds(type.max() - zero_point) && kInt16.holds(type.min() - zero_point);
  const std::int64_t middle = type.is_signed ? 0 : std::int64_t{1} << (type.bits - 1);
  const std::int64_t offset = fits ? zero_point : middle, padding = zero_point - offset;
  return LeftOperand{.offset = static_cast<std::int32_t>(offset),
                     .correction = -padding,
                     .largest = std::max(type.max() - offset, offset - type.min()),
                     .padding = static_cast<std::int32_t>(padding)};
}

std::optional<LeftOperand> byte_operand(Range x, std::int64_t zero_point, bool padded) {
  if (padded) x = {std::min(x.lo, zero_point), std::max(x.hi, zero_point)};
  if (!kInt32.holds(x.lo) || x.hi - x.lo > UINT8_MAX) return std::nullopt;
  const std::int64_t padding = zero_point - x.lo;
  return LeftOperand{.offset = static_cast<std::int32_t>(x.lo),
                     .correction = -padding,
                     .largest = x.hi - x.lo,
                     .padding = padded ? static_cast<std::int32_t>(padding) : 0};
}

std::optional<SumPlan> plan_sums(std::span<const ChannelSum> sums, const Accumulator& a, std::int64_t largest_product) {
  const bool exact = std::all_of(sums.begin(), sums.end(), [](const ChannelSum& s) { return s.largest <= kInt32Top; });
  if (exact) return SumPlan{SumMode::exact, 0};
  if (a.overflow == Overflow::wrap && a.bits <= 32) return SumPlan{SumMode::modular, 0};
  const std::int64_t length = kInt32Top / std::max<std::int64_t>(largest_product, 1);
  if (length < 2) return std::nullopt;
  return SumPlan{SumMode::wide, length};
}

std::uint64_t accumulator_bound(std::uint64_t largest_sum, const Accumulator& a) {
  if (a.overflow == Overflow::exact || a.bits == 64) return largest_sum;
  return std::min(largest_sum, std::uint64_t{1} << (a.bits - 1));
}

std::optional<FilterPlan> plan_filter(const Filter& f, const std::optional<LeftOperand>& left,
                                      const Accumulator& accumulator) {
  if (!left) return std::nullopt;
  std::vector<ChannelSum> sums;
  std::int64_t largest_weight = 0;
  for (std::int64_t o = 0; o < f.out_channels(); ++o) {
    const auto weights = weight_sum(f, o);
    if (!weights) return std::nullopt;
    const std::int64_t start = f.bias_of(o) + left->correction * weights->sum;  // 2^48 + 2^17 * 2^28 * 2^16
    sums.push_back({start, magnitude(start) + weights->magnitudes * static_cast<std::uint64_t>(left->largest)});
    largest_weight = std::max(largest_weight, weights->largest);
  }
  const auto plan = plan_sums(sums, accumulator, left->largest * largest_weight);
  if (!plan) return std::nullopt;
  return FilterPlan{*left, std::move(sums), *plan};
}

}  // namespace obz::fast
