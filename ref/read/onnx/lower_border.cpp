// Where floats become integers and integers floats.
#include <algorithm>

#include <fmt/format.h>

#include "ref/border/convert.hpp"
#include "ref/read/onnx/constant.hpp"
#include "ref/read/onnx/dynamic_pattern.hpp"
#include "ref/read/onnx/lowering.hpp"
#include "ref/tensor/type_text.hpp"

namespace obz::onnx {

void Lowering::quantize_linear(const View& view) {
  view.require_inputs(2, 3);
  const auto is_outside = [&](std::size_t i) { return view.has(i) && std::holds_alternative<Outside>(view.in(i)); };
  if (is_outside(1) && is_outside(2) && is_dynamic_quantizer(view.node(), producers_, values_)) {
    dynamic_input(view, view.name(1), view.name(2));
    return;
  }
  for (std::size_t i = 0; i < view.input_count(); ++i) {
    if (is_outside(i)) throw Error(std::get<Outside>(view.in(i)).reason);
  }
  DataType type = static_cast<DataType>(view.integer("output_dtype", 0));
  if (view.has(2)) {
    const DataType given = view.known(2, "zero point").type;
    if (type != DataType::undefined && type != given) {
      view.fail(fmt::format("zero point \"{}\": expected {} as output_dtype says, got {}", view.name(2),
                            type_name(type), type_name(given)));
    }
    type = given;
  }
  if (type == DataType::undefined) type = DataType::uint8;
  const std::optional<IntType> integers = int_type(type);
  constexpr int widest = 16;
  if (!integers || integers->bits > widest)
    view.unsupported(fmt::format("{} as quantized type: integers of 2, 4, 8 and 16 bits are", type_name(type)));
  const std::int64_t precision = view.integer("precision", 0);
  if (precision != 0 && precision != static_cast<int>(DataType::float32))
    view.unsupported("a precision other than float32");

  const Shape* shape = shape_of(view.in(0));
  Quant quant = quant_of(view, 1, 2, type);
  set_axis(view, 1, *shape, quant);
  InputBorder border{.name = view.name(0), .lo = integers->min(), .hi = integers->max()};
  if (view.constant(0) != nullptr) {
    border.affine = quant.affine;
    const FloatTensor x{*shape, view.floats(0, "values")};
    const Tensor q = quantize(border, *integers, x).values;
    define(view.output(), make_integers(q.shape, {q.data.begin(), q.data.end()}, type));
    return;
  }
  Real value;
  if (std::holds_alternative<Integer>(view.in(0))) {  // int32 values are quantized as the reals they are
    value = Real{integer_operand(view, 0, Quant()), {}, {}, *shape};
  } else {
    value = real(view, 0);
  }
  Operand q{.type = *integers, .quant = quant, .id = view.output()};
  if (value.input() != nullptr) {
    q = emit_input(view, value, std::move(border), std::move(q));
  } else {
    if (!quant.per_tensor()) view.unsupported("activations with more than one scale");
    const OutputQuant out{.scale = quant.scale(),
                          .zero_point = quant.zero_point(),
                          .lo = q.type.min(),
                          .hi = q.type.max(),
                          .type = q.type};
    q = emit_quantized(view.node(), std::move(value), out, quant, view.output(), Padding::rounded);
  }
  if (q.tensor < 0) q.tensor = place(q);  // constants that keep their scale
  define(view.output(), Integer{q.tensor, q.shape, q.type});
}

void Lowering::dequantize_linear(const View& view) {
  view.require_inputs(2, 3);
  if (const auto* outside = std::get_if<Outside>(&view.in(0))) throw Error(outside->reason);
  const auto* integer = std::get_if<Integer>(&view.in(0));
  if (integer == nullptr && view.constant(0) == nullptr)
    view.fail(fmt::format("input \"{}\": expected integers, got floats", view.name(0)));
  Operand o = integer_operand(view, 0, Quant());
  o.quant = quant_of(view, 1, 2, data_type_of(o.type));
  set_axis(view, 1, o.shape, o.quant);
  annotate(o.tensor, o.quant);
  o.id = view.output();
  const Shape shape = o.shape;
  define_real(view, Real{std::move(o), {}, {}, shape});
}

void Lowering::dynamic_quantize_linear(const View& view) {
  view.require_inputs(1, 1);
  const auto name = [&](std::size_t i) {
    return i < view.node().outputs.size() ? view.node().outputs[i] : std::string();
  };
  for (std::size_t i = 1; i <= 2; ++i) {
    if (!name(i).empty())
      define(name(i), Outside{fmt::format("{}: its output \"{}\" is known at run time only", view.where(), name(i))});
  }
  dynamic_input(view, name(1), name(2));
}

/// A float input quantized over its own range.
void Lowering::dynamic_input(const View& view, const std::string& scale, const std::string& zero_point) {
  const Real value = real(view, 0);
  if (value.input() == nullptr)
    view.unsupported("dynamic quantization inside the network: of a float graph input it is");
  InputBorder border{.by = QuantizeBy::dynamic, .lo = kUInt8.min(), .hi = kUInt8.max()};
  border.scale_output = reported_name(scale);
  border.zero_point_output = reported_name(zero_point);
  const Operand q = emit_input(view, value, std::move(border), {.type = kUInt8, .id = view.output()});
  define(view.output(), Integer{q.tensor, q.shape, q.type});
}

/// The graph output a value is copied to, or its own name.
std::string Lowering::reported_name(const std::string& name) const {
  for (const ValueDef& output : model_.outputs) {
    const auto producer = std::find_if(model_.nodes.begin(), model_.nodes.end(), [&](const NodeDef& node) {
      return node.op_type == "Identity" && node.inputs.size() == 1 && node.inputs[0] == name &&
             node.outputs[0] == output.name;
    });
    if (output.name == name || producer != model_.nodes.end()) return output.name;
  }
  return name;
}

/// Between integer and float: integers are the reals they are. Between floats of one width: nothing.
void Lowering::cast(const View& view) {
  view.require_inputs(1, 1);
  const auto to = static_cast<DataType>(view.integer("to", 0));
  if (to != DataType::float32) view.unsupported(fmt::format("a cast to {}", type_name(to)));
  if (std::holds_alternative<Integer>(view.in(0))) {
    Operand o = integer_operand(view, 0, Quant());
    o.id = view.output();
    const Shape shape = o.shape;
    define_real(view, Real{std::move(o), {}, {}, shape});
    return;
  }
  define_real(view, real(view, 0));
}

}  // namespace obz::onnx
