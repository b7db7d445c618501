#include "ref/net/bounds.hpp"

#include <algorithm>

namespace obz {
namespace {

Range join(Range a, Range b) { return {std::min(a.lo, b.lo), std::max(a.hi, b.hi)}; }
Range shifted(Range r, std::int64_t zero_point) { return {r.lo - zero_point, r.hi - zero_point}; }
Range product(Range a, Range b) {
  const auto corners = {a.lo * b.lo, a.lo * b.hi, a.hi * b.lo, a.hi * b.hi};
  return {std::min(corners), std::max(corners)};
}

Range clamp_range(const Requant& r, IntType type) {
  Range range{r.channels[0].lo, r.channels[0].hi};
  for (const Channel& c : r.channels) range = join(range, {c.lo, c.hi});
  return {std::max(range.lo, type.min()), std::min(range.hi, type.max())};
}

/// One output channel: bias + sum of w * x, x free in `x` (zero point removed).
Range channel_range(const Filter& f, std::int64_t channel, Range x, bool padded) {
  const std::int64_t terms = f.weights.elems() / f.out_channels();
  Range sum{f.bias_of(channel), f.bias_of(channel)};
  for (std::int64_t k = 0; k < terms; ++k) {
    const std::int64_t w = f.weights.data[static_cast<std::size_t>(channel * terms + k)] - f.zero_point_of(channel);
    Range term = product({w, w}, x);
    if (padded) term = join(term, {0, 0});
    sum.lo += term.lo;
    sum.hi += term.hi;
  }
  return sum;
}

std::vector<Range> filter_ranges(const Filter& f, Range x, bool padded) {
  std::vector<Range> channels;
  for (std::int64_t o = 0; o < f.out_channels(); ++o) channels.push_back(channel_range(f, o, x, padded));
  return channels;
}

bool pads(const Window& w) { return (w.pad_top | w.pad_left | w.pad_bottom | w.pad_right) != 0; }

/// A requantizer is monotone, so its ends map to ends, unless its left shift can wrap.
Range branch_range(const Requant& r, Range in) {
  const Channel& c = r.channels[0];
  const int left = r.recipe.first_bits - c.shift;
  if (left > 0 && signed_bits(in) + left > 32) return {c.lo, c.hi};
  const std::int64_t a = r(in.lo, 0), b = r(in.hi, 0);
  return {std::min(a, b), std::max(a, b)};
}

Range join_all(const std::vector<Range>& ranges) {
  Range total = ranges.empty() ? Range{} : ranges[0];
  for (const Range r : ranges) total = join(total, r);
  return total;
}

struct RangesOfChannels {
  const Node& node;
  const std::vector<Range>& ranges;

  Range in(std::size_t i) const { return ranges[static_cast<std::size_t>(node.inputs[i])]; }

  std::vector<Range> operator()(const Conv2d& op) const {
    return filter_ranges(op.filter, shifted(in(0), op.x_zero_point), pads(op.window));
  }
  std::vector<Range> operator()(const ConvTranspose2d& op) const {
    return filter_ranges(op.filter, shifted(in(0), op.x_zero_point), true);
  }
  std::vector<Range> operator()(const Dense& op) const {
    return filter_ranges(op.filter, shifted(in(0), op.x_zero_point), false);
  }
  template <class Op>
  std::vector<Range> operator()(const Op&) const {
    return {};
  }
};

struct RangeOfAccumulator {
  const Node& node;
  const IntNet& net;
  const std::vector<Range>& ranges;

  Range in(std::size_t i) const { return ranges[static_cast<std::size_t>(node.inputs[i])]; }
  const Shape& shape(std::size_t i) const { return net.tensors[static_cast<std::size_t>(node.inputs[i])].shape; }

