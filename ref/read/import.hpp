// A model file to an IntNet: TFLite, ONNX (QDQ, QLinear, integer operators), QONNX.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "ref/base/bytes.hpp"
#include "ref/net/net.hpp"
#include "ref/tensor/npy.hpp"

namespace obz {

struct ImportOptions {
  /// Overrides the meaning the file implies: tflite/double for TFLite, onnx/mlas for ONNX.
  std::optional<std::string> profile;
  /// ONNX: graph inputs to be taken as constants.
  std::map<std::string, NpyArray> bindings;
  /// ONNX: extents for symbolic dimensions of graph inputs (a batch size named "N"); 1 where not given.
  std::map<std::string, std::int64_t> dimensions;
};

/// The format is told by the content. What is not supported is an Error naming operator, node and file.
IntNet import_model(const std::filesystem::path& path, const ImportOptions& options = {});

/// The same from memory; `file` is used in messages and as the network's name.
IntNet import_model(ByteView bytes, const std::string& file, const ImportOptions& options = {});

}  // namespace obz
