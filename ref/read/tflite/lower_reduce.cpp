// Pools, mean, softmax.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "ref/base/error.hpp"
#include "ref/read/tables.hpp"
#include "ref/read/tflite/lowering.hpp"

namespace obz::tflite {

void Lowering::average_pool() {
  require_inputs(1, 1);
  const TensorDef& x = in(0);
  require_same_quant(x, out());  // the operator has no multiplier
  AvgPool node;
  node.kernel_h = op().options.filter_h;
  node.kernel_w = op().options.filter_w;
  if (x.shape.rank() == 4) node.window = window(x.shape[1], x.shape[2], node.kernel_h, node.kernel_w);
  node.x_zero_point = static_cast<std::int32_t>(zero_point(x));
  fill_avg_pool(profile_, node, scale(x), output(op().options.activation), where());
  emit(std::move(node), {value(0)});
}

void Lowering::max_pool() {
  require_inputs(1, 1);
  const TensorDef& x = in(0);
  require_same_quant(x, out());
  const OutputQuant o = output(op().options.activation);
  MaxPool node;
  node.kernel_h = op().options.filter_h;
  node.kernel_w = op().options.filter_w;
  if (x.shape.rank() == 4) node.window = window(x.shape[1], x.shape[2], node.kernel_h, node.kernel_w);
  node.lo = static_cast<std::int32_t>(o.lo);
  node.hi = static_cast<std::int32_t>(o.hi);
  emit(node, {value(0)});
}

void Lowering::mean() {
  require_inputs(2, 2);
  const TensorDef& x = in(0);
  Mean node;
  std::vector<std::int64_t> axes;
  std::int64_t count = 1;
  for (const std::int64_t axis : int_list(1)) {
    const std::size_t resolved = resolve_axis(axis, x.shape.rank());
    if (std::find(axes.begin(), axes.end(), static_cast<std::int64_t>(resolved)) != axes.end()) continue;
    axes.push_back(static_cast<std::int64_t>(resolved));
    count *= x.shape[resolved];
  }
  node.axes = Shape(std::move(axes));
  node.keep_dims = op().options.keep_dims;
  node.x_zero_point = static_cast<std::int32_t>(zero_point(x));
  fill_mean(profile_, node, count, scale(x), output(Activation::none), where());
  emit(std::move(node), {value(0)});
}

/// The softmax of TFLite has its own fixed-point arithmetic; a profile only decides how the differences are scaled.
/// Profiles outside the TFLite family take tflite/double for that.
void Lowering::softmax() {
  require_inputs(1, 1);
  const TensorDef& x = in(0);
  const bool tflite_family = profile_.add == AddRule::common_scale && profile_.is_dyadic();
  const Profile& profile = tflite_family ? profile_ : find_profile("tflite/double");
  if (!tflite_family) {
    builder_.net().notes.push_back(fmt::format(
        "SOFTMAX (operator {}) keeps TFLite's fixed-point arithmetic; profile {} defines none", index_, profile_.id));
  }
  const double sx = static_cast<double>(scale(x)), beta = static_cast<double>(op().options.beta);
  if (!(beta > 0) || !std::isfinite(beta)) throw Error(fmt::format("{}: expected beta > 0, got {}", where(), beta));
  const OutputQuant differences{.lo = kInt32.min(), .hi = kInt32.max(), .type = kInt32};
  Softmax node;
  if (x.type == Type::int16) {
    if (out().type != Type::int16) unsupported("int16 input with another output type");
    node.difference = fill_factor(profile, sx * beta / (10.0 / 65535.0), differences, where());
    node.exp_table = softmax_exp_table();
    node.reciprocal_table = softmax_reciprocal_table();
    emit(std::move(node), {value(0)});
    return;
  }
  constexpr int integer_bits = 5;  // differences become Q5.26
  const bool single = profile.recipe.first_bits == 0;
  const double largest = single ? std::ldexp(1.0, 30) - 1 : std::ldexp(1.0, 31) - 1;
  const double factor = std::min(beta * sx * std::ldexp(1.0, 31 - integer_bits), largest);
  if (!(factor > 1)) throw Error(fmt::format("{}: scale {} is too small for the fixed-point softmax", where(), sx));
  node.difference = fill_factor(profile, factor, differences, where());
  const int left_shift = 31 - node.difference.channels[0].shift;
  const double radius = ((1 << integer_bits) - 1) * std::ldexp(1.0, 31 - integer_bits) / std::ldexp(1.0, left_shift);
  node.diff_min = -static_cast<std::int64_t>(std::floor(radius));
  emit(std::move(node), {value(0)});
}

}  // namespace obz::tflite
