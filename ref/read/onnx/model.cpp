#include "ref/read/onnx/model.hpp"

#include <limits>
#include <set>

#include <fmt/format.h>

#include "ref/base/error.hpp"
#include "ref/read/onnx/decode_tensor.hpp"

namespace obz::onnx {
namespace {

namespace pb = obz_onnx;

/// Names travel into messages and JSON files: well-formed UTF-8 without control characters, of bearable length.
std::string checked_name(const std::string& text, const std::string& where) {
  constexpr std::size_t longest = 4096;
  bool good = text.size() <= longest;
  for (std::size_t i = 0; good && i < text.size();) {
    const auto first = static_cast<unsigned char>(text[i]);
    const std::size_t length = first < 0x80   ? 1
                               : first < 0xC2 ? 0
                               : first < 0xE0 ? 2
                               : first < 0xF0 ? 3
                               : first < 0xF5 ? 4
                                              : 0;
    good = length > 0 && first >= 0x20 && first != 0x7F && i + length <= text.size();
    for (std::size_t k = 1; good && k < length; ++k) good = (static_cast<unsigned char>(text[i + k]) & 0xC0) == 0x80;
    i += length;
  }
  if (!good)
    throw Error(fmt::format("{}: a name is no readable text (UTF-8 without control characters, at most {} bytes)",
                            where, longest));
  return text;
}

/// "Conv" of the standard domains, "domain.Op" of all others.
std::string full_op_type(const pb::NodeProto& node) {
  if (node.domain().empty() || node.domain() == "ai.onnx") return node.op_type();
  return node.domain() + "." + node.op_type();
}

/// Before IR version 2 attributes did not say their type: take the field that is there.
AttributeType type_of(const pb::AttributeProto& a) {
  if (a.type() != 0) return static_cast<AttributeType>(a.type());
  if (a.has_f()) return AttributeType::real;
  if (a.has_i()) return AttributeType::integer;
  if (a.has_s()) return AttributeType::text;
  if (a.has_t()) return AttributeType::tensor;
  if (a.floats_size() > 0) return AttributeType::reals;
  if (a.strings_size() > 0) return AttributeType::texts;
  return AttributeType::integers;
}

AttributeDef read_attribute(const pb::AttributeProto& a, const std::string& where) {
  AttributeDef def;
  def.name = checked_name(a.name(), where);
  def.type = type_of(a);
  def.real = a.f();
  def.integer = a.i();
  def.text = a.s();
  def.reals.assign(a.floats().begin(), a.floats().end());
  def.integers.assign(a.ints().begin(), a.ints().end());
  if (def.type == AttributeType::tensor) {
    def.tensor = std::make_shared<Constant>(decode_tensor(a.t(), fmt::format("{}: attribute \"{}\"", where, def.name)));
  }
  return def;
}

NodeDef read_node(const pb::NodeProto& node, int index, const std::string& file) {
  const std::string nth = fmt::format("{}: node {}", file, index);
  NodeDef def;
  def.op_type = checked_name(full_op_type(node), nth);
  for (const std::string& name : node.input()) def.inputs.push_back(checked_name(name, nth));
  for (const std::string& name : node.output()) def.outputs.push_back(checked_name(name, nth));
  def.name = checked_name(node.name(), nth);
  if (def.name.empty()) def.name = fmt::format("{}_{}", node.op_type(), index);
  if (def.op_type.empty() || def.outputs.empty())
    throw Error(fmt::format("{}: expected an operator and an output, got none", nth));
  const std::string where = fmt::format("{}: node \"{}\" ({})", file, def.name, def.op_type);
  for (const pb::AttributeProto& a : node.attribute()) def.attributes.push_back(read_attribute(a, where));
  return def;
}

ValueDef read_value(const pb::ValueInfoProto& value, const std::string& file) {
  ValueDef def;
  def.name = checked_name(value.name(), file);
  if (!value.type().has_tensor_type()) return def;
  const pb::TypeProto::Tensor& tensor = value.type().tensor_type();
  def.type = static_cast<DataType>(tensor.elem_type());
  def.has_shape = tensor.has_shape();
  for (const pb::TensorShapeProto::Dimension& dim : tensor.shape().dim()) {
    Extent extent{.value = dim.dim_value()};
    if (!dim.has_dim_value()) extent.symbol = dim.dim_param().empty() ? "?" : checked_name(dim.dim_param(), file);
    def.shape.push_back(std::move(extent));
  }
  return def;
}

}  // namespace

Model parse(ByteView bytes, const std::string& file) {
  pb::ModelProto proto;
  const bool small = bytes.size() <= static_cast<std::size_t>(std::numeric_limits<int>::max());
  if (!small || !proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) || !proto.has_graph()) {
    throw Error(fmt::format("{}: expected a TFLite or ONNX model, got neither (or a damaged file)", file));
  }
  const pb::GraphProto& graph = proto.graph();
  if (graph.sparse_initializer_size() > 0) throw Error(fmt::format("{}: not supported: sparse initializers", file));
  Model model;
  for (const pb::OperatorSetIdProto& set : proto.opset_import()) {
    if (set.domain().empty() || set.domain() == "ai.onnx") model.opset = set.version();
  }
  for (int i = 0; i < graph.node_size(); ++i) model.nodes.push_back(read_node(graph.node(i), i, file));
  for (const pb::TensorProto& tensor : graph.initializer()) {
    const std::string name = checked_name(tensor.name(), file);
    auto constant =
        std::make_shared<Constant>(decode_tensor(tensor, fmt::format("{}: initializer \"{}\"", file, name)));
    if (!model.initializers.emplace(name, std::move(constant)).second) {
      throw Error(fmt::format("{}: initializer \"{}\" stands twice", file, name));
    }
  }
  std::set<std::string> names;
  for (const pb::ValueInfoProto& value : graph.input()) {
    model.inputs.push_back(read_value(value, file));
    if (!names.insert(value.name()).second)
      throw Error(fmt::format("{}: graph input \"{}\" stands twice", file, value.name()));
  }
  for (const pb::ValueInfoProto& value : graph.output()) model.outputs.push_back(read_value(value, file));
  return model;
}

}  // namespace obz::onnx
