// Builds small ONNX models in memory, writing protobuf's wire format by hand: independent of the schema the
// importer reads with. Field numbers as in the ONNX specification.
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "ref/base/bytes.hpp"

namespace obz::test {

/// A protobuf message under construction.
class Message {
 public:
  Message& integer(int field, std::int64_t value) {
    key(field, 0);
    varint(static_cast<std::uint64_t>(value));
    return *this;
  }
  Message& real(int field, float value) {
    key(field, 5);
    store_le(bytes_, std::bit_cast<std::uint32_t>(value), 4);
    return *this;
  }
  Message& bytes(int field, const Bytes& value) {
    key(field, 2);
    varint(value.size());
    bytes_.insert(bytes_.end(), value.begin(), value.end());
    return *this;
  }
  Message& text(int field, const std::string& value) { return bytes(field, Bytes(value.begin(), value.end())); }
  Message& message(int field, const Message& value) { return bytes(field, value.bytes_); }
  const Bytes& get() const { return bytes_; }

 private:
  void key(int field, unsigned wire) { varint(static_cast<std::uint64_t>(field) << 3 | wire); }
  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_.push_back(static_cast<std::uint8_t>(value | 0x80));
    bytes_.push_back(static_cast<std::uint8_t>(value));
  }
  Bytes bytes_;
};

using Dims = std::vector<std::int64_t>;

/// A serialized TensorProto with raw data; data_type by its code (1 float32, 2 uint8, 3 int8, 6 int32, 7 int64 ...).
inline Message tensor_message(int type, const Dims& dims, const Bytes& raw, const std::string& name = "") {
  Message t;
  for (const std::int64_t d : dims) t.integer(1, d);
  t.integer(2, type).bytes(9, raw);
  if (!name.empty()) t.text(8, name);
  return t;
}

struct Attr {
  std::string name;
  std::variant<std::int64_t, float, std::string, Dims, Message> value;
};

class OnnxBuilder {
 public:
  static constexpr int kFloat = 1, kUInt8 = 2, kInt8 = 3, kInt16 = 5, kInt32 = 6, kInt64 = 7, kFloat16 = 10, kInt4 = 22;

  /// A graph input; an extent below 0 is the symbol "N".
  std::string input(const std::string& name, const Dims& dims, int type = kFloat) {
    graph_.message(11, value_info(name, dims, type));
    return name;
  }
  void output(const std::string& name) { graph_.message(12, value_info(name, {}, kFloat)); }

  std::string constant(int type, const Dims& dims, const Bytes& raw, std::string name = "") {
    if (name.empty()) name = fresh("c");
    graph_.message(5, tensor_message(type, dims, raw, name));
    return name;
  }
  std::string floats(const std::vector<float>& values, const Dims& dims) {
    Bytes raw;
    for (const float v : values) store_le(raw, std::bit_cast<std::uint32_t>(v), 4);
    return constant(kFloat, dims, raw);
  }
  std::string scalar(float value) { return floats({value}, {}); }
  std::string integers(int type, const std::vector<std::int64_t>& values, const Dims& dims) {
    const int width = type == kInt64 ? 8 : type == kInt32 ? 4 : type == kInt16 ? 2 : 1;
    Bytes raw;
    for (const std::int64_t v : values) store_le(raw, static_cast<std::uint64_t>(v), width);
    return constant(type, dims, raw);
  }
  std::string list(const std::vector<std::int64_t>& values) {
    return integers(kInt64, values, {static_cast<std::int64_t>(values.size())});
  }

  /// A node named `op` + a number; returns the name of its first output, the others are called <first>_1, _2 ...
  std::string node(const std::string& op, const std::vector<std::string>& inputs,
                   const std::vector<Attr>& attributes = {}, const std::string& domain = "", int outputs = 1) {
    const std::string out = fresh("v");
    Message n;
    for (const std::string& i : inputs) n.text(1, i);
    for (int i = 0; i < outputs; ++i) n.text(2, i == 0 ? out : out + "_" + std::to_string(i));
    n.text(3, op + "_" + out).text(4, op).text(7, domain);
    for (const Attr& a : attributes) n.message(5, attribute(a));
    graph_.message(1, n);
    return out;
  }

  std::string quantize(const std::string& x, float scale, std::int64_t zero_point, int type = kInt8) {
    return node("QuantizeLinear", {x, scalar(scale), integers(type, {zero_point}, {})});
  }
  std::string dequantize(const std::string& x, float scale, std::int64_t zero_point, int type = kInt8) {
    return node("DequantizeLinear", {x, scalar(scale), integers(type, {zero_point}, {})});
  }
  /// QuantizeLinear and DequantizeLinear, one behind the other.
  std::string pair(const std::string& x, float scale, std::int64_t zero_point, int type = kInt8) {
    return dequantize(quantize(x, scale, zero_point, type), scale, zero_point, type);
  }
  /// A float input that is quantized at once.
  std::string activation(const std::string& name, const Dims& dims, float scale = 0.5F, std::int64_t zero_point = 1) {
    return pair(input(name, dims), scale, zero_point);
  }
  /// Dequantized int8 constants.
  std::string weights(const std::vector<std::int64_t>& values, const Dims& dims, float scale = 0.25F) {
    return dequantize(integers(kInt8, values, dims), scale, 0);
  }

  Bytes finish() const {
    Message model;
    model.integer(1, 8).message(7, graph_).message(8, Message().text(1, "").integer(2, 17));
    return model.get();
  }

 private:
  std::string fresh(const std::string& prefix) { return prefix + std::to_string(count_++); }

  static Message value_info(const std::string& name, const Dims& dims, int type) {
    Message shape;
    for (const std::int64_t d : dims) shape.message(1, d < 0 ? Message().text(2, "N") : Message().integer(1, d));
    return Message().text(1, name).message(2, Message().message(1, Message().integer(1, type).message(2, shape)));
  }
  static Message attribute(const Attr& a) {
    Message m;
    m.text(1, a.name);
    if (const auto* i = std::get_if<std::int64_t>(&a.value)) m.integer(3, *i).integer(20, 2);
    if (const auto* f = std::get_if<float>(&a.value)) m.real(2, *f).integer(20, 1);
    if (const auto* s = std::get_if<std::string>(&a.value)) m.text(4, *s).integer(20, 3);
    if (const auto* t = std::get_if<Message>(&a.value)) m.message(5, *t).integer(20, 4);
    if (const auto* list = std::get_if<Dims>(&a.value)) {
      for (const std::int64_t v : *list) m.integer(8, v);
      m.integer(20, 7);
    }
    return m;
  }

  Message graph_;
  int count_ = 0;
};

}  // namespace obz::test
