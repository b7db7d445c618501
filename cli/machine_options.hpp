// --machine of obz check: the machine that the engine `sysc` times.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/verb.hpp"
#include "golden/engines/check.hpp"
#include "sim/machine.hpp"

namespace obz::cli {

struct MachineOptions {
  std::string file;

  void add_to(std::vector<Option>& options);

  /// The default machine without a file. Error when a file is given and `sysc` is not among the engines.
  sim::Machine load(const std::vector<std::string>& engines);

  /// On stderr, where the machine has a clock: how long sysc's layers take on it.
  void print_times(const CheckReport& report) const;

 private:
  std::optional<std::int64_t> clock_mhz_;
};

}  // namespace obz::cli
