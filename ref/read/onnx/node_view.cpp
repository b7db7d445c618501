#include "ref/read/onnx/node_view.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "ref/border/convert.hpp"
#include "ref/read/onnx/constant.hpp"

namespace obz::onnx {
namespace {

std::string_view spelled(AttributeType type) {
  switch (type) {
    case AttributeType::real: return "a float";
    case AttributeType::integer: return "an integer";
    case AttributeType::text: return "a string";
    case AttributeType::tensor: return "a tensor";
    case AttributeType::reals: return "a list of floats";
    case AttributeType::integers: return "a list of integers";
    case AttributeType::texts: return "a list of strings";
    case AttributeType::undefined: break;
  }
  return "another type";
}

const Real* constant_real(const Value& value) {
  const Real* real = std::get_if<Real>(&value);
  return real != nullptr && real->is_constant() && real->is_plain() ? real : nullptr;
}

}  // namespace

NodeView::NodeView(const NodeDef& node, std::vector<const Value*> inputs, const std::string& file)
    : node_(node),
      inputs_(std::move(inputs)),
      where_(fmt::format("{}: node \"{}\" ({})", file, node.name, node.op_type)) {}

void NodeView::fail(const std::string& what) const { throw Error(fmt::format("{}: {}", where_, what)); }

void NodeView::unsupported(const std::string& what) const {
  throw Unsupported(fmt::format("{}: not supported: {}", where_, what));
}

void NodeView::require_inputs(std::size_t least, std::size_t most) const {
  if (inputs_.size() >= least && inputs_.size() <= most) return;
  fail(fmt::format("expected {} inputs, got {}",
                   least == most ? fmt::format("{}", least) : fmt::format("{} to {}", least, most), inputs_.size()));
}

const Value& NodeView::in(std::size_t i) const {
  if (!has(i)) fail(fmt::format("expected an input {}, got none", i));
  return *inputs_[i];
}

const Constant* NodeView::constant(std::size_t i) const {
  const auto* c = has(i) ? std::get_if<ConstantPtr>(inputs_[i]) : nullptr;
  return c == nullptr ? nullptr : c->get();
}

const Constant& NodeView::known(std::size_t i, std::string_view what) const {
  in(i);
  const Constant* c = constant(i);
  if (c == nullptr)
    fail(fmt::format("expected a constant {} (input \"{}\"), got a computed value; --bind can fix a graph input", what,
                     name(i)));
  return *c;
}

std::vector<std::int64_t> NodeView::integers(std::size_t i, std::string_view what) const {
  return integers_of(known(i, what), fmt::format("{}: {} \"{}\"", where_, what, name(i)));
}

bool NodeView::is_known_float(std::size_t i) const {
  const Constant* c = constant(i);
  return (c != nullptr && is_float(c->type)) || (has(i) && constant_real(*inputs_[i]) != nullptr);
}

std::vector<float> NodeView::floats(std::size_t i, std::string_view what) const {
  const Real* real = constant_real(in(i));
  if (real == nullptr) return floats_of(known(i, what), fmt::format("{}: {} \"{}\"", where_, what, name(i)));
  const Operand& o = *real->operand();
  const FloatTensor values = dequantize(OutputBorder{.name = name(i), .affine = o.quant.affine}, *o.constant);
  return values.data;
}

float NodeView::scalar(std::size_t i, std::string_view what) const {
  const std::vector<float> values = floats(i, what);
  if (values.size() != 1) fail(fmt::format("expected one {} in \"{}\", got {}", what, name(i), values.size()));
  return values[0];
}

const std::string& NodeView::output(std::size_t i) const {
  if (i >= node_.outputs.size() || node_.outputs[i].empty()) fail(fmt::format("expected an output {}, got none", i));
  return node_.outputs[i];
}

const AttributeDef* NodeView::find(std::string_view name) const {
  const auto it = std::find_if(node_.attributes.begin(), node_.attributes.end(),
                               [&](const AttributeDef& a) { return a.name == name; });
  return it == node_.attributes.end() ? nullptr : &*it;
}

const AttributeDef* NodeView::typed(std::string_view name, AttributeType type) const {
  const AttributeDef* a = find(name);
  if (a != nullptr && a->type != type) {
    fail(fmt::format("attribute \"{}\": expected {}, got {}", name, spelled(type), spelled(a->type)));
  }
  return a;
}

std::int64_t NodeView::integer(std::string_view name, std::int64_t otherwise) const {
  const AttributeDef* a = typed(name, AttributeType::integer);
  return a == nullptr ? otherwise : a->integer;
}

float NodeView::real(std::string_view name, float otherwise) const {
  const AttributeDef* a = typed(name, AttributeType::real);
  return a == nullptr ? otherwise : a->real;
}

std::string NodeView::text(std::string_view name, std::string otherwise) const {
  const AttributeDef* a = typed(name, AttributeType::text);
  return a == nullptr ? std::move(otherwise) : a->text;
}

std::vector<std::int64_t> NodeView::integer_list(std::string_view name, std::vector<std::int64_t> otherwise) const {
  const AttributeDef* a = typed(name, AttributeType::integers);
  return a == nullptr ? std::move(otherwise) : a->integers;
}

ConstantPtr NodeView::tensor(std::string_view name) const {
  const AttributeDef* a = typed(name, AttributeType::tensor);
  return a == nullptr ? nullptr : a->tensor;
}

std::optional<std::vector<std::int64_t>> NodeView::list(std::string_view attribute, std::size_t i) const {
  if (has_attribute(attribute)) return integer_list(attribute);
  if (has(i)) return integers(i, attribute);
  return std::nullopt;
}

const Shape* shape_of(const Value& value) {
  if (const auto* c = std::get_if<ConstantPtr>(&value)) return &(*c)->array.shape;
  if (const auto* i = std::get_if<Integer>(&value)) return &i->shape;
  if (const auto* r = std::get_if<Real>(&value)) return &r->shape;
  return nullptr;
}

}  // namespace obz::onnx
