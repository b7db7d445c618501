#include "ref/net/check_requant.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "ref/base/error.hpp"
#include "ref/net/bounds.hpp"
#include "ref/tensor/type_text.hpp"

namespace obz {
namespace {

/// |v| as an unsigned number; also right for INT64_MIN.
std::uint64_t magnitude(std::int64_t v) {
  return v < 0 ? ~static_cast<std::uint64_t>(v) + 1 : static_cast<std::uint64_t>(v);
}

bool product_fits(std::uint64_t a, std::uint64_t b, std::uint64_t addend) {
  constexpr std::uint64_t limit = std::uint64_t{1} << 63;
  if (addend >= limit) return false;
  return a == 0 || b <= (limit - 1 - addend) / a;
}

struct RequantChecker {
  IntType out;
  const std::string& where;

  void channel(const Channel& c, const Recipe& r, Range acc, std::size_t index) const {
    const auto fail = [&](const std::string& what) {
      throw Error(fmt::format("{}: requantizer channel {}: {}", where, index, what));
    };
    if (c.shift < 0 || c.shift > 63) fail(fmt::format("expected a shift in 0..63, got {}", c.shift));
    if (c.lo > c.hi || !out.holds(c.lo) || !out.holds(c.hi)) {
      fail(fmt::format("clamp [{}, {}] is not inside {}", c.lo, c.hi, type_text(out)));
    }
    constexpr std::int32_t zero_point_limit = 1 << 30;
    if (c.zero_point > zero_point_limit || c.zero_point < -zero_point_limit) {
      fail(fmt::format("zero point {} is out of range", c.zero_point));
    }
    if (r.arithmetic == Arithmetic::float32_scale || r.arithmetic == Arithmetic::float64_scale) {
      if (!std::isfinite(static_cast<float>(c.scale)) || c.scale < 0) {
        fail(fmt::format("expected a finite float32 scale >= 0, got {}", c.scale));
      }
      return;
    }
    std::uint64_t largest = std::max(magnitude(acc.lo), magnitude(acc.hi));
    if (r.zero_point == ZeroPointAt::before_scaling) largest += magnitude(c.zero_point);
    if (r.first_bits > 0) {
      constexpr std::uint64_t register32 = std::uint64_t{1} << 31;
      if (largest > register32) {
        fail(fmt::format("two-stage rounding takes a 32-bit accumulator, but this one reaches {}", largest));
      }
      if (c.shift < r.first_bits) largest = register32;  // after the left shift
    }
    if (!product_fits(largest, magnitude(c.multiplier), magnitude(c.addend))) {
      fail(fmt::format("accumulator {} * multiplier {} leaves 64 bits", largest, c.multiplier));
    }
  }

  void recipe(const Recipe& r) const {
    const bool widths = r.product_bits >= 2 && r.product_bits <= 64 && r.scaled_bits >= 2 && r.scaled_bits <= 64 &&
                        (r.first_bits == 0 || r.first_bits <= 62);
    if (!widths) {
      throw Error(fmt::format("{}: requantizer: first_bits {}, product_bits {}, scaled_bits {} are no register widths",
                              where, r.first_bits, r.product_bits, r.scaled_bits));
    }
    const bool early_clamp = r.clamp == ClampAt::before_rounding;
    if (early_clamp && r.arithmetic != Arithmetic::float32_scale && r.arithmetic != Arithmetic::float64_scale) {
      throw Error(fmt::format("{}: requantizer: clamp before_rounding needs a float recipe", where));
    }
  }

  void operator()(const Requant& r, Range acc, std::int64_t channels) const {
    recipe(r.recipe);
    const auto count = static_cast<std::int64_t>(r.channels.size());
    if (count != 1 && count != channels) {
      throw Error(fmt::format("{}: expected 1 or {} requantizer channels, got {}", where, channels, count));
    }
    for (std::size_t i = 0; i < r.channels.size(); ++i) channel(r.channels[i], r.recipe, acc, i);
  }
};

struct NodeChecker {
  const IntNet& net;
  const Node& node;
  const std::vector<Range>& ranges;
  const std::string& where;

  IntType type(std::size_t i) const { return net.tensors[static_cast<std::size_t>(node.inputs[i])].type; }
  const Shape& in_shape(std::size_t i) const { return net.tensors[static_cast<std::size_t>(node.inputs[i])].shape; }
  const TensorInfo& out() const { return net.tensors[static_cast<std::size_t>(node.outputs[0])]; }
  RequantChecker requant(IntType type) const { return {type, where}; }

