// Vector sets on disk: written whole or not at all, read back with every hash checked.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "golden/cases/requant_case.hpp"
#include "golden/sets/format.hpp"
#include "golden/sets/manifest.hpp"
#include "ref/execute/inputs.hpp"
#include "ref/net/net.hpp"

namespace obz {

inline constexpr const char* kManifestName = "manifest.json";

struct SetOptions {
  std::vector<Format> formats{Format::npy};
  int mem_lanes = 1;
};

/// Cases 0 .. count-1 of the space.
std::vector<RequantCase> draw_cases(const RequantSpace& space, std::int64_t count);

/// Cases of one profile with their expected outputs. Always contains cases.bin, which readers use.
Manifest write_requant_set(const std::filesystem::path& folder, const RequantSpace& space,
                           const std::vector<RequantCase>& cases, const std::optional<Certificate>& certificate,
                           const SetOptions& options);

/// One layer of `net` on samples of its own inputs (index `node`), as a network of one node: layer.obz, x0.npy ...,
/// y.npy, acc.npy. Inputs of the whole network come from `inputs`, or are seeded when it is null.
Manifest write_layer_set(const std::filesystem::path& folder, const IntNet& net, int node, const InputSet* inputs,
                         Goal goal, std::uint64_t seed, std::int64_t samples, const SetOptions& options);

/// Complete inputs of a net of one layer (golden/complete/complete_layer.hpp), with their certificate.
Manifest write_complete_layer_set(const std::filesystem::path& folder, const IntNet& layer, std::uint64_t seed,
                                  const SetOptions& options);

/// The whole network with every value: net.obz, input0.npy ..., taps/<id>.npy.
Manifest write_network_set(const std::filesystem::path& folder, const IntNet& net, const InputSet* inputs, Goal goal,
                           std::uint64_t seed, std::int64_t samples, const SetOptions& options);

/// Cases 0 .. count-1 of the space.
Manifest write_requant_set(const std::filesystem::path& folder, const RequantSpace& space, std::int64_t count,
                           const SetOptions& options);

struct RequantSet {
  Manifest manifest;
  std::vector<RequantCase> cases;
  std::vector<std::int64_t> expected;
};
RequantSet load_requant_set(const std::filesystem::path& folder, Manifest manifest);

/// A layer or network set: the net, its input samples and the expected value of every stored tensor.
struct NetSet {
  Manifest manifest;
  IntNet net;
  std::vector<NpyArray> inputs;                    ///< in the order of net.inputs, leading axis = sample
  std::vector<std::pair<int, NpyArray>> expected;  ///< (tensor, its values), leading axis = sample
};
NetSet load_net_set(const std::filesystem::path& folder, Manifest manifest);

/// The node alone, its computed inputs turned into network inputs.
IntNet extract_layer(const IntNet& net, int node);

/// A file name for a tensor id: everything but letters, digits, dot, dash and underscore becomes '_'.
std::string file_name_of(const std::string& id);

}  // namespace obz
