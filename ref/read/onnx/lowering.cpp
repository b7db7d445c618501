#include "ref/read/onnx/lowering.hpp"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "ref/base/suggest.hpp"
#include "ref/read/onnx/fold.hpp"
#include "ref/read/onnx/read_onnx.hpp"

namespace obz::onnx {
namespace {

/// QONNX operators appear under several domains, by the age of the exporter.
bool is_qonnx(const std::string& op_type) {
  for (const std::string_view domain : {"qonnx.custom_op.general.", "onnx.brevitas.", "finn.custom_op.general."}) {
    if (!op_type.starts_with(domain)) continue;
    const std::string_view name = std::string_view(op_type).substr(domain.size());
    return name == "Quant" || name == "IntQuant" || name == "BipolarQuant" || name == "Trunc";
  }
  return false;
}

/// The name the tables below know an operator by.
std::string canonical(const std::string& op_type) {
  if (is_qonnx(op_type)) return "qonnx." + op_type.substr(op_type.rfind('.') + 1);
  for (const std::string_view name : {"QuantizeLinear", "DequantizeLinear"}) {  // ONNX Runtime's, for narrow types
    if (op_type == fmt::format("com.microsoft.{}", name)) return std::string(name);
  }
  return op_type;
}

Shape shape_from(const ValueDef& value, const ImportOptions& options) {
  Shape shape;
  for (const Extent& e : value.shape) {
    const auto given = options.dimensions.find(e.symbol);
    shape.push_back(e.symbol.empty() ? e.value : given == options.dimensions.end() ? 1 : given->second);
  }
  return shape;
}

Profile quantizer_profile(Profile p) {
  if (p.recipe.zero_point == ZeroPointAt::before_rounding) p.recipe.zero_point = ZeroPointAt::after_rounding;
  return p;
}

}  // namespace

Lowering::Lowering(const Model& model, const std::string& file, const Profile& profile, const ImportOptions& options)
    : model_(model),
      file_(file),
      profile_(profile),
      quantizer_profile_(quantizer_profile(profile)),
      builder_(file, std::filesystem::path(file).stem().string(), std::string(profile.id)) {
  is_qonnx_ =
      std::any_of(model.nodes.begin(), model.nodes.end(), [](const NodeDef& node) { return is_qonnx(node.op_type); });
  read_inputs(options);
}

void Lowering::read_inputs(const ImportOptions& options) {
  std::vector<std::string_view> names, symbols;
  for (const ValueDef& input : model_.inputs) {
    names.push_back(input.name);
    for (const Extent& e : input.shape) symbols.push_back(e.symbol);
  }
  for (const auto& [name, array] : options.bindings) {
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      throw Error(fmt::format("{}: no graph input \"{}\" to bind{}", file_, name, did_you_mean(name, names)));
    }
  }
  for (const auto& [symbol, extent] : options.dimensions) {
    if (std::find(symbols.begin(), symbols.end(), symbol) == symbols.end()) {
      throw Error(fmt::format("{}: no symbolic dimension \"{}\"{}", file_, symbol, did_you_mean(symbol, symbols)));
    }
  }
  for (const auto& [name, constant] : model_.initializers) {
    if (options.bindings.count(name) == 0) define(name, constant);
  }
  for (std::size_t i = 0; i < model_.inputs.size(); ++i) {
    const ValueDef& input = model_.inputs[i];
    input_order_[input.name] = i;
    const auto bound = options.bindings.find(input.name);
    if (bound != options.bindings.end()) {
      define(input.name, bound_constant(input, bound->second));
    } else if (model_.initializers.count(input.name) == 0) {
      define_input(input, shape_from(input, options));
    }
  }
}