  /// Multiplier operands are at most 17 bits wide after their zero point, so sums of 2^29 products fit in 64 bits.
  void operand(IntType t, std::int64_t zero_point) const {
    if (t.bits > 16)
      throw Error(fmt::format("{}: operands of a multiplication have at most 16 bits, got {}", where, type_text(t)));
    if (!t.holds(zero_point)) throw Error(fmt::format("{}: zero point {} is no {}", where, zero_point, type_text(t)));
  }

  /// What is only added up may have 32 bits: sums of 2^29 of them fit in 64.
  void term(IntType t, std::int64_t zero_point) const {
    if (!t.holds(zero_point)) throw Error(fmt::format("{}: zero point {} is no {}", where, zero_point, type_text(t)));
  }

  /// The range after the register, for the requantizer that follows.
  Range through(const Accumulator& a) const {
    if (a.bits < 2 || a.bits > 64) throw Error(fmt::format("{}: accumulator of {} bits", where, a.bits));
    const Range range = accumulator_range(net, node, ranges).value_or(Range{});
    const IntType reg{a.bits, true};
    if (reg.holds(range.lo) && reg.holds(range.hi)) return range;
    if (a.overflow == Overflow::exact) {
      throw Error(fmt::format("{}: the accumulator reaches [{}, {}], which needs {} bits, but it has {}", where,
                              range.lo, range.hi, signed_bits(range), a.bits));
    }
    return {reg.min(), reg.max()};
  }

  void filter_layer(const Filter& f, std::int32_t x_zero_point, const Accumulator& a, const Requant& r) const {
    operand(type(0), x_zero_point);
    operand(f.weights.type, 0);
    check_values(f.weights, where + " weights");
    requant(out().type)(r, through(a), f.out_channels());
  }

