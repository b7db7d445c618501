// Dense layers and matrix products: rows that are already contiguous, weights packed once (dense) or per run (matmul).
#include <algorithm>

#include "ref/execute/fast/convert.hpp"
#include "ref/execute/fast/image.hpp"
#include "ref/execute/fast/multiply.hpp"
#include "ref/execute/fast/nodes.hpp"
#include "ref/execute/fast/value.hpp"

namespace obz::fast {
namespace {

/// Room for a matrix of T and what kernels may read behind it.
template <class T>
hwy::AlignedFreeUniquePtr<T[]> allocate_rows(std::int64_t count) {
  auto values = hwy::AllocateAligned<T>(static_cast<std::size_t>(count + kSlack));
  std::fill_n(values.get() + count, kSlack, T{0});
  return values;
}

/// Rows of `depth` values at `in`, outputs of `outputs` values at `out`.
template <class T>
RowGrid<T> row_grid(const T* in, std::int64_t rows, std::int64_t depth, std::int32_t* out, std::int64_t outputs) {
  RowGrid<T> g{.w = rows};
  g.in = in;
  g.in_w = depth;
  g.out = out;
  g.out_w = outputs;
  return g;
}

/// T: what the kernel reads; Weights: PairProduct or ByteWeights.
template <class T, class Weights>
class DenseNode final : public FastNode {
 public:
  DenseNode(const Dense& op, const LeftOperand& left, Weights weights, Epilogue epilogue, std::string path)
      : features_(op.filter.weights.shape[1]),
        offset_(left.offset),
        weights_(std::move(weights)),
        epilogue_(std::move(epilogue)),
        path_(std::move(path)) {}

  void run(std::span<const Tensor* const> inputs, Tensor& y) const override {
    const Tensor& x = *inputs[0];
    const auto rows = allocate_rows<T>(x.elems());
    narrow_values(x.data.data(), x.elems(), offset_, rows.get());
    multiply(weights_, epilogue_,
             row_grid<T>(rows.get(), x.elems() / features_, features_, y.data.data(), epilogue_.map().outputs));
  }
  bool run_values(std::span<const Value> inputs, const Value& y) const override {
    const Value& x = inputs[0];
    if (x.bytes == nullptr || y.bytes == nullptr || x.pixel != x.c || y.pixel != y.c) return false;
    const std::int64_t count = x.size(), outputs = epilogue_.map().outputs;
    RowGrid<T> g = row_grid<T>(nullptr, count / features_, features_, nullptr, outputs);
    g.out_bytes = y.bytes;
    g.out_base = y.base;
    const auto rows = allocate_rows<T>(count);
    shift_values(x.bytes, count, x.base - offset_, rows.get());
    g.in = rows.get();
    multiply(weights_, epilogue_, g);
    return true;
  }
  std::string path() const override { return path_; }

 private:
  std::int64_t features_;
  std::int32_t offset_;
  Weights weights_;
  Epilogue epilogue_;
  std::string path_;
};

/// Largest |v - z| over a type and a list of zero points; false when some difference needs more than 16 bits.
bool reach_of(IntType type, const std::vector<std::int64_t>& zero_points, std::int64_t& reach) {
  if (type.bits > 16) return false;
  reach = 0;
  for (const std::int64_t z : zero_points) {
    if (!kInt16.holds(type.min() - z) || !kInt16.holds(type.max() - z)) return false;
    reach = std::max({reach, type.max() - z, z - type.min()});
  }
  return true;
}

class MatMulNode final : public FastNode {
 public:
  MatMulNode(const MatMul& op, std::int64_t m, std::int64_t k, const SumPlan& plan, Epilogue epilogue)
      : transpose_a_(op.transpose_a),
        transpose_b_(op.transpose_b),
        a_zero_points_(op.a_zero_points),
        b_zero_points_(op.b_zero_points),
        m_(m),
        k_(k),
        depth_(plan_pairs({{0, k}}, plan.block_length)),
        epilogue_(std::move(epilogue)) {}

