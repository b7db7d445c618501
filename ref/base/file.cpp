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
  const File f(std::fopen(path.c_str(), "rb"));
  if (!f) throw Error(fmt::format("{}: cannot open: {}", path.string(), std::strerror(errno)));
  return read_all(f.get(), path.string(), max_bytes);
}

Bytes read_stdin(std::uint64_t max_bytes) { return read_all(stdin, "stdin", max_bytes); }

void write_file(const fs::path& path, ByteView bytes) {
  std::error_code ec;
  if (fs::is_directory(path, ec)) throw Error(fmt::format("{}: is a folder, expected a file name", path.string()));
  create_parent(path);
  const TemporaryPath temporary{temporary_beside(path)};
  {
    File f(std::fopen(temporary.path.c_str(), "wb"));
    const bool written =
        f && std::fwrite(bytes.data(), 1, bytes.size(), f.get()) == bytes.size() && std::fflush(f.get()) == 0;
    if (!written) throw Error(fmt::format("{}: cannot write: {}", path.string(), std::strerror(errno)));
  }
  rename_over(temporary.path, path);
}

void write_folder(const fs::path& path, const std::string& marker, const std::function<void(const fs::path&)>& fill) {
  std::error_code ec;
  const fs::path target = (path.filename().empty() ? path.parent_path() : path);
  if (fs::exists(target, ec)) {
    const bool ours = fs::is_directory(target, ec) && (fs::is_empty(target, ec) || fs::exists(target / marker, ec));
    if (!ours) {
      throw Error(fmt::format("{}: exists and holds no {}, so it is not replaced; choose another folder",
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
