#include "ref/read/import.hpp"

#include <fmt/format.h>

#include "ref/base/error.hpp"
#include "ref/base/file.hpp"
#include "ref/base/sha256.hpp"
#include "ref/read/onnx/read_onnx.hpp"
#include "ref/read/tflite/read_tflite.hpp"

namespace obz {

IntNet import_model(ByteView bytes, const std::string& file, const ImportOptions& options) {
  constexpr std::size_t identifier_at = 4, smallest = 8;
  const bool is_tflite = bytes.size() >= smallest && as_text(bytes.subspan(identifier_at, 4)) == "TFL3";
  if (bytes.size() >= smallest && as_text(bytes.first(2)) == "PK") {
    throw Error(fmt::format("{}: this is an archive, not a model; an .obz network needs no import", file));
  }
  IntNet net = is_tflite ? read_tflite(bytes, file, options) : read_onnx(bytes, file, options);
  net.origin = fmt::format("{} sha256 {}", std::filesystem::path(file).filename().string(), sha256_hex(bytes));
  return net;
}

IntNet import_model(const std::filesystem::path& path, const ImportOptions& options) {
  return import_model(read_file(path), path.string(), options);
}

}  // namespace obz
