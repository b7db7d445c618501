#include "ref/read/tflite/lowering.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>

#include <fmt/format.h>

#include "ref/base/error.hpp"
#include "ref/read/tflite/read_tflite.hpp"
#include "ref/tensor/type_text.hpp"

namespace obz::tflite {

Lowering::Lowering(const Model& model, const std::string& file, const Profile& profile)
    : model_(model),
      file_(file),
      profile_(profile),
      builder_(file, std::filesystem::path(file).stem().string(), std::string(profile.id)),
      value_(model.tensors.size(), -1),
      is_float_(model.tensors.size(), false) {}

IntNet Lowering::run() {
  for (const int i : model_.inputs) {
    const TensorDef& t = model_.tensors[static_cast<std::size_t>(i)];
    if (t.type == Type::float32) continue;  // becomes an input border at its QUANTIZE
    const int tensor = builder_.add_tensor(info_of(i));
    value_[static_cast<std::size_t>(i)] = tensor;
    builder_.add_input(tensor);
  }
  for (index_ = 0; index_ < model_.operators.size(); ++index_) {
    op_ = &model_.operators[index_];
    lower(index_);
  }
  IntNet& net = builder_.net();
  for (const int i : model_.outputs) {
    const int tensor = value_[static_cast<std::size_t>(i)];
    if (tensor >= 0) net.outputs.push_back(tensor);
  }
  // A float tail was left out: its integer source is the output.
  for (const OutputBorder& border : net.output_borders) {
    if (std::find(net.outputs.begin(), net.outputs.end(), border.tensor) == net.outputs.end()) {
      net.outputs.push_back(border.tensor);
    }
  }
  return builder_.finish();
}

void Lowering::lower(std::size_t) {
  using Method = void (Lowering::*)();
  static const std::map<std::string_view, Method> methods{
      {"CONV_2D", &Lowering::conv2d},
      {"DEPTHWISE_CONV_2D", &Lowering::depthwise_conv2d},
      {"TRANSPOSE_CONV", &Lowering::transpose_conv},
      {"FULLY_CONNECTED", &Lowering::fully_connected},
      {"BATCH_MATMUL", &Lowering::batch_matmul},
      {"ADD", &Lowering::add},
      {"SUB", &Lowering::sub},
      {"MUL", &Lowering::mul},
      {"MAXIMUM", &Lowering::maximum},
      {"MINIMUM", &Lowering::minimum},
      {"AVERAGE_POOL_2D", &Lowering::average_pool},
      {"MAX_POOL_2D", &Lowering::max_pool},
      {"MEAN", &Lowering::mean},
      {"SOFTMAX", &Lowering::softmax},
      {"RESHAPE", &Lowering::reshape},
      {"TRANSPOSE", &Lowering::transpose},
      {"PAD", &Lowering::pad},
      {"PADV2", &Lowering::pad},
      {"CONCATENATION", &Lowering::concatenation},
      {"STRIDED_SLICE", &Lowering::strided_slice},
      {"SPLIT", &Lowering::split},
      {"QUANTIZE", &Lowering::quantize},
      {"DEQUANTIZE", &Lowering::dequantize},
      {"RELU", &Lowering::relu},
      {"RELU6", &Lowering::relu},
      {"RELU_N1_TO_1", &Lowering::relu},
      {"HARD_SWISH", &Lowering::table},
      {"LOGISTIC", &Lowering::table},
      {"TANH", &Lowering::table},
  };
  const auto method = methods.find(op_->name);
  const bool float_input = std::any_of(op_->inputs.begin(), op_->inputs.end(),
                                       [&](int i) { return i >= 0 && is_float_[static_cast<std::size_t>(i)]; });
  if (float_input) {  // behind the output border: stays outside the integer network
    if (op_->name == "QUANTIZE") unsupported("float operators between two integer parts");
    for (const int i : op_->outputs) is_float_[static_cast<std::size_t>(i)] = true;
    builder_.net().notes.push_back(fmt::format(
        "{} (operator {}) works on floats behind the last DEQUANTIZE and is left out; the outputs are the integers "
        "in front of it",
        op_->name, index_));
    return;
  }
  if (method == methods.end()) unsupported("this operator");
  if (op_->outputs.empty()) throw Error(fmt::format("{}: no output", where()));
  (this->*method->second)();
}

std::string Lowering::where() const { return fmt::format("{}: operator {} ({})", file_, index_, op_->name); }

void Lowering::unsupported(const std::string& what) const {
  throw Error(fmt::format("{}: not supported: {}", where(), what));
}

void Lowering::require_inputs(std::size_t least, std::size_t most) const {
  const std::size_t got = op_->inputs.size();
  if (got < least || got > most) {
    throw Error(fmt::format("{}: expected {} inputs, got {}", where(),
                            least == most ? fmt::format("{}", least) : fmt::format("{} to {}", least, most), got));
  }
}

const TensorDef& Lowering::in(std::size_t i) const {
  if (!has_input(i)) throw Error(fmt::format("{}: input {} is missing", where(), i));
  return model_.tensors[static_cast<std::size_t>(op_->inputs[i])];
}

const TensorDef& Lowering::out(std::size_t i) const {
  if (i >= op_->outputs.size()) throw Error(fmt::format("{}: output {} is missing", where(), i));
  return model_.tensors[static_cast<std::size_t>(op_->outputs[i])];
}

int Lowering::value(std::size_t i) {
  const TensorDef& t = in(i);
  const int index = op_->inputs[i];
  int& tensor = value_[static_cast<std::size_t>(index)];
  if (tensor < 0) {
    if (t.data.empty()) {
      throw Error(fmt::format("{}: input {} (tensor {} \"{}\", {}) is neither computed before nor constant", where(), i,
                              index, t.name, type_name(t.type)));
    }
    TensorInfo info = info_of(index);
    info.constant = constant_of(t);
    tensor = builder_.add_tensor(std::move(info));
  }
  return tensor;
}

std::vector<std::int64_t> Lowering::int_list(std::size_t i) const {
  const TensorDef& t = in(i);
  const int width = t.type == Type::int32 ? 4 : t.type == Type::int64 ? 8 : 0;
  if (width == 0 || t.data.empty() || t.data.size() != static_cast<std::size_t>(width * t.shape.elems())) {
    throw Error(fmt::format("{}: input {} (\"{}\"): expected a constant list of int32", where(), i, t.name));
  }
  std::vector<std::int64_t> list;
  for (std::size_t at = 0; at < t.data.size(); at += static_cast<std::size_t>(width)) {
    list.push_back(wrap(static_cast<std::int64_t>(load_le(t.data.data() + at, width)), 8 * width));
  }
  return list;
}

TensorInfo Lowering::info_of(int index) const {
  const TensorDef& t = model_.tensors[static_cast<std::size_t>(index)];
  TensorInfo info{.id = std::to_string(index), .name = t.name, .shape = t.shape, .type = int_type(t)};
  if (t.scales.size() == 1) {
    info.scale = static_cast<double>(t.scales[0]);
    info.zero_point = zero_point(t);
  }
  return info;
}

int Lowering::emit(Operator node, std::vector<int> inputs, std::size_t output) {
  const TensorDef& t = out(output);
  const int index = op_->outputs[output];
  const std::string name = fmt::format("op{:03}_{}", index_, operator_name(node));
  const int tensor = builder_.add_node(name, op_->name, std::move(node), std::move(inputs), info_of(index));
  if (builder_.info(tensor).shape != t.shape) {
    throw Error(fmt::format("{}: output tensor {} is declared {}, but the operator gives {}", where(), index,
                            t.shape.text(), builder_.info(tensor).shape.text()));
  }
  value_[static_cast<std::size_t>(index)] = tensor;
  return tensor;
}

IntType Lowering::int_type(const TensorDef& t) const {
  switch (t.type) {
    case Type::int4: return kInt4;
    case Type::int8: return kInt8;
    case Type::uint8: return kUInt8;
    case Type::int16: return kInt16;
    case Type::int32: return kInt32;
    default:
      throw Error(fmt::format("{}: tensor \"{}\": expected a quantized tensor, got {}",
                              op_ == nullptr ? file_ : where(), t.name, type_name(t.type)));
  }
}

float Lowering::scale(const TensorDef& t) const {
  if (t.has_custom_quantization) unsupported(fmt::format("custom quantization of tensor \"{}\"", t.name));
  if (t.scales.size() != 1) {
    throw Error(fmt::format("{}: tensor \"{}\": expected one scale, got {}", where(), t.name, t.scales.size()));
  }
  return t.scales[0];
}

std::int64_t Lowering::zero_point(const TensorDef& t) const {
  const std::int64_t z = t.zero_points.empty() ? 0 : t.zero_points[0];
  if (!int_type(t).holds(z)) {
    throw Error(fmt::format("{}: tensor \"{}\": zero point {} is no {}", op_ == nullptr ? file_ : where(), t.name, z,
                            type_text(int_type(t))));
  }
  return z;
}

OutputQuant Lowering::output(Activation activation, std::size_t i) const {
  const TensorDef& t = out(i);
  OutputQuant o{.scale = scale(t), .zero_point = zero_point(t), .type = int_type(t)};
  o.lo = o.type.min();
  o.hi = o.type.max();
  // Real bounds become integers as TFLite does it: zp + round_half_away(float32 bound / float32 scale).
  const auto quantize = [&](float real) {
    const float q = std::round(real / o.scale);
    if (!std::isfinite(q) || std::fabs(q) > 1e9F)
      throw Error(fmt::format("{}: scale {} is too small", where(), o.scale));
    return o.zero_point + static_cast<std::int64_t>(q);
  };
  switch (activation) {
    case Activation::none: break;
    case Activation::relu: o.lo = std::max(o.lo, quantize(0)); break;
    case Activation::relu6:
      o.lo = std::max(o.lo, quantize(0));
      o.hi = std::min(o.hi, quantize(6));
      break;
    case Activation::relu_n1_to_1:
      o.lo = std::max(o.lo, quantize(-1));
      o.hi = std::min(o.hi, quantize(1));
      break;
    case Activation::tanh:
    case Activation::sign_bit: unsupported("fused activation TANH or SIGN_BIT");
  }
  return o;
}

bool Lowering::same_quant(const TensorDef& a, const TensorDef& b) const {
  return a.type == b.type && scale(a) == scale(b) && zero_point(a) == zero_point(b);
}

void Lowering::require_same_quant(const TensorDef& a, const TensorDef& b) const {
  if (!same_quant(a, b)) {
    throw Error(
        fmt::format("{}: expected equal quantization, got {} scale {} zero point {} and {} scale {} zero point {}",
                    where(), type_name(a.type), scale(a), zero_point(a), type_name(b.type), scale(b), zero_point(b)));
  }
}

Tensor Lowering::constant_of(const TensorDef& t) const {
  if (t.is_sparse) unsupported(fmt::format("sparse tensor \"{}\"", t.name));
  const IntType type = int_type(t);
  const std::int64_t elems = t.shape.elems();
  const std::int64_t bytes = t.type == Type::int4 ? (elems + 1) / 2 : elems * storage_bytes(type);
  if (static_cast<std::int64_t>(t.data.size()) != bytes) {
    throw Error(fmt::format("{}: tensor \"{}\": expected {} bytes for {} {}, got {}", where(), t.name, bytes,
                            t.shape.text(), type_name(t.type), t.data.size()));
  }
  Tensor tensor(t.shape, type);
  for (std::size_t i = 0; i < tensor.data.size(); ++i) {
    std::uint64_t bits = 0;
    if (t.type == Type::int4) {
      bits = std::uint64_t{t.data[i / 2]} >> (i % 2 == 0 ? 0 : 4);  // low nibble first
    } else {
      const auto width = static_cast<std::size_t>(storage_bytes(type));
      bits = load_le(t.data.data() + i * width, static_cast<int>(width));
    }
    tensor.data[i] = static_cast<std::int32_t>(type.is_signed ? wrap(static_cast<std::int64_t>(bits), type.bits)
                                                              : static_cast<std::int64_t>(bits));
  }
  return tensor;
}

}  // namespace obz::tflite

namespace obz {

IntNet read_tflite(ByteView bytes, const std::string& file, const ImportOptions& options) {
  const tflite::Model model = tflite::parse(bytes, file);
  const Profile& profile = find_profile(options.profile.value_or("tflite/double"));
  return tflite::Lowering(model, file, profile).run();
}

}  // namespace obz
