// Elementwise operators, tables and the borders.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "ref/base/error.hpp"
#include "ref/read/tables.hpp"
#include "ref/read/tflite/lowering.hpp"

namespace obz::tflite {

void Lowering::add() {
  require_inputs(2, 2);
  const TensorDef &a = in(0), &b = in(1);
  emit(fill_add(profile_, {scale(a), zero_point(a), int_type(a)}, {scale(b), zero_point(b), int_type(b)},
                output(op().options.activation), op().name == "SUB", where()),
       {value(0), value(1)});
}

void Lowering::sub() { add(); }

void Lowering::mul() {
  require_inputs(2, 2);
  const TensorDef &a = in(0), &b = in(1);
  Mul node;
  node.a_zero_point = static_cast<std::int32_t>(zero_point(a));
  node.b_zero_point = static_cast<std::int32_t>(zero_point(b));
  node.accumulator = fill_accumulator(profile_);
  const float sb = scale(b);
  node.requant = fill_requant(profile_, scale(a), {&sb, 1}, true, output(op().options.activation), where());
  emit(std::move(node), {value(0), value(1)});
}

void Lowering::maximum() {
  require_inputs(2, 2);
  require_same_quant(in(0), in(1));
  require_same_quant(in(0), out());
  emit(MinMax{op().name == "MAXIMUM"}, {value(0), value(1)});
}

void Lowering::minimum() { maximum(); }

void Lowering::relu() {
  require_inputs(1, 1);
  const TensorDef& x = in(0);
  const Activation activation = op().name == "RELU"    ? Activation::relu
                                : op().name == "RELU6" ? Activation::relu6
                                                       : Activation::relu_n1_to_1;
  const OutputQuant o = output(activation);
  Rescale node;
  node.x_zero_point = static_cast<std::int32_t>(zero_point(x));
  if (same_quant(x, out())) {
    node.requant = identity_requant(o.type);
    Channel& c = node.requant.channels[0];
    c.zero_point = static_cast<std::int32_t>(o.zero_point);
    c.lo = o.lo;
    c.hi = o.hi;
  } else {
    node.requant = fill_factor(profile_, static_cast<double>(scale(x)) / static_cast<double>(o.scale), o, where());
  }
  emit(std::move(node), {value(0)});
}

void Lowering::table() {
  require_inputs(1, 1);
  const TensorDef& x = in(0);
  if (int_type(x).bits != 8 || int_type(out()).bits != 8) unsupported(fmt::format("{} activations", type_name(x.type)));
  const TableQuant from{scale(x), zero_point(x), int_type(x)}, to{scale(out()), zero_point(out()), int_type(out())};
  Lookup node;
  if (op().name == "HARD_SWISH") {
    node = tflite_hard_swish_table(from, to, where());
  } else {
    node = op().name == "LOGISTIC" ? logistic_table(from, to) : tanh_table(from, to);
  }
  emit(std::move(node), {value(0)});
}

void Lowering::quantize() {
  require_inputs(1, 1);
  const TensorDef& x = in(0);
  const OutputQuant o = output(Activation::none);
  if (x.type == Type::float32) {
    const int index = op().inputs[0];
    if (std::find(model_.inputs.begin(), model_.inputs.end(), index) == model_.inputs.end()) {
      unsupported("a QUANTIZE of computed floats");
    }
    const int tensor = builder_.add_tensor(info_of(op().outputs[0]));
    value_[static_cast<std::size_t>(op().outputs[0])] = tensor;
    builder_.add_input(tensor);
    InputBorder border{.name = x.name, .tensor = tensor, .rounding = Rounding::half_away, .lo = o.lo, .hi = o.hi};
    border.affine = {{static_cast<double>(o.scale)}, {o.zero_point}};
    builder_.net().input_borders.push_back(std::move(border));
    return;
  }
  Rescale node;
  node.x_zero_point = static_cast<std::int32_t>(zero_point(x));
  node.requant = fill_factor(profile_, static_cast<double>(scale(x)) / static_cast<double>(o.scale), o, where());
  emit(std::move(node), {value(0)});
}

void Lowering::dequantize() {
  require_inputs(1, 1);
  const TensorDef& x = in(0);
  is_float_[static_cast<std::size_t>(op().outputs[0])] = true;
  OutputBorder border{.name = out().name, .tensor = value(0)};
  border.affine = {{static_cast<double>(scale(x))}, {zero_point(x)}};
  builder_.net().output_borders.push_back(std::move(border));
}

}  // namespace obz::tflite
