// A node together with the values of its inputs: what every lowering function reads from.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ref/read/onnx/value.hpp"

namespace obz::onnx {

class NodeView {
 public:
  /// `inputs` in the node's order, nullptr where an optional one is absent.
  NodeView(const NodeDef& node, std::vector<const Value*> inputs, const std::string& file);

  const NodeDef& node() const { return node_; }
  const std::string& where() const { return where_; }  ///< file: node "conv1" (Conv)
  [[noreturn]] void fail(const std::string& what) const;
  [[noreturn]] void unsupported(const std::string& what) const;

  // --- inputs
  void require_inputs(std::size_t least, std::size_t most) const;
  std::size_t input_count() const { return inputs_.size(); }
  bool has(std::size_t i) const { return i < inputs_.size() && inputs_[i] != nullptr; }
  const Value& in(std::size_t i) const;  ///< Error when it is absent
  std::string name(std::size_t i) const { return i < node_.inputs.size() ? node_.inputs[i] : std::string(); }
  const Constant* constant(std::size_t i) const;                      ///< nullptr unless it is one
  const Constant& known(std::size_t i, std::string_view what) const;  ///< Error unless it is a constant
  std::vector<std::int64_t> integers(std::size_t i, std::string_view what) const;
  /// Float constants; also integer constants with a scale, as float32.
  std::vector<float> floats(std::size_t i, std::string_view what) const;
  float scalar(std::size_t i, std::string_view what) const;
  bool is_known_float(std::size_t i) const;  ///< `floats` has an answer

  // --- outputs
  const std::string& output(std::size_t i = 0) const;  ///< Error when it is absent

  // --- attributes: absent ones take `otherwise`, one of another type is an Error
  bool has_attribute(std::string_view name) const { return find(name) != nullptr; }
  std::int64_t integer(std::string_view name, std::int64_t otherwise) const;
  float real(std::string_view name, float otherwise) const;
  std::string text(std::string_view name, std::string otherwise) const;
  std::vector<std::int64_t> integer_list(std::string_view name, std::vector<std::int64_t> otherwise = {}) const;
  ConstantPtr tensor(std::string_view name) const;  ///< nullptr when absent

  /// A list that is an attribute in older operator sets and input i in newer ones; nullopt when neither is there.
  std::optional<std::vector<std::int64_t>> list(std::string_view attribute, std::size_t i) const;

 private:
  const AttributeDef* find(std::string_view name) const;
  const AttributeDef* typed(std::string_view name, AttributeType type) const;

  const NodeDef& node_;
  std::vector<const Value*> inputs_;
  std::string where_;
};

/// Extents of a value; nullptr when it is a float without a known one.
const Shape* shape_of(const Value& value);

}  // namespace obz::onnx
