// Add and Rescale as passes of the vector requantizer over blocks of elements: every lane has the same channel.
#include "ref/execute/fast/elementwise.hpp"

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "ref/execute/fast/epilogue.hpp"
#include "ref/execute/fast/parallel.hpp"
#include "ref/ops/add.hpp"
#include "ref/ops/rescale.hpp"

namespace obz::fast {
namespace {

/// Elements of a block: two tiles of 4 KiB stay in L1.
constexpr std::int64_t kBlockRows = 64, kBlock = kBlockRows * kPanel;
/// Blocks of a task.
constexpr std::int64_t kGrain = 16;

/// An element before its requantizer: (x - zero_point) << shift, a 32-bit number of at most `bound`.
struct Operand {
  std::int32_t zero_point = 0;
  int shift = 0;
  std::uint64_t bound = 0;

  std::int32_t operator()(std::int32_t x) const {
    // Modulo 2^32, which is exact as the value fits, and half as wide for the compiler's vectors.
    return static_cast<std::int32_t>((static_cast<std::uint32_t>(x) - static_cast<std::uint32_t>(zero_point)) << shift);
  }
};

/// nullopt: the type holds values for which it is wider than 32 bits.
std::optional<Operand> operand(IntType type, std::int32_t zero_point, int shift) {
  const std::int64_t lo = (type.min() - zero_point) << shift, hi = (type.max() - zero_point) << shift;
  if (!kInt32.holds(lo) || !kInt32.holds(hi)) return std::nullopt;
  return Operand{zero_point, shift, static_cast<std::uint64_t>(std::max(std::abs(lo), std::abs(hi)))};
}

/// The requantizer over any number of elements of at most `bound`.
Epilogue uniform(const Requant& requant, const Accumulator& accumulator, std::uint64_t bound) {
  const std::vector<ChannelSum> sums(kPanel, ChannelSum{0, bound});
  return Epilogue(PanelMap{1, kPanel}, SumMode::exact, sums, accumulator, requant);
}

/// Bound of what a branch of an addition gives, once its vector form has been accepted: then nothing in it
/// wraps but a left shift, so it is monotone without one, and the ends of its input give the ends of its output.
std::optional<std::uint64_t> branch_bound(const Requant& r, const Operand& x, IntType type) {
  const Channel& c = r.channels[0];
  const int left = std::max(r.recipe.first_bits - c.shift, 0);
  if (x.bound << left > static_cast<std::uint64_t>(kInt32.max())) return std::nullopt;
  const std::int64_t a = r(x(static_cast<std::int32_t>(type.min())), 0),
                     b = r(x(static_cast<std::int32_t>(type.max())), 0);
  return static_cast<std::uint64_t>(std::max(std::abs(a), std::abs(b)));
}

/// body(first, count) for blocks of at most kBlock elements.
template <class Body>
void for_blocks(std::int64_t count, const Body& body) {
  for_ranges((count + kBlock - 1) / kBlock, kGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t b = begin; b < end; ++b) body(b * kBlock, std::min(kBlock, count - b * kBlock));
  });
}

constexpr std::int64_t rows_of(std::int64_t count) { return (count + kPanel - 1) / kPanel; }

/// Elements first .. first + count - 1 through operand and requantizer. The last row is filled up with 0,
/// which every lane accepts. (The operand comes by value: the compiler then knows that the stores leave it alone.)
void requantize_block(const Tensor& x, const Operand operand, const Epilogue& requantizer, std::int64_t first,
                      std::int64_t count, std::int32_t* __restrict tile) {
  const std::int32_t* from = x.data.data() + first;
  for (std::int64_t i = 0; i < count; ++i) tile[i] = operand(from[i]);
  std::fill(tile + count, tile + rows_of(count) * kPanel, 0);
  requantizer.finish(0, tile, rows_of(count));
}

class AddNode final : public FastNode {
 public:
  AddNode(const Operand& a, const Operand& b, bool subtract, Epilogue branch_a, Epilogue branch_b, Epilogue out)
      : a_(a),
        b_(b),
        subtract_(subtract),
        branch_a_(std::move(branch_a)),
        branch_b_(std::move(branch_b)),
        out_(std::move(out)) {}

  void run(std::span<const Tensor* const> inputs, Tensor& y) const override {
    const bool subtract = subtract_;
    for_blocks(y.elems(), [&, subtract](std::int64_t first, std::int64_t count) {
      alignas(64) std::int32_t a[kBlock], b[kBlock];
      requantize_block(*inputs[0], a_, branch_a_, first, count, a);
      requantize_block(*inputs[1], b_, branch_b_, first, count, b);
      for (std::int64_t i = 0; i < count; ++i) a[i] = subtract ? a[i] - b[i] : a[i] + b[i];
      std::fill(a + count, a + rows_of(count) * kPanel, 0);
      out_.finish(0, a, rows_of(count));
      std::copy_n(a, count, y.data.begin() + first);
    });
  }
  std::string path() const override { return "vector"; }

 private:
  Operand a_, b_;
  bool subtract_;
  Epilogue branch_a_, branch_b_, out_;
};

class RescaleNode final : public FastNode {
 public:
  RescaleNode(const Operand& x, Epilogue out) : x_(x), out_(std::move(out)) {}

  void run(std::span<const Tensor* const> inputs, Tensor& y) const override {
    for_blocks(y.elems(), [&](std::int64_t first, std::int64_t count) {
      alignas(64) std::int32_t tile[kBlock];
      requantize_block(*inputs[0], x_, out_, first, count, tile);
      std::copy_n(tile, count, y.data.begin() + first);
    });
  }
  std::string path() const override { return "vector"; }

 private:
  Operand x_;
  Epilogue out_;
};

constexpr Accumulator kUnlimited{64, Overflow::exact};

}  // namespace

Prepared prepare_vector(const NodeSite& site, const Add& op) {
  if (op.floating || site.in(0).shape != site.in(1).shape) return nullptr;
  const IntType ta = site.in(0).type, tb = site.in(1).type;
  const auto a = operand(ta, op.a_zero_point, op.left_shift), b = operand(tb, op.b_zero_point, op.left_shift);
  if (!a || !b) return nullptr;
  Epilogue branch_a = uniform(op.branch_a, kUnlimited, a->bound), branch_b = uniform(op.branch_b, kUnlimited, b->bound);
  if (!branch_a.is_vector() || !branch_b.is_vector()) return nullptr;
  const auto bound_a = branch_bound(op.branch_a, *a, ta), bound_b = branch_bound(op.branch_b, *b, tb);
  if (!bound_a || !bound_b || *bound_a + *bound_b > static_cast<std::uint64_t>(kInt32.max())) return nullptr;
  Epilogue out = uniform(op.out, op.accumulator, *bound_a + *bound_b);
  if (!out.is_vector()) return nullptr;
  return std::make_unique<AddNode>(*a, *b, op.subtract, std::move(branch_a), std::move(branch_b), std::move(out));
}

Prepared prepare_vector(const NodeSite& site, const Rescale& op) {
  const auto x = operand(site.in(0).type, op.x_zero_point, 0);
  if (!x || op.requant.channels.size() != 1) return nullptr;
  Epilogue out = uniform(op.requant, kUnlimited, x->bound);
  return out.is_vector() ? std::make_unique<RescaleNode>(*x, std::move(out)) : nullptr;
}

}  // namespace obz::fast