  std::optional<Range> operator()(const Conv2d& op) const { return join_all(RangesOfChannels{node, ranges}(op)); }
  std::optional<Range> operator()(const ConvTranspose2d& op) const {
    return join_all(RangesOfChannels{node, ranges}(op));
  }
  std::optional<Range> operator()(const Dense& op) const { return join_all(RangesOfChannels{node, ranges}(op)); }
  std::optional<Range> operator()(const MatMul& op) const {
    const auto widest = [](Range r, const std::vector<std::int64_t>& zero_points) {
      Range all = shifted(r, zero_points[0]);
      for (const std::int64_t z : zero_points) all = join(all, shifted(r, z));
      return all;
    };
    const Range one = product(widest(in(0), op.a_zero_points), widest(in(1), op.b_zero_points));
    const std::int64_t count = depth(op, shape(0));
    return Range{one.lo * count, one.hi * count};
  }
  std::optional<Range> operator()(const Add& op) const {
    if (op.floating) return std::nullopt;
    const auto branch = [&](const Requant& r, Range x, std::int64_t zero_point) {
      x = shifted(x, zero_point);
      return branch_range(r, {x.lo << op.left_shift, x.hi << op.left_shift});
    };
    const Range a = branch(op.branch_a, in(0), op.a_zero_point), b = branch(op.branch_b, in(1), op.b_zero_point);
    return op.subtract ? Range{a.lo - b.hi, a.hi - b.lo} : Range{a.lo + b.lo, a.hi + b.hi};
  }
  std::optional<Range> operator()(const Mul& op) const {
    return product(shifted(in(0), op.a_zero_point), shifted(in(1), op.b_zero_point));
  }
  std::optional<Range> operator()(const AvgPool& op) const {
    const std::int64_t count = std::int64_t{op.kernel_h} * op.kernel_w;
    const Range x = op.by == AverageBy::division ? in(0) : shifted(in(0), op.x_zero_point);
    return join(join(x, {0, 0}), {x.lo * count, x.hi * count});
  }
  std::optional<Range> operator()(const Mean& op) const {
    std::int64_t count = 1;
    for (const std::int64_t axis : op.axes) count *= shape(0)[static_cast<std::size_t>(axis)];
    const Range x = shifted(in(0), op.x_zero_point);
    return Range{x.lo * count, x.hi * count};
  }
  std::optional<Range> operator()(const Rescale& op) const { return shifted(in(0), op.x_zero_point); }
  template <class Op>
  std::optional<Range> operator()(const Op&) const {
    return std::nullopt;
  }
};

struct RangeOfOutput {
  const Node& node;
  const std::vector<Range>& ranges;
  IntType type;

  Range in(std::size_t i) const { return ranges[static_cast<std::size_t>(node.inputs[i])]; }
  Range whole() const { return {type.min(), type.max()}; }

  Range operator()(const Conv2d& op) const { return clamp_range(op.requant, type); }
  Range operator()(const ConvTranspose2d& op) const { return clamp_range(op.requant, type); }
  Range operator()(const Dense& op) const { return clamp_range(op.requant, type); }
  Range operator()(const MatMul& op) const { return clamp_range(op.requant, type); }
  Range operator()(const Add& op) const { return clamp_range(op.out, type); }
  Range operator()(const Mul& op) const { return clamp_range(op.requant, type); }
  Range operator()(const MinMax&) const { return join(in(0), in(1)); }
  Range operator()(const AvgPool& op) const { return clamp_range(op.requant, type); }
  Range operator()(const MaxPool& op) const { return {op.lo, op.hi}; }
  Range operator()(const Mean& op) const { return clamp_range(op.requant, type); }
  Range operator()(const Softmax&) const { return whole(); }
  Range operator()(const Rescale& op) const { return clamp_range(op.requant, type); }
  Range operator()(const Lookup& op) const {
    const auto [lo, hi] = std::minmax_element(op.table.data.begin(), op.table.data.end());
    return op.table.data.empty() ? whole() : Range{*lo, *hi};
  }
  Range operator()(const Threshold& op) const {
    const auto count = static_cast<std::int64_t>(op.thresholds.size()) / op.channels;
    return join({op.lo, op.lo}, {op.lo + op.step * count, op.lo + op.step * count});
  }
  Range operator()(const Pad& op) const { return join(in(0), {op.value, op.value}); }
  Range operator()(const Concat& op) const {
    Range range = clamp_range(op.requants[0], type);
    for (const Requant& r : op.requants) range = join(range, clamp_range(r, type));
    return range;
  }
  template <class Move>
  Range operator()(const Move&) const {
    return in(0);
  }
};

}  // namespace

int signed_bits(Range r) {
  for (int bits = 1; bits < 64; ++bits) {
    const IntType type{static_cast<std::uint8_t>(bits), true};
    if (type.holds(r.lo) && type.holds(r.hi)) return bits;
  }
  return 64;
}

std::vector<Range> value_ranges(const IntNet& net) {
  std::vector<Range> ranges;
  for (const TensorInfo& t : net.tensors) {
    Range range{t.type.min(), t.type.max()};
    if (t.constant && !t.constant->data.empty()) {
      const auto [lo, hi] = std::minmax_element(t.constant->data.begin(), t.constant->data.end());
      range = {*lo, *hi};
    }
    ranges.push_back(range);
  }
  for (const Node& node : net.nodes) {
    const auto out = static_cast<std::size_t>(node.outputs[0]);
    ranges[out] = std::visit(RangeOfOutput{node, ranges, net.tensors[out].type}, node.op);
  }
  return ranges;
}

std::optional<Range> accumulator_range(const IntNet& net, const Node& node, const std::vector<Range>& ranges) {
  return std::visit(RangeOfAccumulator{node, net, ranges}, node.op);
}

std::vector<Range> channel_accumulator_ranges(const Node& node, const std::vector<Range>& ranges) {
  return std::visit(RangesOfChannels{node, ranges}, node.op);
}

}  // namespace obz
