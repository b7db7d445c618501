// ONNX's serialized tensors: initializers inside a model, and the stand-alone .pb files of its test suites.
#pragma once

#include <string>

#include "ref/base/bytes.hpp"
#include "ref/tensor/npy.hpp"

namespace obz {

/// A stand-alone TensorProto file. 2- and 4-bit integers come out one byte per element. Error opening with
/// `name` when it is damaged or holds a type without a NumPy counterpart here (float8, float4, bfloat16,
/// strings, complex).
NpyArray parse_tensor_proto(ByteView file, const std::string& name);

}  // namespace obz
