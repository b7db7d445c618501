#pragma once

#include <string>

#include "ref/read/import.hpp"

namespace obz {

/// A quantized ONNX model (QDQ pairs, QLinear* and integer operators, QONNX Quant/BipolarQuant/Trunc) as an IntNet.
IntNet read_onnx(ByteView bytes, const std::string& file, const ImportOptions& options);

}  // namespace obz
