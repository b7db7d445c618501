#include "ref/ops/softmax.hpp"

#include <algorithm>
#include <bit>

#include <fmt/format.h>

#include "ref/base/error.hpp"
#include "ref/ops/fixed_point.hpp"

namespace obz {
namespace {

constexpr std::size_t kTableSize = 513;

int leading_zeros(std::int64_t positive) { return std::countl_zero(static_cast<std::uint32_t>(positive)); }

void row_of_8_bit(const Softmax& op, const std::int32_t* x, std::int32_t* y, std::int64_t count, IntType out) {
  const std::int64_t max = *std::max_element(x, x + count);
  const auto exp_of = [&](std::int64_t i) {  // Q0.31; 0 below diff_min
    const std::int64_t difference = x[i] - max;
    return difference < op.diff_min ? 0 : fixed_point::exp_of_negative(op.difference(difference, 0));
  };
  constexpr int sum_integer_bits = 12;
  std::int64_t sum = 0;  // Q12.19
  for (std::int64_t i = 0; i < count; ++i) sum += fixed_point::halve(exp_of(i), sum_integer_bits);
  sum = wrap(sum, 32);

  const int zeros = leading_zeros(sum);
  const auto normalised = static_cast<std::uint32_t>(sum) << (zeros < 32 ? zeros : 0);
  const std::int64_t reciprocal = fixed_point::one_over_one_plus(std::int64_t{normalised} - (std::int64_t{1} << 31));
  const int shift = std::clamp(sum_integer_bits - zeros + 31 - out.bits, 0, 31);
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t scaled = fixed_point::halve(fixed_point::multiply(reciprocal, exp_of(i)), shift);
    const bool skipped = x[i] - max < op.diff_min;
    y[i] = static_cast<std::int32_t>(skipped ? out.min() : saturate(scaled + out.min(), out.min(), out.max()));
  }
}

/// Linear interpolation between 512 segments of a table over the int16 range.
std::int64_t interpolate(const std::vector<std::int64_t>& table, std::int64_t value) {
  const auto index = static_cast<std::size_t>(256 + (value >> 7));
  const std::int64_t offset = value & 127;
  const std::int64_t slope = wrap(table[index + 1] - table[index], 16);
  return wrap(table[index] + shift_right(slope * offset, 7, Rounding::half_up), 16);
}

void row_of_16_bit(const Softmax& op, const std::int32_t* x, std::int32_t* y, std::int64_t count) {
  const std::int64_t max = *std::max_element(x, x + count);
  std::vector<std::int64_t> exps(static_cast<std::size_t>(count));  // Q0.15
  std::int64_t sum = 0;                                             // Q16.15
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t scaled = op.difference(x[i] - max, 0);  // -65535..0 stands for -10..0
    exps[static_cast<std::size_t>(i)] = interpolate(op.exp_table, saturate(scaled + 32767, kInt16.min(), kInt16.max()));
    sum += exps[static_cast<std::size_t>(i)];
  }
  sum = wrap(sum, 32);
  const int zeros = std::clamp(leading_zeros(sum), 1, 30);
  const std::int64_t normalised = shift_right(sum << (zeros - 1), 14, Rounding::half_up);
  const std::int64_t centred = saturate(normalised - (1 << 15) - (1 << 16), kInt16.min(), kInt16.max());
  const std::int64_t reciprocal = interpolate(op.reciprocal_table, centred);
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t product = exps[static_cast<std::size_t>(i)] * reciprocal;
    y[i] = static_cast<std::int32_t>(saturate(shift_right(product, 31 - zeros, Rounding::half_up), 0, 32767));
  }
}

}  // namespace

Shape infer(const Softmax& op, const Shape& x, const std::string& where) {
  if (x.rank() == 0) throw Error(fmt::format("{}: expected an input of rank 1 or more, got a scalar", where));
  if (op.exp_table.size() != op.reciprocal_table.size() ||
      (!op.exp_table.empty() && op.exp_table.size() != kTableSize)) {
    throw Error(fmt::format("{}: expected two tables of {} entries or none, got {} and {}", where, kTableSize,
                            op.exp_table.size(), op.reciprocal_table.size()));
  }
  return x;
}

void run(const Softmax& op, const Tensor& x, Tensor& y) {
  const std::int64_t count = x.shape[x.shape.rank() - 1];
  if (count == 0) return;
  for (std::int64_t row = 0; row < x.elems() / count; ++row) {
    const std::int32_t* from = x.data.data() + row * count;
    std::int32_t* to = y.data.data() + row * count;
    if (op.exp_table.empty()) {
      row_of_8_bit(op, from, to, count, y.type);
    } else {
      row_of_16_bit(op, from, to, count);
    }
  }
}

}  // namespace obz
