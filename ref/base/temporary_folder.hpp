// A folder that goes when we do.
#pragma once

#include <filesystem>
#include <string>

namespace obz {

class TemporaryFolder {
 public:
  /// TMPDIR/obz-PURPOSE-XXXXXX, or under /tmp where TMPDIR's name holds what make cannot work with. Error when it
  /// cannot be made.
  explicit TemporaryFolder(const std::string& purpose);
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace obz
