#include "ref/read/onnx/fill_deferred.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "ref/read/onnx/float_table.hpp"

namespace obz::onnx {
namespace {

std::int64_t mean_count(const Mean& op, const Shape& x) {
  std::int64_t count = 1;
  for (const std::int64_t axis : op.axes) count *= x[static_cast<std::size_t>(axis)];
  return count;
}

/// Values that already have the output's meaning pass unchanged, inside the clamp.
Requant keep(const OutputQuant& out) {
  Requant r = identity_requant(out.type);
  r.channels[0].zero_point = static_cast<std::int32_t>(out.zero_point);
  r.channels[0].lo = out.lo;
  r.channels[0].hi = out.hi;
  return r;
}

/// Operands of more than 8 bits leave 32-bit sums on ordinary layers. These are float operators: what stands for them
/// must not wrap, so it gets a register that cannot.
bool is_wide(const Deferred& d) {
  const bool wide_filter = std::visit(
      [](const auto& op) {
        if constexpr (requires { op.filter; }) return op.filter.weights.type.bits > 8;
        return false;
      },
      d.op);
  return wide_filter ||
         std::any_of(d.operands.begin(), d.operands.end(), [](const Operand& o) { return o.type.bits > 8; });
}

struct Fill {
  const Deferred& d;
  const Profile& profile;
  const OutputQuant& out;
  bool out_is_float16;
  const std::string& where;

  const Operand& x(std::size_t i = 0) const { return d.operands[i]; }

  Requant mac(bool convolution) const {
    // TFLite forms the scales of signed convolutions per channel even when there is one; for ONNX it makes no
    // difference.
    const bool per_channel = d.weight_scales.size() > 1 || (convolution && x().type.is_signed);
    const bool float16 = x().quant.is_float16 && d.weights_are_float16 && out_is_float16;
    return fill_requant(profile, x().quant.scale(), d.weight_scales, per_channel, out, where, float16);
  }
  Accumulator accumulator() const { return is_wide(d) ? Accumulator{64, Overflow::exact} : fill_accumulator(profile); }
  template <class Mac>
  Operator layer(Mac op, bool convolution) const {
    op.accumulator = accumulator();
    op.requant = mac(convolution);
    return op;
  }

  Operator operator()(const Conv2d& op) const { return layer(op, true); }
  Operator operator()(const ConvTranspose2d& op) const { return layer(op, true); }
  Operator operator()(const Dense& op) const { return layer(op, false); }
  Operator operator()(const MatMul& op) const { return layer(op, false); }
  Operator operator()(const Add& op) const {
    const auto operand = [&](std::size_t i) {
      return AddOperand{x(i).quant.scale(), x(i).quant.zero_point(), x(i).type};
    };
    return fill_add(profile, operand(0), operand(1), out, op.subtract, where);
  }
  Operator operator()(Mul op) const {
    op.accumulator = accumulator();
    const float sb = x(1).quant.scale();
    op.requant = fill_requant(profile, x(0).quant.scale(), {&sb, 1}, true, out, where);
    return op;
  }
  Operator operator()(AvgPool op) const {
    fill_avg_pool(profile, op, x().quant.scale(), out, where);
    op.accumulator = accumulator();
    return op;
  }
  Operator operator()(Mean op) const {
    fill_mean(profile, op, mean_count(op, x().shape), x().quant.scale(), out, where);
    op.accumulator = accumulator();
    return op;
  }
  Operator operator()(const Lookup& op) const { return float_table(op.function, d.alpha, d.beta, x(), out, where); }
  Operator operator()(Concat op) const {
    for (std::size_t i = 0; i < d.operands.size(); ++i) {
      const Quant& q = x(i).quant;
      const bool same = x(i).type == out.type && q.scale() == out.scale && q.zero_point() == out.zero_point;
      const double ratio = static_cast<double>(q.scale()) / static_cast<double>(out.scale);
      op.requants.push_back(same ? keep(out) : fill_factor(profile, ratio, out, where));
      op.x_zero_points.push_back(q.zero_point());
    }
    return op;
  }
  template <class Other>
  Operator operator()(const Other& op) const {
    return op;
  }
};

struct Accumulate {
  const Deferred& d;
  const Profile& profile;
  using Result = std::optional<Sums>;