/// A graph input that is given as an array.
ConstantPtr Lowering::bound_constant(const ValueDef& input, const NpyArray& array) const {
  const std::optional<Storage> storage = storage_of(input.type);
  if (!storage || storage->kind != array.kind || storage->item_bytes != array.item_bytes) {
    throw Error(fmt::format("{}: graph input \"{}\": expected {} to bind, got {}", file_, input.name,
                            type_name(input.type), array.dtype()));
  }
  bool fits = !input.has_shape || input.shape.size() == array.shape.rank();
  for (std::size_t i = 0; fits && i < input.shape.size(); ++i) {
    fits = !input.shape[i].symbol.empty() || input.shape[i].value == array.shape[i];
  }
  if (!fits) {
    throw Error(fmt::format("{}: graph input \"{}\": expected the declared shape to bind, got {}", file_, input.name,
                            array.shape.text()));
  }
  return std::make_shared<Constant>(Constant{input.type, array});
}

void Lowering::define_input(const ValueDef& input, Shape shape) {
  const std::string where = fmt::format("{}: graph input \"{}\"", file_, input.name);
  const std::optional<IntType> integers = int_type(input.type);
  if (input.type == DataType::undefined) {
    define(input.name, Outside{where + ": not supported: a value that is no tensor"});
    return;
  }
  if (!integers && input.type != DataType::float32) {
    const char* advice =
        storage_of(input.type) ? "bind it to make it a constant" : "integers of 2 to 32 bits and float32 are in scope";
    define(input.name, Outside{fmt::format("{}: not supported: {} values; {}", where, type_name(input.type), advice)});
    return;
  }
  if (!input.has_shape) throw Error(fmt::format("{}: expected a shape, got none", where));
  check_shape(shape, where);
  if (!integers) {
    define(input.name, Real{FloatInput{input.name, shape}, {}, {}, shape});
    return;
  }
  const int tensor = builder_.add_tensor({.id = input.name, .name = input.name, .shape = shape, .type = *integers});
  network_inputs_[tensor] = input_order_.at(input.name);
  define(input.name, Integer{tensor, shape, *integers});
}

void Lowering::define(const std::string& name, Value value) {
  if (!values_.emplace(name, std::move(value)).second)
    throw Error(fmt::format("{}: value \"{}\" is produced twice", file_, name));
}

std::string Lowering::where_of(const NodeDef& node) const {
  return fmt::format("{}: node \"{}\" ({})", file_, node.name, node.op_type);
}

NodeView Lowering::view_of(const NodeDef& node) const {
  std::vector<const Value*> inputs;
  for (const std::string& name : node.inputs) {
    const auto it = values_.find(name);
    if (it == values_.end() && !name.empty()) {
      throw Error(fmt::format("{}: input \"{}\" is no graph input, no initializer, and computed by no earlier node",
                              where_of(node), name));
    }
    inputs.push_back(name.empty() ? nullptr : &it->second);
  }
  return {node, std::move(inputs), file_};
}

IntNet Lowering::run() {
  for (const NodeDef& node : model_.nodes) {
    for (const std::string& output : node.outputs) {
      if (!output.empty()) producers_[output] = &node;
    }
    const View view = view_of(node);
    try {
      lower(view);
    } catch (const Unsupported& e) {
      // A float operator without an integer form matters only if something quantizes what comes out of it.
      if (is_integer_operator(node)) throw;
      define_outside(node, e.what());
    } catch (const Error& e) {
      const std::string what = e.what();
      throw Error(what.starts_with(file_) ? what : fmt::format("{}: {}", view.where(), what));
    }
  }
  finish_outputs();
  IntNet& net = builder_.net();
  for (const auto& [tensor, order] : network_inputs_) net.inputs.push_back(tensor);
  std::stable_sort(net.inputs.begin(), net.inputs.end(),
                   [&](int a, int b) { return network_inputs_[a] < network_inputs_[b]; });
  return builder_.finish();
}

void Lowering::define_outside(const NodeDef& node, const std::string& reason) {
  for (const std::string& output : node.outputs) {
    if (!output.empty() && values_.count(output) == 0) define(output, Outside{reason});
  }
}

bool Lowering::is_integer_operator(const NodeDef& node) {
  constexpr std::string_view all[] = {"QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "QLinearConv",
                                      "QLinearMatMul",  "ConvInteger",      "MatMulInteger"};
  const std::string name = canonical(node.op_type);
  return std::find(std::begin(all), std::end(all), name) != std::end(all) || name.starts_with("qonnx.") ||
         name.starts_with("com.microsoft.QLinear");
}

