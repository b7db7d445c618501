// Reading and making constants.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ref/read/onnx/model.hpp"

namespace obz::onnx {

/// Integers or booleans of any width; Error opening with `where` for anything else.
std::vector<std::int64_t> integers_of(const Constant& c, const std::string& where);
/// Floats of any width, rounded to float32.
std::vector<float> floats_of(const Constant& c, const std::string& where);
/// As a tensor of the network; Error unless the type is one.
Tensor tensor_of(const Constant& c, const std::string& where);

ConstantPtr make_integers(const Shape& shape, const std::vector<std::int64_t>& values, DataType type = DataType::int64);
ConstantPtr make_floats(const Shape& shape, const std::vector<float>& values);

/// Elements `from[i]` of c under another shape: what every movement of constants is.
ConstantPtr pick(const Constant& c, const Shape& shape, const std::vector<std::int32_t>& from);

}  // namespace obz::onnx
