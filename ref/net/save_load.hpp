// IntNet <-> .obz: a zip of net.json and one .npy per array, so numpy.load opens it. Format version below.
#pragma once

#include <filesystem>
#include <string>

#include "ref/base/bytes.hpp"
#include "ref/net/net.hpp"

namespace obz {

/// Bumped when a file written by the new code would be misread by the old. An unknown version is an Error.
inline constexpr int kNetFormatVersion = 1;

/// The same net gives the same bytes.
Bytes format_net(const IntNet& net);

/// Parses and validates; every Error opens with `name` and says field, expected and got.
IntNet parse_net(ByteView file, const std::string& name);

void save_net(const IntNet& net, const std::filesystem::path& path);
IntNet load_net(const std::filesystem::path& path);

}  // namespace obz
