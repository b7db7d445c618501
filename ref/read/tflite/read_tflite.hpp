#pragma once

#include <string>

#include "ref/read/import.hpp"

namespace obz {

/// A quantized TFLite model (int8, uint8, int16 activations; int8, uint8, int4 weights) as an IntNet.
/// Float operators at the border (a QUANTIZE in front, what follows the last DEQUANTIZE) become borders and notes.
IntNet read_tflite(ByteView bytes, const std::string& file, const ImportOptions& options);

}  // namespace obz
