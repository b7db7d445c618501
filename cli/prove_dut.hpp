// obz prove dut: a user's own requantizer against profiles.
#pragma once

#include <string>
#include <vector>

namespace obz::cli {

struct ProveDut {
  std::string rtl, top, map, type = "int8", out;
  std::vector<std::string> profiles;
  std::int64_t timeout = 120;  ///< seconds a question
  bool json = false;
};

/// Exit code: 0 all proved, 1 one refuted or left open.
int prove_dut(const ProveDut& options);

}  // namespace obz::cli
