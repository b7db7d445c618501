#include "ref/ops/dense.hpp"

#include <fmt/format.h>

#include "ref/base/error.hpp"
#include "ref/ops/dot.hpp"

namespace obz {

Shape infer(const Dense& op, const Shape& x, const std::string& where) {
  check_filter(op.filter, 2, where);
  const std::int64_t out = op.filter.weights.shape[0], depth = op.filter.weights.shape[1];
  const bool fits =
      depth > 0 && x.elems() % depth == 0 && (!op.keep_dims || (x.rank() > 0 && x[x.rank() - 1] == depth));
  if (!fits) {
    throw Error(fmt::format("{}: input {} is not rows of {}, the depth of the weights", where, x.text(), depth));
  }
  if (!op.keep_dims) return Shape{x.elems() / depth, out};
  Shape y = x;
  y[y.rank() - 1] = out;
  return y;
}

void run(const Dense& op, const Tensor& x, Tensor& y, AccumulatorTap tap) {
  const std::int64_t out = op.filter.weights.shape[0], depth = op.filter.weights.shape[1];
  const std::int64_t rows = x.elems() / depth;
  for (std::int64_t row = 0; row < rows; ++row) {
    const std::int32_t* xs = x.data.data() + row * depth;
    for (std::int64_t o = 0; o < out; ++o) {
      const std::int32_t* ws = op.filter.weights.data.data() + o * depth;
      const std::int64_t bias = op.filter.bias_of(o);
      const std::int64_t acc =
          op.accumulator(bias + dot(xs, 1, op.x_zero_point, ws, 1, op.filter.zero_point_of(o), depth));
      if (tap != nullptr) tap->push_back(acc);
      y.data[static_cast<std::size_t>(row * out + o)] = op.requant(acc, o);
    }
  }
}

std::int64_t macs(const Dense& op, const Shape& y) { return y.elems() * op.filter.weights.shape[1]; }

}  // namespace obz