void Lowering::lower(const View& view) {
  using Method = void (Lowering::*)(const View&);
  static const std::map<std::string_view, Method> methods{
      {"QuantizeLinear", &Lowering::quantize_linear},
      {"DequantizeLinear", &Lowering::dequantize_linear},
      {"DynamicQuantizeLinear", &Lowering::dynamic_quantize_linear},
      {"Cast", &Lowering::cast},
      {"QLinearConv", &Lowering::qlinear_conv},
      {"QLinearMatMul", &Lowering::qlinear_matmul},
      {"com.microsoft.QLinearAdd", &Lowering::qlinear_add},
      {"com.microsoft.QLinearMul", &Lowering::qlinear_add},
      {"ConvInteger", &Lowering::conv_integer},
      {"MatMulInteger", &Lowering::matmul_integer},
      {"Conv", &Lowering::conv},
      {"ConvTranspose", &Lowering::conv_transpose},
      {"Gemm", &Lowering::gemm},
      {"MatMul", &Lowering::matmul},
      {"Add", &Lowering::add},
      {"Sub", &Lowering::add},
      {"Mul", &Lowering::mul},
      {"Div", &Lowering::div},
      {"Max", &Lowering::min_max},
      {"Min", &Lowering::min_max},
      {"Relu", &Lowering::relu},
      {"Clip", &Lowering::clip},
      {"BatchNormalization", &Lowering::batch_normalization},
      {"Sigmoid", &Lowering::table},
      {"Tanh", &Lowering::table},
      {"HardSwish", &Lowering::table},
      {"HardSigmoid", &Lowering::table},
      {"LeakyRelu", &Lowering::table},
      {"MaxPool", &Lowering::max_pool},
      {"AveragePool", &Lowering::average_pool},
      {"GlobalAveragePool", &Lowering::global_average_pool},
      {"ReduceMean", &Lowering::reduce_mean},
      {"Concat", &Lowering::concat},
      {"Reshape", &Lowering::movement},
      {"Flatten", &Lowering::movement},
      {"Squeeze", &Lowering::movement},
      {"Unsqueeze", &Lowering::movement},
      {"Transpose", &Lowering::movement},
      {"Slice", &Lowering::movement},
      {"Pad", &Lowering::movement},
      {"Split", &Lowering::split},
      {"Identity", &Lowering::identity},
      {"Dropout", &Lowering::identity},
      {"qonnx.Quant", &Lowering::quant},
      {"qonnx.IntQuant", &Lowering::quant},
      {"qonnx.BipolarQuant", &Lowering::bipolar_quant},
      {"qonnx.Trunc", &Lowering::trunc},
  };
  const NodeDef& node = view.node();
  if (node.outputs[0].empty() && node.op_type != "Split") {  // nothing can use its result
    define_outside(node, view.where() + ": not supported: its further outputs alone");
    return;
  }
  const std::string name = canonical(node.op_type);
  const bool integer = is_integer_operator(node);
  if (!integer) {
    if (const auto constants = fold(view)) {
      for (std::size_t i = 0; i < std::min(constants->size(), node.outputs.size()); ++i) {
        if (!node.outputs[i].empty()) define(node.outputs[i], (*constants)[i]);
      }
      return;
    }
    for (std::size_t i = 0; i < view.input_count(); ++i) {
      const auto* outside = view.has(i) ? std::get_if<Outside>(&view.in(i)) : nullptr;
      if (outside != nullptr) {
        define_outside(node, outside->reason);
        return;
      }
    }
  }
  const auto method = methods.find(name);
  if (method == methods.end()) view.unsupported("this operator");
  (this->*method->second)(view);
  define_outside(node, fmt::format("{}: not supported: its further outputs", view.where()));
}

}  // namespace obz::onnx

namespace obz {

IntNet read_onnx(ByteView bytes, const std::string& file, const ImportOptions& options) {
  const onnx::Model model = onnx::parse(bytes, file);
  const Profile& profile = find_profile(options.profile.value_or("onnx/mlas"));
  return onnx::Lowering(model, file, profile, options).run();
}

}  // namespace obz
