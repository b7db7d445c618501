#include "ref/read/onnx/movement.hpp"

#include <algorithm>
#include <functional>
#include <numeric>

#include <fmt/format.h>

#include "ref/execute/naive.hpp"
#include "ref/net/validate.hpp"

namespace obz::onnx {
namespace {

using List = std::vector<std::int64_t>;

Shape slice_everything(const Shape& x) { return Shape(List(x.rank(), 0)); }

std::size_t axis_of(std::int64_t axis, std::size_t rank, const NodeView& view) {
  const auto signed_rank = static_cast<std::int64_t>(rank);
  if (axis < -signed_rank || axis >= signed_rank) {
    view.fail(fmt::format("expected an axis in {}..{}, got {}", -signed_rank, signed_rank - 1, axis));
  }
  return static_cast<std::size_t>(axis < 0 ? axis + signed_rank : axis);
}

Operator reshape(const NodeView& view, const Shape& x) {
  const List wanted = view.list("shape", 1).value_or(List{});
  const bool zero_is_zero = view.integer("allowzero", 0) != 0;
  Shape shape;
  std::int64_t product = 1, unknown = -1;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    std::int64_t extent = wanted[i];
    if (extent == 0 && !zero_is_zero) {
      if (i >= x.rank())
        view.fail(fmt::format("expected at most {} extents that copy the input's, got {}", x.rank(), i + 1));
      extent = x[i];
    }
    if (extent == -1 && unknown < 0) {
      unknown = static_cast<std::int64_t>(i);
    } else if (extent < 0 || extent > kMaxElems) {
      view.fail(fmt::format("expected extents >= 0 and at most one -1, got {}", fmt::join(wanted, " ")));
    } else {
      product = extent > 0 && product > kMaxElems / extent ? kMaxElems + 1 : product * extent;
    }
    shape.push_back(extent);
  }
  if (unknown >= 0) {
    if (product == 0 || x.elems() % product != 0) {
      view.fail(fmt::format("cannot reshape {} to {}", x.text(), fmt::join(wanted, "x")));
    }
    shape[static_cast<std::size_t>(unknown)] = x.elems() / product;
  }
  return Reshape{shape};
}

Operator flatten(const NodeView& view, const Shape& x) {
  const std::int64_t axis = view.integer("axis", 1);
  const auto rank = static_cast<std::int64_t>(x.rank());
  if (axis < -rank || axis > rank) view.fail(fmt::format("expected an axis in {}..{}, got {}", -rank, rank, axis));
  const auto cut = static_cast<std::size_t>(axis < 0 ? axis + rank : axis);
  return Reshape{Shape{elems_between(x, 0, cut), elems_between(x, cut, x.rank())}};
}

Operator squeeze(const NodeView& view, const Shape& x) {
  const std::optional<List> axes = view.list("axes", 1);
  std::vector<bool> drop(x.rank(), false);
  for (std::size_t i = 0; i < x.rank() && !axes; ++i) drop[i] = x[i] == 1;
  for (const std::int64_t axis : axes.value_or(List{})) drop[axis_of(axis, x.rank(), view)] = true;
  Shape shape;
  for (std::size_t i = 0; i < x.rank(); ++i) {
    if (!drop[i]) shape.push_back(x[i]);
    if (drop[i] && x[i] != 1) view.fail(fmt::format("expected extent 1 on axis {}, got {}", i, x.text()));
  }
  return Reshape{shape};
}

Operator unsqueeze(const NodeView& view, const Shape& x) {
  const List axes = view.list("axes", 1).value_or(List{});
  constexpr std::size_t most = 8;
  if (axes.size() > most) view.fail(fmt::format("expected at most {} axes, got {}", most, axes.size()));
  const std::size_t rank = x.rank() + axes.size();
  std::vector<bool> added(rank, false);
  for (const std::int64_t axis : axes) {
    const std::size_t at = axis_of(axis, rank, view);
    if (added[at]) view.fail(fmt::format("expected distinct axes, got {}", fmt::join(axes, " ")));
    added[at] = true;
  }
  Shape shape;
  std::size_t next = 0;
  for (std::size_t i = 0; i < rank; ++i) shape.push_back(added[i] ? 1 : x[next++]);
  return Reshape{shape};
}

Operator transpose(const NodeView& view, const Shape& x) {
  List reversed(x.rank());
  for (std::size_t i = 0; i < x.rank(); ++i) reversed[i] = static_cast<std::int64_t>(x.rank() - 1 - i);
  const List order = view.integer_list("perm", reversed);
  List sorted = order;
  std::sort(sorted.begin(), sorted.end(), std::greater<>());
  if (sorted != reversed) {
    view.fail(fmt::format("attribute \"perm\": expected a permutation of {} axes, got ({})", x.rank(),
                          fmt::join(order, " ")));
  }
  return Transpose{Shape(order)};
}

Operator slice(const NodeView& view, const Shape& x) {
  const List starts = view.list("starts", 1).value_or(List{}), ends = view.list("ends", 2).value_or(List{});
  List axes(starts.size());
  std::iota(axes.begin(), axes.end(), 0);
  axes = view.list("axes", 3).value_or(axes);
  const List steps = view.list("steps", 4).value_or(List(starts.size(), 1));
  if (ends.size() != starts.size() || axes.size() != starts.size() || steps.size() != starts.size()) {
    view.fail(fmt::format("expected equally many starts, ends, axes and steps, got {}, {}, {} and {}", starts.size(),
                          ends.size(), axes.size(), steps.size()));
  }
  Slice op{slice_everything(x), Shape(List(x.rank(), 1)), x, {}};
  for (std::size_t k = 0; k < starts.size(); ++k) {
    const std::size_t i = axis_of(axes[k], x.rank(), view);
    const std::int64_t extent = x[i];
    const std::int64_t step = std::clamp(steps[k], -kMaxElems, kMaxElems);
    if (step == 0) view.fail(fmt::format("expected a step other than 0 on axis {}", i));
    const auto bound = [&](std::int64_t v) {
      if (v < 0) v += extent;
      return std::clamp<std::int64_t>(v, step > 0 ? 0 : -1, step > 0 ? extent : extent - 1);
    };
    const std::int64_t first = bound(starts[k]), last = bound(ends[k]);
    const std::int64_t span = step > 0 ? last - first : first - last, size = step > 0 ? step : -step;
    op.extent[i] = span <= 0 ? 0 : (span + size - 1) / size;
    op.begin[i] = op.extent[i] == 0 ? 0 : first;
    op.step[i] = step;
  }
  op.shape = op.extent;
  return op;
}

Operator pad(const NodeView& view, const Shape& x, float& value) {
  const std::string mode = view.text("mode", "constant");
  if (mode != "constant") view.unsupported("a padding mode other than constant");
  const List pads = view.list("pads", 1).value_or(List{});
  value = view.real("value", 0);
  if (view.has(2)) {
    const bool integer = view.constant(2) != nullptr && !view.is_known_float(2);
    const std::vector<std::int64_t> list = integer ? view.integers(2, "padding value") : List{};
    if (integer && list.size() != 1) view.fail(fmt::format("expected one padding value, got {}", list.size()));
    constexpr std::int64_t exact = 1 << 24;
    if (integer && std::abs(list[0]) > exact) view.unsupported(fmt::format("padding with {}: up to 2^24 is", list[0]));
    value = integer ? static_cast<float>(list[0]) : view.scalar(2, "padding value");
  }
  List axes(x.rank());
  std::iota(axes.begin(), axes.end(), 0);
  if (view.has(3)) axes = view.integers(3, "axes");
  if (pads.size() != 2 * axes.size())
    view.fail(fmt::format("expected {} paddings, got {}", 2 * axes.size(), pads.size()));
  Pad op{slice_everything(x), slice_everything(x), 0};
  for (std::size_t k = 0; k < axes.size(); ++k) {
    const std::size_t i = axis_of(axes[k], x.rank(), view);
    op.before[i] = pads[k];
    op.after[i] = pads[k + axes.size()];
    if (op.before[i] < 0 || op.after[i] < 0) view.unsupported("paddings below 0");
  }
  return op;
}

}  // namespace

