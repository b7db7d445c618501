// manifest.json: what a vector set is, what made it, and the sha256 of every file in it. No timestamps, no host names:
// the same command gives the same bytes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "golden/cases/requant_case.hpp"
#include "golden/complete/complete.hpp"
#include "golden/complete/complete_layer.hpp"

namespace obz {

/// Bumped when an older reader would misread a set. An unknown version is an Error.
inline constexpr int kVectorFormatVersion = 1;

enum class SetKind : std::uint8_t {
  requant,  ///< cases of one recipe: cases.bin and friends
  layer,    ///< one node: layer.obz, x0.npy ..., y.npy, acc.npy
  network,  ///< a whole network with every value: net.obz, input*.npy, taps/
};

struct Manifest {
  SetKind kind = SetKind::requant;
  std::string op;       ///< "requant", "conv2d", ... or the network's name
  std::string profile;  ///< id; the recipe's fields are written beside it
  Goal goal = Goal::corners;
  std::uint64_t seed = 1;
  std::int64_t count = 0;  ///< cases or samples
  IntType out = kInt8;     ///< requant sets
  int mem_lanes = 1;
  std::vector<std::pair<std::string, std::string>> files;      ///< name, sha256
  std::vector<std::pair<std::string, std::int64_t>> coverage;  ///< event, how often
  std::optional<Certificate> certificate;                      ///< goal complete; written, not read back
  std::optional<LayerCertificate> layer_certificate;           ///< of a layer set, likewise
};

std::string format_manifest(const Manifest& manifest);
/// Parses and checks field by field; Error opening with `file`.
Manifest parse_manifest(const std::string& text, const std::string& file);

/// Reads folder/manifest.json and verifies the sha256 of every file it lists.
Manifest load_manifest(const std::filesystem::path& folder);

}  // namespace obz
