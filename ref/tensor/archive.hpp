// Zip archives of small named files, through libzip: what .obz and .npz are. Deterministic: no timestamps, entries
// in the order given, so the same content is the same bytes.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "ref/base/bytes.hpp"

namespace obz {

using ArchiveEntries = std::vector<std::pair<std::string, Bytes>>;

/// The bytes of a zip with these entries (deflated, dated 1980-01-01).
Bytes format_archive(const ArchiveEntries& entries);

/// All entries by name; errors open with `name`. Refuses archives that unpack to more than `max_bytes`.
std::map<std::string, Bytes> parse_archive(ByteView file, const std::string& name,
                                           std::uint64_t max_bytes = std::uint64_t{1} << 32);

}  // namespace obz