bool is_movement(std::string_view op_type) {
  constexpr std::string_view all[] = {"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Slice", "Pad"};
  return std::find(std::begin(all), std::end(all), op_type) != std::end(all);
}

Move movement_of(const NodeView& view, const Shape& x) {
  Move move{.node = &view.node(), .id = view.output()};
  const std::string& type = view.node().op_type;
  if (type == "Reshape") move.op = reshape(view, x);
  if (type == "Flatten") move.op = flatten(view, x);
  if (type == "Squeeze") move.op = squeeze(view, x);
  if (type == "Unsqueeze") move.op = unsqueeze(view, x);
  if (type == "Transpose") move.op = transpose(view, x);
  if (type == "Slice") move.op = slice(view, x);
  if (type == "Pad") move.op = pad(view, x, move.padding);
  return move;
}

std::vector<Move> split_of(const NodeView& view, const Shape& x) {
  const std::size_t axis = axis_of(view.integer("axis", 0), x.rank(), view);
  const auto parts = static_cast<std::int64_t>(view.node().outputs.size());
  // Without sizes the parts are equal; from operator set 18 on the last one may be smaller.
  const std::int64_t each = (x[axis] + parts - 1) / parts;
  List sizes(static_cast<std::size_t>(parts), each);
  sizes.back() = x[axis] - each * (parts - 1);
  sizes = view.list("split", 1).value_or(sizes);
  std::int64_t sum = 0;
  bool good = static_cast<std::int64_t>(sizes.size()) == parts;
  for (const std::int64_t size : sizes) {
    good = good && size >= 0 && size <= x[axis] - sum;
    sum += good ? size : 0;
  }
  if (!good || sum != x[axis]) {
    view.fail(
        fmt::format("axis {} of {} does not split into {} parts of {}", axis, x.text(), parts, fmt::join(sizes, " ")));
  }
  std::vector<Move> moves;
  std::int64_t first = 0;
  for (std::size_t p = 0; p < sizes.size(); ++p) {
    Slice op{slice_everything(x), Shape(List(x.rank(), 1)), x, {}};
    op.begin[axis] = sizes[p] == 0 ? 0 : first;
    op.extent[axis] = sizes[p];
    op.shape = op.extent;
    moves.push_back({&view.node(), view.node().outputs[p], op});
    first += sizes[p];
  }
  return moves;
}