  double scale(std::size_t i = 0) const { return static_cast<double>(d.operands[i].quant.scale()); }
  /// The sums themselves are the result, in 32 bits: wide ones are refused where they do not fit.
  Accumulator accumulator() const { return is_wide(d) ? Accumulator{32, Overflow::exact} : fill_accumulator(profile); }

  template <class Mac>
  Result layer(Mac op, std::size_t axis) const {
    op.accumulator = accumulator();
    op.requant = identity_requant(kInt32);
    Sums sums{std::move(op), {}, d.weight_scales.size() > 1 ? static_cast<std::int64_t>(axis) : -1};
    for (const float w : d.weight_scales) sums.scales.push_back(scale() * static_cast<double>(w));
    return sums;
  }
  Result operator()(const Conv2d& op) const { return layer(op, 1); }
  Result operator()(const ConvTranspose2d& op) const { return layer(op, 1); }
  Result operator()(const Dense& op) const { return layer(op, d.shape.rank() - 1); }
  Result operator()(const MatMul& op) const { return layer(op, d.shape.rank() - 1); }
  Result operator()(Add op) const {
    if (scale(0) != scale(1)) return std::nullopt;
    op.a_zero_point = static_cast<std::int32_t>(d.operands[0].quant.zero_point());
    op.b_zero_point = static_cast<std::int32_t>(d.operands[1].quant.zero_point());
    op.branch_a = op.branch_b = op.out = identity_requant(kInt32);
    op.accumulator = accumulator();
    return Sums{op, {scale()}};
  }
  Result operator()(Mul op) const {
    op.accumulator = accumulator();
    op.requant = identity_requant(kInt32);
    return Sums{op, {scale(0) * scale(1)}};
  }
  Result operator()(AvgPool op) const {
    const Window& w = op.window;
    const bool pads = (w.pad_top | w.pad_left | w.pad_bottom | w.pad_right) != 0;
    if (pads && !op.count_includes_pad) return std::nullopt;  // windows of different counts
    const auto count = static_cast<std::size_t>(std::int64_t{op.kernel_h} * op.kernel_w);
    op.by = AverageBy::requant;
    op.accumulator = accumulator();
    op.requant = identity_requant(kInt32);
    op.requant.channels.resize(count, op.requant.channels[0]);
    return Sums{op, {scale() / static_cast<double>(count)}};
  }
  Result operator()(Mean op) const {
    op.accumulator = accumulator();
    op.requant = identity_requant(kInt32);
    return Sums{op, {scale() / static_cast<double>(mean_count(op, d.operands[0].shape))}};
  }
  template <class Other>
  Result operator()(const Other&) const {
    return std::nullopt;
  }
};

}  // namespace

bool same_quant(const Operand& a, const Operand& b) {
  const AffineScale &p = a.quant.affine, &q = b.quant.affine;
  return a.type == b.type && a.quant.per_tensor() && b.quant.per_tensor() && p.scales == q.scales &&
         a.quant.zero_point() == b.quant.zero_point();
}

bool preserves_values(const Deferred& d) {
  if (!std::holds_alternative<MinMax>(d.op) && !std::holds_alternative<Concat>(d.op)) return false;
  return std::all_of(d.operands.begin(), d.operands.end(),
                     [&](const Operand& o) { return same_quant(o, d.operands[0]); });
}

Operator fill(const Deferred& d, const Profile& profile, const OutputQuant& out, bool out_is_float16,
              const std::string& where) {
  return std::visit(Fill{d, profile, out, out_is_float16, where}, d.op);
}

std::optional<Sums> sums_of(const Deferred& d, const Profile& profile) {
  if (!preserves_values(d)) return std::visit(Accumulate{d, profile}, d.op);
  return std::nullopt;
}

Filter* filter_of(Operator& op) {
  if (auto* conv = std::get_if<Conv2d>(&op)) return &conv->filter;
  if (auto* conv = std::get_if<ConvTranspose2d>(&op)) return &conv->filter;
  if (auto* dense = std::get_if<Dense>(&op)) return &dense->filter;
  return nullptr;
}

}  // namespace obz::onnx
