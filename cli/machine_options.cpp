#include "cli/machine_options.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "cli/numbers.hpp"
#include "ref/base/error.hpp"

namespace obz::cli {

void MachineOptions::add_to(std::vector<Option>& options) {
  options.push_back({"--machine", "FILE",
                     "sysc: a machine's transfers, clock and scratchpad sizes as JSON, docs/rtl.md (default: none)",
                     &file});
}

sim::Machine MachineOptions::load(const std::vector<std::string>& engines) {
  if (file.empty()) return {};
  const bool there = std::any_of(engines.begin(), engines.end(), [](const std::string& list) {
    const std::vector<std::string_view> names = split(list);
    return std::find(names.begin(), names.end(), "sysc") != names.end();
  });
  if (!there) throw Error("--machine: it is the engine sysc that a machine is for; add it to --engines");
  const sim::Machine machine = sim::load_machine(file);
  clock_mhz_ = machine.clock_mhz;
  return machine;
}

void MachineOptions::print_times(const CheckReport& report) const {
  if (!clock_mhz_) return;
  std::int64_t cycles = 0;
  for (const CheckRow& row : report.rows) {
    for (std::size_t e = 0; e < row.cells.size(); ++e) {
      if (report.engines[e] == "sysc") cycles += row.cells[e].cycles.value_or(0);
    }
  }
  fmt::print(stderr, "sysc: {} cycles, {:.3f} ms at {} MHz\n", cycles,
             static_cast<double>(cycles) / static_cast<double>(*clock_mhz_) / 1000.0, *clock_mhz_);
}

}  // namespace obz::cli