std::int64_t moved_axis(const Operator& op, std::int64_t axis, const Shape& from, const Shape& to) {
  if (const auto* transposed = std::get_if<Transpose>(&op)) {
    const auto& order = transposed->permutation;
    return std::find(order.begin(), order.end(), axis) - order.begin();
  }
  const auto at = static_cast<std::size_t>(axis);
  if (std::holds_alternative<Reshape>(op)) {
    for (std::size_t i = 0; i < to.rank(); ++i) {
      if (to[i] == from[at] && elems_between(to, 0, i) == elems_between(from, 0, at))
        return static_cast<std::int64_t>(i);
    }
    return -1;
  }
  if (const auto* slice = std::get_if<Slice>(&op)) {  // as many as before may still be in reverse
    if (slice->begin[at] != 0 || slice->step[at] != 1) return -1;
  }
  return to.rank() == from.rank() && to[at] == from[at] ? axis : -1;
}

std::vector<std::int32_t> positions(const Operator& op, const Shape& x, const Shape& y) {
  Tensor from(x, kInt32), to(y, kInt32);
  std::iota(from.data.begin(), from.data.end(), 0);
  const Tensor* const inputs[] = {&from};
  run_naive(Node{.op = op}, inputs, to);
  return to.data;
}

}  // namespace obz::onnx
