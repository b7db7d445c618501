#include "ref/base/file.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include <fmt/format.h>
#include <unistd.h>

#include "ref/base/error.hpp"

namespace obz {
namespace fs = std::filesystem;
namespace {

struct CloseFile {
  void operator()(std::FILE* f) const { std::fclose(f); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

Bytes read_all(std::FILE* f, const std::string& name, std::uint64_t max_bytes) {
  Bytes bytes;
  std::uint8_t chunk[1 << 16];
  while (const std::size_t n = std::fread(chunk, 1, sizeof chunk, f)) {
    bytes.insert(bytes.end(), chunk, chunk + n);
    if (bytes.size() > max_bytes) {
      throw Error(fmt::format("{}: expected at most {} bytes, the file is larger", name, max_bytes));
    }
  }
  if (std::ferror(f) != 0) throw Error(fmt::format("{}: cannot read: {}", name, std::strerror(errno)));
  return bytes;
}

/// Where a symbolic link points: what is replaced is the file, not the link.
fs::path resolved(const fs::path& path) {
  std::error_code ec;
  const fs::path target = fs::is_symlink(path, ec) ? fs::canonical(path, ec) : path;
  return ec || target.empty() ? path : target;
}

/// Devices and FIFOs are written to, never replaced.
bool is_special(const fs::path& path) {
  std::error_code ec;
  return fs::exists(path, ec) && !fs::is_regular_file(path, ec) && !fs::is_directory(path, ec);
}

void write_all(const fs::path& path, ByteView bytes, const fs::path& named) {
  File f(std::fopen(path.c_str(), "wb"));
  bool written = f && std::fwrite(bytes.data(), 1, bytes.size(), f.get()) == bytes.size();
  written = f && std::fflush(f.get()) == 0 && written;
  if (!written) throw Error(fmt::format("{}: cannot write: {}", named.string(), std::strerror(errno)));
}

/// True when every file below `folder` is named in the marker's text, as our own markers name what they stand for.
bool holds_only_ours(const fs::path& folder, const std::string& marker) {
  std::error_code ec;
  if (!fs::is_regular_file(folder / marker, ec)) return false;
  constexpr std::uint64_t largest = std::uint64_t{1} << 28;
  const std::string text(as_text(read_file(folder / marker, largest)));
  for (auto it = fs::recursive_directory_iterator(folder, ec); !ec && it != fs::recursive_directory_iterator();
       it.increment(ec)) {
    if (it->is_directory(ec)) continue;
    const std::string name = fs::relative(it->path(), folder, ec).generic_string();
    if (name != marker && text.find(fmt::format("\"{}\"", name)) == std::string::npos) return false;
  }
  return !ec;
}

fs::path temporary_beside(const fs::path& path) {
  fs::path name = path.filename();
  return path.parent_path() / fmt::format(".{}.obz-tmp-{}", name.string(), ::getpid());
}

void create_parent(const fs::path& path) {
  if (!path.has_parent_path()) return;
  std::error_code ec;
  fs::create_directories(path.parent_path(), ec);
  if (ec) throw Error(fmt::format("{}: cannot create the folder: {}", path.parent_path().string(), ec.message()));
}

void rename_over(const fs::path& from, const fs::path& to) {
  std::error_code ec;
  fs::rename(from, to, ec);
  if (ec) {
    std::error_code ignored;
    fs::remove_all(from, ignored);
    throw Error(fmt::format("{}: cannot write: {}", to.string(), ec.message()));
  }
}

/// Removes the temporary on every way out that did not rename it.
struct TemporaryPath {
  fs::path path;
  ~TemporaryPath() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
};

}  // namespace

Bytes read_file(const fs::path& path, std::uint64_t max_bytes) {
  std::error_code ec;
  if (fs::is_directory(path, ec)) throw Error(fmt::format("{}: expected a file, got a folder", path.string()));
  if (fs::is_character_file(path, ec)) throw Error(fmt::format("{}: expected a file, got a device", path.string()));
  const File f(std::fopen(path.c_str(), "rb"));
  if (!f) throw Error(fmt::format("{}: cannot open: {}", path.string(), std::strerror(errno)));
  return read_all(f.get(), path.string(), max_bytes);
}

Bytes read_stdin(std::uint64_t max_bytes) { return read_all(stdin, "stdin", max_bytes); }

void write_file(const fs::path& path, ByteView bytes) {
  std::error_code ec;
  if (path.empty()) throw Error("expected a file name to write to, got an empty text");
  if (fs::is_directory(path, ec)) throw Error(fmt::format("{}: is a folder, expected a file name", path.string()));
  if (is_special(path)) return write_all(path, bytes, path);
  const fs::path target = resolved(path);
  create_parent(target);
  const TemporaryPath temporary{temporary_beside(target)};
  write_all(temporary.path, bytes, path);
  rename_over(temporary.path, target);
}

void write_folder(const fs::path& path, const std::string& marker, const std::function<void(const fs::path&)>& fill) {
  std::error_code ec;
  const fs::path plain = path.lexically_normal();
  const fs::path target = resolved(plain.filename().empty() ? plain.parent_path() : plain);
  if (fs::exists(target, ec)) {
    const bool ours = fs::is_directory(target, ec) && (fs::is_empty(target, ec) || holds_only_ours(target, marker));
    if (!ours) {
      throw Error(fmt::format(
          "{}: exists and holds more than what a {} of ours names, so it is not replaced; choose another folder",
          target.string(), marker));
    }
  }
  create_parent(target);
  const TemporaryPath temporary{temporary_beside(target)};
  fs::remove_all(temporary.path, ec);
  if (!fs::create_directory(temporary.path, ec)) {
    throw Error(fmt::format("{}: cannot create the folder: {}", target.string(), ec.message()));
  }
  fill(temporary.path);
  if (fs::exists(target, ec)) {
    const TemporaryPath old{temporary.path.string() + "-old"};
    rename_over(target, old.path);
    rename_over(temporary.path, target);
  } else {
    rename_over(temporary.path, target);
  }
}

}  // namespace obz
