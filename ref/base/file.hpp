// Files whole: read with a limit, written to a temporary name and renamed, so nothing is ever left half-written.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "ref/base/bytes.hpp"

namespace obz {

/// The whole file; Error naming it when it is missing, a directory, unreadable or larger than `max_bytes`.
Bytes read_file(const std::filesystem::path& path, std::uint64_t max_bytes = std::uint64_t{1} << 32);

/// Everything on stdin up to `max_bytes`.
Bytes read_stdin(std::uint64_t max_bytes = std::uint64_t{1} << 32);

/// Writes beside the target and renames over it. Creates missing parent folders. Links are followed; devices and FIFOs
/// are written to.
void write_file(const std::filesystem::path& path, ByteView bytes);

/// Calls `fill(folder)` on a fresh temporary folder and renames it to `path`. An existing `path` is replaced only
/// if it is empty or holds a file named `marker` that names every other file in it (what an earlier run of ours wrote);
/// otherwise Error.
/// When `fill` throws nothing remains.
void write_folder(const std::filesystem::path& path, const std::string& marker,
                  const std::function<void(const std::filesystem::path&)>& fill);

}  // namespace obz
