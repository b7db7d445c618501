// Operators that move values.
#include <algorithm>

#include <fmt/format.h>

#include "ref/base/error.hpp"
#include "ref/read/tflite/lowering.hpp"

namespace obz::tflite {

void Lowering::reshape() {
  require_inputs(1, 2);
  require_same_quant(in(0), out());
  emit(Reshape{out().shape}, {value(0)});
}

void Lowering::transpose() {
  require_inputs(2, 2);
  require_same_quant(in(0), out());
  emit(Transpose{Shape(int_list(1))}, {value(0)});
}

void Lowering::pad() {
  require_inputs(2, 3);
  const TensorDef& x = in(0);
  require_same_quant(x, out());
  const std::vector<std::int64_t> pairs = int_list(1);  // [rank, 2]
  if (pairs.size() != 2 * x.shape.rank()) {
    throw Error(fmt::format("{}: expected {} paddings, got {}", where(), 2 * x.shape.rank(), pairs.size()));
  }
  Pad node;
  for (std::size_t i = 0; i < pairs.size(); i += 2) {
    node.before.push_back(pairs[i]);
    node.after.push_back(pairs[i + 1]);
  }
  node.value = static_cast<std::int32_t>(zero_point(out()));
  if (has_input(2)) {
    require_same_quant(in(2), out());
    const Tensor constant = constant_of(in(2));
    if (constant.data.size() != 1) unsupported("a padding value that is no scalar");
    node.value = constant.data[0];
  }
  emit(std::move(node), {value(0)});
}

void Lowering::concatenation() {
  if (op().inputs.empty()) throw Error(fmt::format("{}: no inputs", where()));
  if (op().options.activation != Activation::none) unsupported("a fused activation");
  const OutputQuant o = output(Activation::none);
  Concat node;
  node.axis = static_cast<std::int64_t>(resolve_axis(op().options.axis, out().shape.rank()));
  std::vector<int> parts;
  for (std::size_t i = 0; i < op().inputs.size(); ++i) {
    const TensorDef& x = in(i);
    if (same_quant(x, out())) {
      Requant keep = identity_requant(o.type);
      keep.channels[0].zero_point = static_cast<std::int32_t>(o.zero_point);
      node.requants.push_back(std::move(keep));
    } else {
      const double ratio = static_cast<double>(scale(x)) / static_cast<double>(o.scale);
      node.requants.push_back(fill_factor(profile_, ratio, o, where()));
      builder_.net().notes.push_back(
          fmt::format("CONCATENATION (operator {}): part {} has another scale and is rescaled under {}; the TFLite "
                      "kernels refuse or use floats here",
                      index_, i, profile_.id));
    }
    node.x_zero_points.push_back(zero_point(x));
    parts.push_back(value(i));
  }
  emit(std::move(node), std::move(parts));
}

void Lowering::strided_slice() {
  require_inputs(4, 4);
  const TensorDef& x = in(0);
  require_same_quant(x, out());
  const Options& o = op().options;
  if (o.ellipsis_mask != 0 || o.new_axis_mask != 0) unsupported("ellipsis_mask or new_axis_mask");
  const std::vector<std::int64_t> begin = int_list(1), end = int_list(2), step = int_list(3);
  const std::size_t rank = x.shape.rank();
  if (begin.size() > rank || end.size() != begin.size() || step.size() != begin.size()) {
    throw Error(fmt::format("{}: begin, end and strides have {}, {} and {} entries for rank {}", where(), begin.size(),
                            end.size(), step.size(), rank));
  }
  Slice node;
  for (std::size_t i = 0; i < rank; ++i) {
    const std::int64_t extent = x.shape[i];
    if (i >= begin.size()) {
      node.begin.push_back(0);
      node.step.push_back(1);
      node.extent.push_back(extent);
      node.shape.push_back(extent);
      continue;
    }
    const int bit = 1 << i;
    const std::int64_t s = step[i];
    if (s == 0) throw Error(fmt::format("{}: stride 0 on axis {}", where(), i));
    const auto from_end = [&](std::int64_t v) { return v < 0 ? v + extent : v; };
    std::int64_t first = std::clamp<std::int64_t>(from_end(begin[i]), s > 0 ? 0 : -1, s > 0 ? extent : extent - 1);
    std::int64_t last = std::clamp<std::int64_t>(from_end(end[i]), s > 0 ? 0 : -1, s > 0 ? extent : extent - 1);
    if ((o.begin_mask & bit) != 0) first = s > 0 ? 0 : extent - 1;
    if ((o.end_mask & bit) != 0) last = s > 0 ? extent : -1;
    const bool shrink = (o.shrink_axis_mask & bit) != 0;
    if (shrink) last = first + 1;
    const std::int64_t span = s > 0 ? last - first : first - last;
    const std::int64_t size = s > 0 ? s : -s;
    const std::int64_t count = shrink ? 1 : span <= 0 ? 0 : (span + size - 1) / size;
    node.begin.push_back(count == 0 ? 0 : first);
    node.step.push_back(shrink ? 1 : s);
    node.extent.push_back(count);
    if (!shrink) node.shape.push_back(count);
  }
  emit(std::move(node), {value(0)});
}

void Lowering::split() {
  require_inputs(2, 2);  // axis, x
  const TensorDef& x = in(1);
  const std::vector<std::int64_t> axes = int_list(0);
  const std::size_t axis = resolve_axis(axes.empty() ? 0 : axes[0], x.shape.rank());
  const auto parts = static_cast<std::int64_t>(op().outputs.size());
  if (parts < 1 || x.shape[axis] % parts != 0) {
    throw Error(fmt::format("{}: axis {} of {} does not split into {} parts", where(), axis, x.shape.text(), parts));
  }
  const int from = value(1);
  for (std::int64_t p = 0; p < parts; ++p) {
    require_same_quant(x, out(static_cast<std::size_t>(p)));
    Slice node;
    for (std::size_t i = 0; i < x.shape.rank(); ++i) {
      node.begin.push_back(i == axis ? p * (x.shape[axis] / parts) : 0);
      node.step.push_back(1);
      node.extent.push_back(i == axis ? x.shape[axis] / parts : x.shape[i]);
    }
    node.shape = node.extent;
    emit(std::move(node), {from}, static_cast<std::size_t>(p));
  }
}

}  // namespace obz::tflite