  void run(std::span<const Tensor* const> inputs, Tensor& y) const override {
    const Tensor &a = *inputs[0], &b = *inputs[1];
    const std::int64_t n = epilogue_.map().outputs;
    const Shape batch(std::vector<std::int64_t>(y.shape.begin(), y.shape.end() - 2));
    const auto steps_of = [&](const Tensor& t) {
      return broadcast_strides(Shape(std::vector<std::int64_t>(t.shape.begin(), t.shape.end() - 2)), batch);
    };
    const std::vector<std::int64_t> steps_a = steps_of(a), steps_b = steps_of(b), steps_y = strides_of(batch);
    const auto rows = allocate_rows<std::int16_t>(m_ * k_);
    for (std::int64_t i = 0; i < batch.elems(); ++i) {
      std::int64_t at_a = 0, at_b = 0;  // in matrices
      for (std::size_t axis = 0; axis < batch.rank(); ++axis) {
        const std::int64_t index = i / steps_y[axis] % batch[axis];
        at_a += index * steps_a[axis];
        at_b += index * steps_b[axis];
      }
      fill_rows(a.data.data() + at_a * m_ * k_, rows.get());
      const WeightView columns{b.data.data() + at_b * k_ * n, transpose_b_ ? k_ : 1, transpose_b_ ? 1 : n,
                               b_zero_points_};
      const PairProduct product{depth_, PackedWeights(depth_, 1, n, columns)};
      multiply(product, epilogue_, row_grid<std::int16_t>(rows.get(), m_, k_, y.data.data() + i * m_ * n, n));
    }
  }
  std::string path() const override { return product_path(depth_, epilogue_); }

 private:
  void fill_rows(const std::int32_t* a, std::int16_t* to) const {
    for (std::int64_t m = 0; m < m_; ++m, to += k_) {
      const auto zero =
          static_cast<std::int32_t>(a_zero_points_[a_zero_points_.size() == 1 ? 0 : static_cast<std::size_t>(m)]);
      if (!transpose_a_) {
        narrow_values(a + m * k_, k_, zero, to);
      } else {
        for (std::int64_t k = 0; k < k_; ++k) to[k] = static_cast<std::int16_t>(a[k * m_ + m] - zero);
      }
    }
  }

  bool transpose_a_, transpose_b_;
  std::vector<std::int64_t> a_zero_points_, b_zero_points_;
  std::int64_t m_, k_;
  DepthPlan depth_;
  Epilogue epilogue_;
};

}  // namespace

namespace {

Epilogue epilogue_of(const Dense& op, const FilterPlan& filter) {
  return Epilogue({1, op.filter.out_channels()}, filter.plan.mode, filter.sums, op.accumulator, op.requant);
}

}  // namespace

Prepared prepare(const NodeSite& site, const Dense& op) {
  if (site.out().shape.elems() == 0 || op.filter.weights.elems() == 0) return nullptr;
  const std::int64_t features = op.filter.weights.shape[1], outputs = op.filter.out_channels();
  const std::vector<Run> runs{{0, features}};
  const WeightView view{op.filter.weights.data.data(), features, 1, op.filter.zero_points};
  const auto bytes = plan_filter(op.filter, byte_operand(site.range(0), op.x_zero_point, false), op.accumulator);
  if (bytes && bytes->plan.mode != SumMode::wide) {
    if (auto weights = ByteWeights::pack(runs, 1, outputs, view, bytes->left.largest)) {
      Epilogue epilogue = epilogue_of(op, *bytes);
      std::string path = product_path(*weights, epilogue);
      return std::make_unique<DenseNode<std::uint8_t, ByteWeights>>(op, bytes->left, std::move(*weights),
                                                                    std::move(epilogue), std::move(path));
    }
  }
  const auto filter = plan_filter(op.filter, left_operand(site.in(0).type, op.x_zero_point), op.accumulator);
  if (!filter) return nullptr;
  Epilogue epilogue = epilogue_of(op, *filter);
  DepthPlan depth = plan_pairs(runs, filter->plan.block_length);
  PackedWeights weights(depth, 1, outputs, view);
  std::string path = product_path(depth, epilogue);
  return std::make_unique<DenseNode<std::int16_t, PairProduct>>(
      op, filter->left, PairProduct{std::move(depth), std::move(weights)}, std::move(epilogue), std::move(path));
}

Prepared prepare(const NodeSite& site, const MatMul& op) {
  const Shape& y = site.out().shape;
  const std::int64_t m = y[y.rank() - 2], n = y[y.rank() - 1], k = depth(op, site.in(0).shape);
  // Packing costs as much as a few rows of plain products.
  if (y.elems() == 0 || k == 0 || m < 4) return nullptr;
  std::int64_t reach_a = 0, reach_b = 0;
  if (!reach_of(site.in(0).type, op.a_zero_points, reach_a) || !reach_of(site.in(1).type, op.b_zero_points, reach_b))
    return nullptr;
  const std::vector<ChannelSum> sums(static_cast<std::size_t>(n),
                                     {0, static_cast<std::uint64_t>(reach_a * reach_b * k)});
  const auto plan = plan_sums(sums, op.accumulator, reach_a * reach_b);
  if (!plan) return nullptr;
  return std::make_unique<MatMulNode>(op, m, k, *plan, Epilogue({1, n}, plan->mode, sums, op.accumulator, op.requant));
}

}  // namespace obz::fast
