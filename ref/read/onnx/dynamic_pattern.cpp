#include "ref/read/onnx/dynamic_pattern.hpp"

#include <algorithm>

#include "ref/read/onnx/constant.hpp"

namespace obz::onnx {
namespace {

class Matcher {
 public:
  Matcher(const std::map<std::string, const NodeDef*>& producers, const std::map<std::string, Value>& values)
      : producers_(producers), values_(values) {}

  /// The node of type `op` with `inputs` inputs that computes a value; nullptr when it is another.
  const NodeDef* producer(const std::string& value, std::string_view op, std::size_t inputs) const {
    const auto it = producers_.find(value);
    const bool found = it != producers_.end() && it->second->op_type == op && it->second->inputs.size() == inputs;
    return found ? it->second : nullptr;
  }

  bool is_constant(const std::string& value, float expected) const {
    const auto it = values_.find(value);
    const auto* c = it == values_.end() ? nullptr : std::get_if<ConstantPtr>(&it->second);
    if (c == nullptr || (*c)->type != DataType::float32 || (*c)->array.shape.elems() != 1) return false;
    return floats_of(**c, "")[0] == expected;
  }

  /// Min(ReduceMin(x), 0) or Max(ReduceMax(x), 0).
  bool is_bound(const std::string& value, std::string_view choose, std::string_view reduce,
                const std::string& x) const {
    const NodeDef* chosen = producer(value, choose, 2);
    if (chosen == nullptr || !is_constant(chosen->inputs[1], 0)) return false;
    const NodeDef* reduced = producer(chosen->inputs[0], reduce, 1);
    return reduced != nullptr && reduced->inputs[0] == x && !has_attribute(*reduced, "axes");
  }

  static bool has_attribute(const NodeDef& node, std::string_view name, std::int64_t value = -1) {
    return std::any_of(node.attributes.begin(), node.attributes.end(),
                       [&](const AttributeDef& a) { return a.name == name && (value < 0 || a.integer == value); });
  }

 private:
  const std::map<std::string, const NodeDef*>& producers_;
  const std::map<std::string, Value>& values_;
};

}  // namespace

bool is_dynamic_quantizer(const NodeDef& quantize, const std::map<std::string, const NodeDef*>& producers,
                          const std::map<std::string, Value>& values) {
  constexpr float qmax = 255;
  const Matcher m(producers, values);
  const std::string &x = quantize.inputs[0], &scale = quantize.inputs[1];

  const NodeDef* divided = m.producer(scale, "Div", 2);
  const NodeDef* range = divided == nullptr ? nullptr : m.producer(divided->inputs[0], "Sub", 2);
  if (range == nullptr || !m.is_constant(divided->inputs[1], qmax)) return false;
  const std::string &max = range->inputs[0], &min = range->inputs[1];
  if (!m.is_bound(max, "Max", "ReduceMax", x) || !m.is_bound(min, "Min", "ReduceMin", x)) return false;

  const NodeDef* cast = m.producer(quantize.inputs[2], "Cast", 1);
  const bool to_uint8 = cast != nullptr && Matcher::has_attribute(*cast, "to", static_cast<int>(DataType::uint8));
  const NodeDef* round = !to_uint8 ? nullptr : m.producer(cast->inputs[0], "Round", 1);
  const NodeDef* clip = round == nullptr ? nullptr : m.producer(round->inputs[0], "Clip", 3);
  const NodeDef* from_zero = clip == nullptr ? nullptr : m.producer(clip->inputs[0], "Sub", 2);
  const NodeDef* scaled = from_zero == nullptr ? nullptr : m.producer(from_zero->inputs[1], "Div", 2);
  return scaled != nullptr && m.is_constant(clip->inputs[1], 0) && m.is_constant(clip->inputs[2], qmax) &&
         m.is_constant(from_zero->inputs[0], 0) && scaled->inputs[0] == min && scaled->inputs[1] == scale;
}

}  // namespace obz::onnx
