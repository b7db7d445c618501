#include "cli/labels.hpp"

#include <fmt/format.h>

#include "ref/base/error.hpp"
#include "ref/base/file.hpp"
#include "ref/tensor/npy.hpp"

namespace obz::cli {

std::vector<std::int64_t> read_labels(const std::string& path, std::int64_t samples, std::int64_t classes) {
  const NpyArray array = parse_npy(read_file(path), path);
  std::vector<std::int64_t> labels = npy_to_int64(array, path);
  if (array.shape.rank() != 1 || array.shape[0] < samples) {
    throw Error(
        fmt::format("{}: expected at least {} labels in one dimension, got {}", path, samples, array.shape.text()));
  }
  labels.resize(static_cast<std::size_t>(samples));
  for (const std::int64_t label : labels) {
    if (label < 0) throw Error(fmt::format("{}: expected labels >= 0, got {}", path, label));
    if (label >= classes) throw Error(fmt::format("{}: label {}: expected 0..{}", path, label, classes - 1));
  }
  return labels;
}

}  // namespace obz::cli
