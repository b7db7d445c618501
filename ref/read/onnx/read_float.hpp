#pragma once

#include <string>

#include "ref/base/bytes.hpp"
#include "ref/real/float_net.hpp"

namespace obz {

/// A float ONNX model as a FloatNet: Conv, BatchNormalization, Relu, Clip, Add, Concat, MaxPool, AveragePool,
/// GlobalAveragePool, Gemm, MatMul, movements, and what exporters leave between constants. A Softmax at the end is left
/// out and noted, and so is the quantization of a QDQ model, whose constants become the floats that they stand for.
/// Anything else is an Error naming operator, node and file. Symbolic extents become 1.
FloatNet read_float_onnx(ByteView bytes, const std::string& file);

}  // namespace obz
