// Where the real models, inputs and independent outputs are, if they are there. They never enter the project.
#pragma once

#include <cstdlib>
#include <filesystem>

namespace obz::test {

/// $OBZ_SHARED_DATA, default ../shared/data beside the checkout.
inline std::filesystem::path shared_data() {
  const char* from_environment = std::getenv("OBZ_SHARED_DATA");
  return from_environment != nullptr ? from_environment : std::filesystem::path(OBZ_SOURCE_DIR) / "../shared/data";
}

}  // namespace obz::test

/// Skips the running test, with the reason, where the folder is absent.
#define OBZ_REQUIRE_SHARED_DATA(FOLDER) \
  if (!std::filesystem::exists(FOLDER)) GTEST_SKIP() << "skipped: no test data at " << (FOLDER)