  void operator()(const Conv2d& op) const { filter_layer(op.filter, op.x_zero_point, op.accumulator, op.requant); }
  void operator()(const ConvTranspose2d& op) const {
    filter_layer(op.filter, op.x_zero_point, op.accumulator, op.requant);
  }
  void operator()(const Dense& op) const { filter_layer(op.filter, op.x_zero_point, op.accumulator, op.requant); }
  void operator()(const MatMul& op) const {
    for (const std::int64_t z : op.a_zero_points) operand(type(0), z);
    for (const std::int64_t z : op.b_zero_points) operand(type(1), z);
    requant(out().type)(op.requant, through(op.accumulator), out().shape[out().shape.rank() - 1]);
  }
  void operator()(const Add& op) const {
    const auto branch = [&](const Requant& r, std::size_t i, std::int64_t zero_point) {
      Range x = ranges[static_cast<std::size_t>(node.inputs[i])];
      x = {(x.lo - zero_point) << op.left_shift, (x.hi - zero_point) << op.left_shift};
      if (r.channels.size() != 1) throw Error(fmt::format("{}: expected one channel per branch", where));
      requant(kInt32)(r, x, 1);
    };
    if (!op.floating) {
      branch(op.branch_a, 0, op.a_zero_point);
      branch(op.branch_b, 1, op.b_zero_point);
    }
    requant(out().type)(op.out, op.floating ? Range{} : through(op.accumulator), 1);
  }
  void operator()(const Mul& op) const {
    operand(type(0), op.a_zero_point);
    operand(type(1), op.b_zero_point);
    requant(out().type)(op.requant, through(op.accumulator), 1);
  }
  void operator()(const MinMax&) const {
    if (type(0) != type(1) || type(0) != out().type) {
      throw Error(fmt::format("{}: operands and output must have one type", where));
    }
  }
  void operator()(const AvgPool& op) const {
    term(type(0), op.by == AverageBy::requant || op.count_includes_pad ? op.x_zero_point : 0);
    requant(out().type)(op.requant, through(op.accumulator), static_cast<std::int64_t>(op.requant.channels.size()));
  }
  void operator()(const MaxPool& op) const {
    same_type();
    if (op.lo > op.hi || !out().type.holds(op.lo) || !out().type.holds(op.hi)) {
      throw Error(fmt::format("{}: clamp [{}, {}] is not inside {}", where, op.lo, op.hi, type_text(out().type)));
    }
  }
  void operator()(const Mean& op) const {
    term(type(0), op.x_zero_point);
    requant(out().type)(op.requant, through(op.accumulator), 1);
  }
  void operator()(const Softmax& op) const {
    const bool wide = !op.exp_table.empty();
    const bool types = wide ? type(0) == kInt16 && out().type == kInt16
                            : type(0).bits <= 8 && (out().type.bits == 8 || out().type == kInt16);
    if (!types) {
      throw Error(fmt::format("{}: cannot map {} to {}", where, type_text(type(0)), type_text(out().type)));
    }
    for (const auto* table : {&op.exp_table, &op.reciprocal_table}) {
      for (const std::int64_t v : *table) {
        if (!kInt16.holds(v)) throw Error(fmt::format("{}: table value {} is no int16", where, v));
      }
    }
    const std::int64_t widest = type(0).max() - type(0).min();
    requant(kInt32)(op.difference, {-widest, 0}, 1);
  }
  void operator()(const Rescale& op) const {
    const Range range = *accumulator_range(net, node, ranges);
    requant(out().type)(op.requant, range, static_cast<std::int64_t>(op.requant.channels.size()));
  }
  void operator()(const Lookup& op) const {
    const IntType t = type(0);
    if (t.bits > 16 || op.table.elems() != (std::int64_t{1} << t.bits) || op.table.shape.rank() != 1) {
      throw Error(fmt::format("{}: a table for {} has {} entries, got {}", where, type_text(t),
                              std::int64_t{1} << std::min<int>(t.bits, 16), op.table.shape.text()));
    }
    if (op.table.type != out().type) {
      throw Error(fmt::format("{}: table of {}, output {}", where, type_text(op.table.type), type_text(out().type)));
    }
    check_values(op.table, where + " table");
  }
  void operator()(const Threshold& op) const {
    const auto count = static_cast<std::int64_t>(op.thresholds.size()) / op.channels;
    constexpr std::int64_t most = 1 << 16;
    const bool small = count <= most && std::abs(std::int64_t{op.step}) <= most;
    if (!small || !out().type.holds(op.lo) || !out().type.holds(op.lo + op.step * count)) {
      throw Error(
          fmt::format("{}: {} thresholds from {} by {} leave {}", where, count, op.lo, op.step, type_text(out().type)));
    }
  }
  void operator()(const Pad& op) const {
    same_type();
    if (!out().type.holds(op.value))
      throw Error(fmt::format("{}: {} is no {}", where, op.value, type_text(out().type)));
  }
  void operator()(const Concat& op) const {
    for (std::size_t i = 0; i < op.requants.size(); ++i) {
      const Range x = ranges[static_cast<std::size_t>(node.inputs[i])];
      const std::int64_t z = op.x_zero_points[i];
      if (!kInt32.holds(z)) throw Error(fmt::format("{}: zero point {} is out of range", where, z));
      requant(out().type)(op.requants[i], {x.lo - z, x.hi - z}, 1);
    }
  }
  void operator()(const Reshape&) const { same_type(); }
  void operator()(const Transpose&) const { same_type(); }
  void operator()(const Slice&) const { same_type(); }

  void same_type() const {
    if (type(0) != out().type) {
      throw Error(fmt::format("{}: input is {}, output {}", where, type_text(type(0)), type_text(out().type)));
    }
  }
};

/// Every requantizer has a channel: what follows, ranges included, relies on it.
void require_channels(const Node& node, const std::string& where) {
  const auto require = [&](const Requant& r) {
    if (r.channels.empty()) throw Error(fmt::format("{}: a requantizer has no channels", where));
  };
  std::visit(
      [&](const auto& op) {
        if constexpr (requires { op.requant.channels; }) require(op.requant);
        if constexpr (requires { op.out.channels; }) {
          require(op.branch_a);
          require(op.branch_b);
          require(op.out);
        }
        if constexpr (requires { op.difference.channels; }) require(op.difference);
        if constexpr (requires { op.requants.front().channels; }) {
          for (const Requant& r : op.requants) require(r);
        }
      },
      node.op);
}

}  // namespace

void check_arithmetic(const IntNet& net, const std::string& file) {
  const auto where_of = [&](std::size_t n) {
    return fmt::format("{}: layer {} \"{}\" ({})", file, n, net.nodes[n].name, operator_name(net.nodes[n].op));
  };
  for (std::size_t n = 0; n < net.nodes.size(); ++n) require_channels(net.nodes[n], where_of(n));
  const std::vector<Range> ranges = value_ranges(net);
  for (std::size_t n = 0; n < net.nodes.size(); ++n) {
    const Node& node = net.nodes[n];
    const std::string where = where_of(n);
    std::visit(NodeChecker{net, node, ranges, where}, node.op);
  }
}

}  // namespace obz
