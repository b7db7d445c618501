// --labels: the right class of every sample.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace obz::cli {

/// The first `samples` labels of an .npy with at least so many in one dimension, each in 0 .. classes - 1.
std::vector<std::int64_t> read_labels(const std::string& path, std::int64_t samples, std::int64_t classes = INT64_MAX);

}  // namespace obz::cli
