// A folder that exists for one test.
#pragma once

#include <filesystem>
#include <random>
#include <string>

namespace obz::test {

class TempDir {
 public:
  TempDir() {
    std::random_device device;
    path_ =
        std::filesystem::temp_directory_path() / ("obz-test-" + std::to_string(device()) + std::to_string(device()));
    std::filesystem::create_directories(path_);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// The message of the Error that `f` throws, or "" when it throws none.
template <class ErrorType, class F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const ErrorType& e) {
    return e.what();
  }
  return "";
}

}  // namespace obz::test
