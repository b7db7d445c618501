// A TFLite file as plain structs. model.cpp is the only file that sees FlatBuffers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ref/base/bytes.hpp"
#include "ref/tensor/shape.hpp"

namespace obz::tflite {

enum class Type : int {
  float32 = 0,
  float16 = 1,
  int32 = 2,
  uint8 = 3,
  int64 = 4,
  boolean = 6,
  int16 = 7,
  int8 = 9,
  int4 = 17
};
enum class Activation : int { none = 0, relu = 1, relu_n1_to_1 = 2, relu6 = 3, tanh = 4, sign_bit = 5 };

struct TensorDef {
  std::string name;
  Shape shape;
  Type type = Type::float32;
  std::vector<float> scales;  ///< empty: not quantized
  std::vector<std::int64_t> zero_points;
  int quantized_dimension = 0;
  bool has_custom_quantization = false, is_sparse = false, is_variable = false;
  ByteView data;  ///< into the file's bytes; empty: no constant
};

/// Union of the options of the supported operators; an operator reads its own.
struct Options {
  bool same_padding = false;
  int stride_w = 1, stride_h = 1, dilation_w = 1, dilation_h = 1, depth_multiplier = 1, filter_w = 1, filter_h = 1;
  Activation activation = Activation::none;
  int weights_format = 0;
  bool keep_num_dims = false, adj_x = false, adj_y = false, keep_dims = false;
  float beta = 1;
  int axis = 0, num_splits = 0;
  int begin_mask = 0, end_mask = 0, ellipsis_mask = 0, new_axis_mask = 0, shrink_axis_mask = 0;
  std::vector<std::int64_t> new_shape;
};

struct OperatorDef {
  int code = 0;
  std::string name;                  ///< "CONV_2D", or the custom operator's own name
  std::vector<int> inputs, outputs;  ///< tensor indices; -1: an optional input that is absent
  Options options;
};

struct Model {
  std::vector<TensorDef> tensors;
  std::vector<OperatorDef> operators;
  std::vector<int> inputs, outputs;
};

/// Parses and verifies; every Error opens with `file`. The result points into `bytes`.
Model parse(ByteView bytes, const std::string& file);

/// "CONV_2D" of 3; "operator 999" of an unknown code.
std::string operator_name(int code);

/// "int8" and so on; "type 17" of an unknown one.
std::string type_name(Type type);

}  // namespace obz::tflite
