// An ONNX file as plain structs. model.cpp and tensor_proto.cpp are the only files that see protobuf.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ref/base/bytes.hpp"
#include "ref/read/onnx/data_type.hpp"
#include "ref/tensor/npy.hpp"

namespace obz::onnx {

/// A tensor whose values are known. Types narrower than 8 bits are unpacked, one byte per element.
struct Constant {
  DataType type = DataType::float32;
  NpyArray array;  ///< without bytes when the type is one this importer does not decode
};
using ConstantPtr = std::shared_ptr<const Constant>;

enum class AttributeType : int {
  undefined = 0,
  real = 1,
  integer = 2,
  text = 3,
  tensor = 4,
  reals = 6,
  integers = 7,
  texts = 8
};

struct AttributeDef {
  std::string name;
  AttributeType type = AttributeType::undefined;
  float real = 0;
  std::int64_t integer = 0;
  std::string text;
  ConstantPtr tensor;
  std::vector<float> reals;
  std::vector<std::int64_t> integers;
};

struct NodeDef {
  std::string name;     ///< never empty: the node's own, or "#12 -> first output"
  std::string op_type;  ///< "Conv"; operators outside the standard carry their domain: "com.microsoft.QLinearAdd"
  std::vector<std::string> inputs, outputs;  ///< value names; "": an optional one that is absent
  std::vector<AttributeDef> attributes;
};

/// One extent of a declared shape.
struct Extent {
  std::int64_t value = 0;  ///< when `symbol` is empty
  std::string symbol;      ///< "batch"; "?" when the file says nothing
};

struct ValueDef {
  std::string name;
  DataType type = DataType::undefined;  ///< undefined: not a tensor
  bool has_shape = false;
  std::vector<Extent> shape;
};

struct Model {
  std::vector<NodeDef> nodes;
  std::map<std::string, ConstantPtr> initializers;
  std::vector<ValueDef> inputs, outputs;
  std::int64_t opset = 0;  ///< of ONNX's own operators; 0: the file names none
};

/// Parses and checks; every Error opens with `file`.
Model parse(ByteView bytes, const std::string& file);

}  // namespace obz::onnx
