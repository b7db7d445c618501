#include "ref/base/temporary_folder.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <string_view>

#include <fmt/format.h>

#include "ref/base/error.hpp"

namespace obz {
namespace fs = std::filesystem;

TemporaryFolder::TemporaryFolder(const std::string& purpose) {
  const auto awkward = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) == 0 && std::string_view("_-./+").find(c) == std::string::npos;
  };
  const std::string given = fs::temp_directory_path().string();
  const bool plain = std::none_of(given.begin(), given.end(), awkward);
  std::string name = (fs::path(plain ? given : "/tmp") / fmt::format("obz-{}-XXXXXX", purpose)).string();
  if (mkdtemp(name.data()) == nullptr) throw Error(fmt::format("{}: cannot be created", name));
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

}  // namespace obz
