#include "ref/read/onnx/fold.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "ref/net/validate.hpp"
#include "ref/read/onnx/constant.hpp"
#include "ref/read/onnx/movement.hpp"

namespace obz::onnx {
namespace {

using List = std::vector<std::int64_t>;

/// Broadcasting and gathering multiply sizes: a small file must not ask for gigabytes.
void require_bearable(const Shape& shape, const NodeView& view) {
  check_shape(shape, view.where());
  constexpr std::int64_t most = std::int64_t{1} << 24;
  if (shape.elems() > most) {
    view.fail(fmt::format("expected a constant of at most {} elements, got {}", most, shape.text()));
  }
}

ConstantPtr constant(const NodeView& view) {
  if (ConstantPtr value = view.tensor("value")) return value;
  if (view.has_attribute("value_int")) return make_integers({}, {view.integer("value_int", 0)});
  if (view.has_attribute("value_float")) return make_floats({}, {view.real("value_float", 0)});
  if (view.has_attribute("value_ints")) {
    const List list = view.integer_list("value_ints");
    return make_integers(Shape{static_cast<std::int64_t>(list.size())}, list);
  }
  view.unsupported("a Constant that is no tensor, integer, list of integers or float");
}

ConstantPtr shape(const NodeView& view) {
  const Shape* whole = shape_of(view.in(0));
  if (whole == nullptr) view.unsupported("the shape of a float value behind the integer part");
  const auto rank = static_cast<std::int64_t>(whole->rank());
  const auto bound = [&](std::int64_t v) { return std::clamp<std::int64_t>(v < 0 ? v + rank : v, 0, rank); };
  const std::int64_t first = bound(view.integer("start", 0)), last = bound(view.integer("end", rank));
  const List extents(whole->begin() + first, whole->begin() + std::max(first, last));
  return make_integers(Shape{static_cast<std::int64_t>(extents.size())}, extents);
}

ConstantPtr cast(const NodeView& view, const Constant& x) {
  const auto to = static_cast<DataType>(view.integer("to", 0));
  if (to == x.type) return std::make_shared<Constant>(x);
  const bool to_integer = int_type(to) || to == DataType::int64 || to == DataType::boolean;
  if (!to_integer && to != DataType::float32) view.unsupported(fmt::format("a constant cast to {}", type_name(to)));
  if (!is_float(x.type)) {
    List values = integers_of(x, view.where());
    if (to_integer) {
      if (to == DataType::boolean)
        std::transform(values.begin(), values.end(), values.begin(), [](auto v) { return v != 0; });
      return make_integers(x.array.shape, values, to);
    }
    return make_floats(x.array.shape, std::vector<float>(values.begin(), values.end()));
  }
  const std::vector<float> values = floats_of(x, view.where());
  if (!to_integer) return make_floats(x.array.shape, values);
  List integers;
  for (const float v : values) {
    constexpr float limit = 9.2e18F;
    if (!(std::fabs(v) < limit)) view.fail(fmt::format("expected values that are integers, got {}", v));
    integers.push_back(to == DataType::boolean ? v != 0 : static_cast<std::int64_t>(v));
  }
  return make_integers(x.array.shape, integers, to);
}

ConstantPtr gather(const NodeView& view, const Constant& x) {
  const Shape& from = x.array.shape;
  const List indices = view.integers(1, "indices");
  const std::int64_t axis = view.integer("axis", 0), rank = static_cast<std::int64_t>(from.rank());
  if (axis < -rank || axis >= rank) view.fail(fmt::format("expected an axis in {}..{}, got {}", -rank, rank - 1, axis));
  const auto at = static_cast<std::size_t>(axis < 0 ? axis + rank : axis);
  const std::int64_t outer = elems_between(from, 0, at), inner = elems_between(from, at + 1, from.rank());
  Shape to(List(from.begin(), from.begin() + static_cast<std::ptrdiff_t>(at)));
  for (const std::int64_t extent : view.constant(1)->array.shape) to.push_back(extent);
  for (std::size_t i = at + 1; i < from.rank(); ++i) to.push_back(from[i]);
  require_bearable(to, view);
  std::vector<std::int32_t> picked;
  for (std::int64_t o = 0; o < outer; ++o) {
    for (std::int64_t index : indices) {
      if (index < 0) index += from[at];
      if (index < 0 || index >= from[at]) view.fail(fmt::format("expected indices below {}, got {}", from[at], index));
      for (std::int64_t i = 0; i < inner; ++i)
        picked.push_back(static_cast<std::int32_t>((o * from[at] + index) * inner + i));
    }
  }
  return pick(x, to, picked);
}

ConstantPtr concat(const NodeView& view) {
  const Constant& first = view.known(0, "part");
  const auto rank = static_cast<std::int64_t>(first.array.shape.rank());
  std::int64_t axis = view.integer("axis", 0);
  if (axis < 0) axis += rank;
  auto result = std::make_shared<Constant>(Constant{first.type, {first.array.kind, first.array.item_bytes, {}, {}}});
  std::vector<Shape> shapes;
  for (std::size_t i = 0; i < view.input_count(); ++i) shapes.push_back(view.known(i, "part").array.shape);
  Concat op{axis, List(shapes.size()), std::vector<Requant>(shapes.size())};
  result->array.shape = infer_shape(op, shapes, view.where());
  const auto at = static_cast<std::size_t>(axis);
  const std::int64_t outer = elems_between(result->array.shape, 0, at);
  for (std::int64_t o = 0; o < outer; ++o) {
    for (std::size_t i = 0; i < shapes.size(); ++i) {
      const Constant& part = *view.constant(i);
      if (part.type != first.type) view.fail("expected parts of one type");
      const std::int64_t bytes = elems_between(shapes[i], at, shapes[i].rank()) * part.array.item_bytes;
      const auto begin = part.array.bytes.begin() + o * bytes;
      result->array.bytes.insert(result->array.bytes.end(), begin, begin + bytes);
    }
  }
  return result;
}

/// Two operands with broadcasting; `f` on equal types.
template <class T, class F>
std::vector<T> elementwise(const std::vector<T>& a, const Shape& sa, const std::vector<T>& b, const Shape& sb,
                           const Shape& y, F&& f) {
  const List stride = strides_of(y), stride_a = broadcast_strides(sa, y), stride_b = broadcast_strides(sb, y);
  std::vector<T> out;
  for (std::int64_t i = 0; i < y.elems(); ++i) {
    std::int64_t at_a = 0, at_b = 0;
    for (std::size_t axis = 0; axis < y.rank(); ++axis) {
      const std::int64_t index = i / stride[axis] % y[axis];
      at_a += index * stride_a[axis];
      at_b += index * stride_b[axis];
    }
    out.push_back(f(a[static_cast<std::size_t>(at_a)], b[static_cast<std::size_t>(at_b)]));
  }
  return out;
}

float float_operation(const std::string& op, float a, float b) {
  if (op == "Add") return a + b;
  if (op == "Sub") return a - b;
  if (op == "Mul") return a * b;
  if (op == "Div") return a / b;
  return static_cast<float>(std::pow(static_cast<double>(a), static_cast<double>(b)));
}

std::int64_t integer_operation(const NodeView& view, std::int64_t a, std::int64_t b) {
  const std::string& op = view.node().op_type;
  constexpr std::int64_t limit = std::int64_t{1} << 31;
  if (a <= -limit || a >= limit || b <= -limit || b >= limit || (op == "Div" && b == 0)) {
    view.fail(fmt::format("cannot compute {} with {}", a, b));
  }
  if (op == "Add") return a + b;
  if (op == "Sub") return a - b;
  if (op == "Mul") return a * b;
  if (op == "Div") return a / b;
  view.unsupported("a power of integers");
}

ConstantPtr binary(const NodeView& view) {
  view.require_inputs(2, 2);
  const Constant &a = view.known(0, "operand"), &b = view.known(1, "operand");
  const Shape &sa = a.array.shape, &sb = b.array.shape, y = broadcast(sa, sb);
  require_bearable(y, view);
  if (is_float(a.type)) {
    const auto f = [&](float u, float v) { return float_operation(view.node().op_type, u, v); };
    return make_floats(y, elementwise(view.floats(0, "operand"), sa, view.floats(1, "operand"), sb, y, f));
  }
  const auto f = [&](std::int64_t u, std::int64_t v) { return integer_operation(view, u, v); };
  return make_integers(y, elementwise(view.integers(0, "operand"), sa, view.integers(1, "operand"), sb, y, f), a.type);
}

/// One value, 0 unless the attribute gives it, in the shape the input lists.
ConstantPtr constant_of_shape(const NodeView& view) {
  const std::vector<std::int64_t> extents = view.integers(0, "shape");
  const Shape y(extents);
  for (const std::int64_t e : extents) {
    if (e < 0) view.fail(fmt::format("expected extents >= 0, got {}", fmt::join(extents, " ")));
  }
  require_bearable(y, view);
  const ConstantPtr value = view.tensor("value");
  if (value != nullptr && value->array.shape.elems() != 1) view.fail("expected a value of one element");
  const auto count = static_cast<std::size_t>(y.elems());
  if (value == nullptr || is_float(value->type)) {
    const float v = value == nullptr ? 0.0F : floats_of(*value, view.where())[0];
    return make_floats(y, std::vector<float>(count, v));
  }
  return make_integers(y, std::vector<std::int64_t>(count, integers_of(*value, view.where())[0]), value->type);
}

ConstantPtr moved(const NodeView& view, const Constant& x, const Move& move) {
  const Shape& from = x.array.shape;
  const Shape to = infer_shape(move.op, {&from, 1}, view.where());
  return pick(x, to, positions(move.op, from, to));
}

}  // namespace

std::optional<std::vector<ConstantPtr>> fold(const NodeView& view) {
  using Result = std::vector<ConstantPtr>;
  const std::string& type = view.node().op_type;
  if (type == "Constant") return Result{constant(view)};
  if (type == "Shape") return Result{shape(view)};
  if (!view.has(0)) return std::nullopt;
  for (std::size_t i = 0; i < view.input_count(); ++i) {
    if (view.has(i) && view.constant(i) == nullptr) return std::nullopt;
  }
  const Constant& x = view.known(0, "operand");
  if (type == "Identity") return Result{std::get<ConstantPtr>(view.in(0))};
  if (!storage_of(x.type)) return std::nullopt;
  if (type == "Cast") return Result{cast(view, x)};
  if (type == "ConstantOfShape") return Result{constant_of_shape(view)};
  if (type == "Gather") return Result{gather(view, x)};
  if (type == "Concat") return Result{concat(view)};
  if (type == "Add" || type == "Sub" || type == "Mul" || type == "Div" || type == "Pow") return Result{binary(view)};
  if (type == "Sqrt" && is_float(x.type)) {
    std::vector<float> values = view.floats(0, "operand");
    for (float& v : values) v = std::sqrt(v);
    return Result{make_floats(x.array.shape, values)};
  }
  if (type == "Split") {
    Result parts;
    for (const Move& move : split_of(view, x.array.shape)) parts.push_back(moved(view, x, move));
    return parts;
  }
  if (is_movement(type) && type != "Pad") return Result{moved(view, x, movement_of(view, x.array.shape))};
  return std::nullopt;
}

}  // namespace obz::onnx
