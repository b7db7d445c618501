// Add and Rescale as passes of the vector requantizer over blocks of elements: every lane has the same channel.
#include "ref/execute/fast/elementwise.hpp"

#include <algorithm>
#include <cstdlib>

#include "ref/execute/fast/convert.hpp"
#include "ref/execute/fast/parallel.hpp"
#include "ref/ops/add.hpp"
#include "ref/ops/rescale.hpp"

namespace obz::fast {
namespace {

/// Elements of a block: two tiles of 4 KiB stay in L1.
constexpr std::int64_t kBlockRows = 64, kBlock = kBlockRows * kPanel;
/// Blocks of a task.
constexpr std::int64_t kGrain = 16;

constexpr Accumulator kUnlimited{64, Overflow::exact};

/// nullopt: the type holds values for which it is wider than 32 bits.
std::optional<Operand> operand(IntType type, std::int32_t zero_point, int shift) {
  const std::int64_t lo = (type.min() - zero_point) << shift, hi = (type.max() - zero_point) << shift;
  if (!kInt32.holds(lo) || !kInt32.holds(hi)) return std::nullopt;
  return Operand{zero_point, shift, static_cast<std::uint64_t>(std::max(std::abs(lo), std::abs(hi)))};
}

/// A dyadic factor of one over nothing else, and clamps that no element reaches.
bool keeps_all(const Requant& r, const Accumulator& accumulator, std::uint64_t bound) {
  const Channel& c = r.channels[0];
  const auto top = static_cast<std::int64_t>(bound);
  return r.recipe.arithmetic == Arithmetic::dyadic && r.recipe.first_bits == 0 && c.shift < 32 &&
         c.multiplier == std::int64_t{1} << c.shift && c.addend == 0 && c.zero_point == 0 && c.lo <= -top &&
         c.hi >= top && accumulator_bound(bound + 1, accumulator) == bound + 1;
}

/// The requantizer over elements of at most `bound`; nullopt: it has no vector form.
std::optional<Scaler> scaler(const Requant& requant, const Accumulator& accumulator, const Operand& x,
                             std::int64_t elements) {
  if (keeps_all(requant, accumulator, x.bound)) return Scaler{x, std::nullopt};
  const std::vector<ChannelSum> sums(kPanel, ChannelSum{0, x.bound});
  Epilogue epilogue(PanelMap{1, kPanel}, SumMode::exact, sums, accumulator, requant, elements / kPanel);
  if (!epilogue.is_vector()) return std::nullopt;
  return Scaler{x, std::move(epilogue)};
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

/// Elements first .. first + count - 1. The last row is filled up with the first, which every lane accepts.
void load_block(const Tensor& x, std::int64_t first, std::int64_t count, std::int32_t* tile) {
  std::copy_n(x.data.data() + first, count, tile);
  std::fill(tile + count, tile + rows_of(count) * kPanel, tile[0]);
}

class AddNode final : public FastNode {
 public:
  explicit AddNode(VectorAdd add) : add_(std::move(add)) {}

  void run(std::span<const Tensor* const> inputs, Tensor& y) const override {
    for_blocks(y.elems(), [&](std::int64_t first, std::int64_t count) {
      alignas(64) std::int32_t a[kBlock], b[kBlock];
      load_block(*inputs[0], first, count, a);
      load_block(*inputs[1], first, count, b);
      add_.run(a, b, rows_of(count));
      std::copy_n(a, count, y.data.begin() + first);
    });
  }
  std::string path() const override { return "vector"; }

 private:
  VectorAdd add_;
};

class RescaleNode final : public FastNode {
 public:
  explicit RescaleNode(Scaler scaler) : scaler_(std::move(scaler)) {}

  void run(std::span<const Tensor* const> inputs, Tensor& y) const override {
    for_blocks(y.elems(), [&](std::int64_t first, std::int64_t count) {
      alignas(64) std::int32_t tile[kBlock];
      load_block(*inputs[0], first, count, tile);
      scaler_.run(tile, rows_of(count));
      std::copy_n(tile, count, y.data.begin() + first);
    });
  }
  std::string path() const override { return "vector"; }

 private:
  Scaler scaler_;
};

}  // namespace

void Scaler::prepare(std::int32_t* tile, std::int64_t rows) const {
  if (!operand.changes()) return;
  const Operand f = operand;  // by value: the compiler then knows that the stores leave it alone
  for (std::int64_t i = 0; i < rows * kPanel; ++i) tile[i] = f(tile[i]);
}

void Scaler::run(std::int32_t* tile, std::int64_t rows) const {
  prepare(tile, rows);
  if (requantizer) requantizer->finish(0, tile, rows);
}

void Scaler::run_bytes(std::int32_t* tile, std::int64_t rows, std::int32_t base, std::uint8_t* const* to) const {
  prepare(tile, rows);
  if (requantizer && requantizer->finish_bytes(0, tile, rows, base, to)) return;
  if (requantizer) requantizer->finish(0, tile, rows);
  narrow_tile(tile, rows, base, to, 0);
}

void VectorAdd::run(std::int32_t* __restrict tile_a, std::int32_t* __restrict tile_b, std::int64_t rows) const {
  a.run(tile_a, rows);
  b.run(tile_b, rows);
  const std::int64_t count = rows * kPanel;
  if (subtract) {
    for (std::int64_t i = 0; i < count; ++i) tile_a[i] -= tile_b[i];
  } else {
    for (std::int64_t i = 0; i < count; ++i) tile_a[i] += tile_b[i];
  }
  out.run(tile_a, rows);
}

std::optional<VectorAdd> vector_add(const NodeSite& site, const Add& op) {
  if (op.floating || site.in(0).shape != site.in(1).shape) return std::nullopt;
  const std::int64_t elements = site.out().shape.elems();
  const IntType ta = site.in(0).type, tb = site.in(1).type;
  const auto xa = operand(ta, op.a_zero_point, op.left_shift), xb = operand(tb, op.b_zero_point, op.left_shift);
  if (!xa || !xb) return std::nullopt;
  auto a = scaler(op.branch_a, kUnlimited, *xa, elements), b = scaler(op.branch_b, kUnlimited, *xb, elements);
  if (!a || !b) return std::nullopt;
  const auto bound_a = branch_bound(op.branch_a, *xa, ta), bound_b = branch_bound(op.branch_b, *xb, tb);
  if (!bound_a || !bound_b || *bound_a + *bound_b > static_cast<std::uint64_t>(kInt32.max())) return std::nullopt;
  auto out = scaler(op.out, op.accumulator, Operand{.bound = *bound_a + *bound_b}, elements);
  if (!out) return std::nullopt;
  return VectorAdd{std::move(*a), std::move(*b), op.subtract, std::move(*out)};
}

std::optional<Scaler> vector_rescale(const NodeSite& site, const Rescale& op) {
  const auto x = operand(site.in(0).type, op.x_zero_point, 0);
  if (!x || op.requant.channels.size() != 1) return std::nullopt;
  return scaler(op.requant, kUnlimited, *x, site.out().shape.elems());
}

Prepared prepare_vector(const NodeSite& site, const Add& op) {
  auto add = vector_add(site, op);
  return add ? std::make_unique<AddNode>(std::move(*add)) : nullptr;
}

Prepared prepare_vector(const NodeSite& site, const Rescale& op) {
  auto rescale = vector_rescale(site, op);
  return rescale ? std::make_unique<RescaleNode>(std::move(*rescale)) : nullptr;
}

}  // namespace obz::fast
