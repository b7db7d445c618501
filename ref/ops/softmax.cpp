#include "ref/ops/softmax.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "ref/base/error.hpp"
#include "ref/ops/softmax_steps.hpp"

namespace obz {
namespace {

constexpr std::size_t kTableSize = 513;

void row_of_8_bit(const Softmax& op, const std::int32_t* x, std::int32_t* y, std::int64_t count, IntType out) {
  const std::int64_t max = *std::max_element(x, x + count);
  const auto exp_of = [&](std::int64_t i) {  // Q0.31; 0 below diff_min
    const std::int64_t difference = x[i] - max;
    return difference < op.diff_min ? 0 : fixed_point::exp_of_negative(op.difference(difference, 0));
  };
  std::int64_t sum = 0;
  for (std::int64_t i = 0; i < count; ++i) sum += softmax::summand(exp_of(i));
  const softmax::Inverse inverse = softmax::inverse_of(sum, out.bits);
  for (std::int64_t i = 0; i < count; ++i) {
    y[i] = static_cast<std::int32_t>(softmax::output(exp_of(i), inverse, out.min(), out.max()));
  }
}

void row_of_16_bit(const Softmax& op, const std::int32_t* x, std::int32_t* y, std::int64_t count) {
  const std::int64_t max = *std::max_element(x, x + count);
  const auto exp_of = [&](std::int64_t i) {
    return softmax::exp_from_table(op.exp_table.data(), op.difference(x[i] - max, 0));
  };
  std::int64_t sum = 0;
  for (std::int64_t i = 0; i < count; ++i) sum += exp_of(i);
  const softmax::Inverse inverse = softmax::inverse_from_table(op.reciprocal_table.data(), sum);
  for (std::int64_t i = 0; i < count; ++i) y[i] = static_cast<std::int32_t>(softmax::output_16(exp_of(i), inverse));
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
