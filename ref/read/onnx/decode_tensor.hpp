// TensorProto -> Constant. Internal: the one header here that shows protobuf, included by model.cpp and
// tensor_proto.cpp only.
#pragma once

#include <string>

#include "onnx_subset.pb.h"

#include "ref/read/onnx/model.hpp"

namespace obz::onnx {

/// Error opening with `where` when shape and data do not fit. A type this importer does not decode gives a
/// Constant without bytes: it may be unused.
Constant decode_tensor(const obz_onnx::TensorProto& tensor, const std::string& where);

}  // namespace obz::onnx
