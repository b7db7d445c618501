// The body of ONNX's DynamicQuantizeLinear, where a model spells it out instead of calling it.
#pragma once

#include <map>
#include <string>

#include "ref/read/onnx/value.hpp"

namespace obz::onnx {

/// Whether the scale and zero point of this QuantizeLinear are, node by node,
///   scale = (max(ReduceMax(x), 0) - min(ReduceMin(x), 0)) / 255,  zp = uint8(Round(Clip(0 - min / scale, 0,
///   255)))
/// of its own input x.
bool is_dynamic_quantizer(const NodeDef& quantize, const std::map<std::string, const NodeDef*>& producers,
                          const std::map<std::string, Value>& values);

}  // namespace obz::onnx
