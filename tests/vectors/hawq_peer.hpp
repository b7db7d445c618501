// Integers that the authors' own HAWQ-V3 code produced (peer/hawq/README.json), as arrays and as networks of this
// project. The data stands outside the project.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "ref/net/net.hpp"
#include "ref/tensor/npy.hpp"

namespace obz::test {

std::filesystem::path hawq_folder();

/// The arrays of one .npz by name.
class NpzFile {
 public:
  explicit NpzFile(const std::filesystem::path& path);
  bool has(const std::string& name) const { return arrays_.count(name) != 0; }
  const NpyArray& operator[](const std::string& name) const;
  std::vector<std::int64_t> integers(const std::string& name) const;
  std::vector<float> floats(const std::string& name) const;

 private:
  std::string file_;
  std::map<std::string, NpyArray> arrays_;
};

/// One of the authors' networks: their graph and weights, node by node, nothing fused and nothing derived anew.
struct HawqDump {
  nlohmann::json graph;
  NpzFile arrays;

  explicit HawqDump(const std::string& tag);
};

/// The dump as an IntNet over NCHW, one tensor for each of theirs, with the same name. `recipe` rounds every
/// requantization and branch. The network's input is the quantized image; its type and batch are the dump's.
IntNet net_of(const HawqDump& dump, const Recipe& recipe);

/// sha256 over little-endian int32, as README.json defines sha256_i32.
std::string sha256_i32(const Tensor& tensor);

}  // namespace obz::test
