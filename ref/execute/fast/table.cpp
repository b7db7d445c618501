// Operators that are functions of one or two narrow integers, as tables.
#include "ref/execute/fast/elementwise.hpp"
#include "ref/execute/fast/nodes.hpp"
#include "ref/execute/fast/parallel.hpp"
#include "ref/execute/fast/tabulate.hpp"
#include "ref/ops/elementwise.hpp"

namespace obz::fast {
namespace {

constexpr std::int64_t kGrain = 1 << 14;

/// y = table[channel][x - min], the channel counted as in Rescale and Threshold.
class UnaryTable final : public FastNode {
 public:
  UnaryTable(IntType type, std::int64_t channels, std::int64_t inner, std::vector<std::int32_t> table)
      : min_(static_cast<std::int32_t>(type.min())),
        values_(value_count(type)),
        channels_(channels),
        inner_(inner),
        table_(std::move(table)) {}

  void run(std::span<const Tensor* const> inputs, Tensor& y) const override {
    const std::int32_t* x = inputs[0]->data.data();
    for_ranges(y.elems(), kGrain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end;) {  // one stretch of a channel after the other
        const std::int64_t channel = channels_ == 1 ? 0 : i / inner_ % channels_;
        const std::int64_t stop = channels_ == 1 ? end : std::min(end, (i / inner_ + 1) * inner_);
        const std::int32_t* table = table_.data() + channel * values_;
        for (; i < stop; ++i) y.data[static_cast<std::size_t>(i)] = table[x[i] - min_];
      }
    });
  }
  std::string path() const override { return "table"; }

 private:
  std::int32_t min_;
  std::int64_t values_, channels_, inner_;
  std::vector<std::int32_t> table_;
};

/// y = table[a - min][b - min]
class BinaryTable final : public FastNode {
 public:
  BinaryTable(IntType a, IntType b, std::vector<std::int16_t> table)
      : min_a_(static_cast<std::int32_t>(a.min())),
        min_b_(static_cast<std::int32_t>(b.min())),
        bits_b_(b.bits),
        table_(std::move(table)) {}

  void run(std::span<const Tensor* const> inputs, Tensor& y) const override {
    const Tensor &a = *inputs[0], &b = *inputs[1];
    const auto look_up = [&](std::int32_t va, std::int32_t vb) {
      return table_[static_cast<std::size_t>(((va - min_a_) << bits_b_) + (vb - min_b_))];
    };
    if (a.shape != b.shape) return for_each_pair(a, b, y, look_up);
    for_ranges(y.elems(), kGrain, [&](std::int64_t begin, std::int64_t end) {
      for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
        y.data[i] = look_up(a.data[i], b.data[i]);
      }
    });
  }
  std::string path() const override { return "table"; }

 private:
  std::int32_t min_a_, min_b_;
  int bits_b_;
  std::vector<std::int16_t> table_;
};

/// Rescale or Threshold over [channels, values] with axis 0.
template <class Op>
Prepared unary(const NodeSite& site, Op op, std::int64_t channels) {
  const IntType type = site.in(0).type;
  const Shape& x = site.in(0).shape;
  if (!is_narrow(type) || x.elems() < channels * value_count(type)) return nullptr;
  const std::int64_t inner = channels == 1 ? 1 : elems_between(x, static_cast<std::size_t>(op.axis) + 1, x.rank());
  op.axis = 0;
  const Shape shape{channels, value_count(type)};
  std::optional<Tensor> y = tabulate(op, {all_values(type, shape)}, shape, site.out().type);
  if (!y) return nullptr;
  return std::make_unique<UnaryTable>(type, channels, inner, std::move(y->data));
}

template <class Op>
Prepared binary(const NodeSite& site, const Op& op) {
  const IntType ta = site.in(0).type, tb = site.in(1).type, ty = site.out().type;
  if (!is_narrow(ta) || !is_narrow(tb) || !kInt16.holds(ty.min()) || !kInt16.holds(ty.max())) return nullptr;
  const Shape shape{value_count(ta), value_count(tb)};
  if (site.out().shape.elems() < shape.elems() / 4) return nullptr;  // filling the table would not pay
  const Tensor a = all_values(ta, Shape{value_count(ta), 1}), b = all_values(tb, Shape{1, value_count(tb)});
  const std::optional<Tensor> y = tabulate(op, {a, b}, shape, ty);
  if (!y) return nullptr;
  return std::make_unique<BinaryTable>(ta, tb, std::vector<std::int16_t>(y->data.begin(), y->data.end()));
}

}  // namespace

Prepared prepare(const NodeSite& site, const Add& op) {
  Prepared vector = prepare_vector(site, op);
  return vector ? std::move(vector) : binary(site, op);
}
Prepared prepare(const NodeSite& site, const Mul& op) { return binary(site, op); }
Prepared prepare(const NodeSite& site, const MinMax& op) { return binary(site, op); }
Prepared prepare(const NodeSite& site, const Rescale& op) {
  Prepared vector = prepare_vector(site, op);
  if (vector) return vector;
  return unary(site, op, static_cast<std::int64_t>(op.requant.channels.size()));
}
Prepared prepare(const NodeSite& site, const Threshold& op) { return unary(site, op, op.channels); }

}  // namespace obz::fast
