#include "plan/latency.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include <fmt/format.h>

#include "ref/base/error.hpp"
#include "ref/base/suggest.hpp"

namespace obz::plan {
namespace {

/// A roofline fitted to the published times of HAWQ-V3's tuned T4 convolutions (batch 8, 56x56 to 7x7, 1x1 and 3x3;
/// int32 outputs in memory, no requantization in the time): launch 2.3 us, 24.8 and 12.6 TOPS at 4 and 8 bits, 238
/// GB/s. Of 38 such rows 90 % lie within 0.7 to 1.2 of it (mean error 12 %; the worst 0.47 and 1.64).
constexpr std::array<Rate, 2> kT4Rates{Rate{4, 12.4e6}, Rate{8, 6.3e6}};
constexpr std::array<Machine, 1> kMachines{
    Machine{"t4", "roofline over published T4 convolution times (Zhen-Dong/HAWQ tuning logs), 90 % within the interval",
            2.3, 238e3, kT4Rates, 0.7, 1.2}};

}  // namespace

const Machine& find_machine(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Machine& m : kMachines) {
    if (m.name == name) return m;
    names.push_back(m.name);
  }
  throw Error(
      fmt::format("--machine {}: expected one of {}{}", name, fmt::join(names, ", "), did_you_mean(name, names)));
}

double latency_us(const Machine& machine, const LayerWork& work, const LayerBits& bits) {
  const int wider = std::max(bits.weights, bits.activations);
  double rate = machine.rates.back().macs_per_us;
  for (const Rate& r : machine.rates) {
    if (wider <= r.bits) {
      rate = r.macs_per_us;
      break;
    }
  }
  constexpr double word = 4, byte = 8;
  const double bytes = static_cast<double>(work.inputs) * bits.activations / byte +
                       static_cast<double>(work.weights) * bits.weights / byte +
                       static_cast<double>(work.outputs) * word;
  const double us = machine.launch_us + std::max(static_cast<double>(work.macs) / rate, bytes / machine.bytes_per_us);
  constexpr double digits = 1e4;  // more would only look exact
  return std::round(us * digits) / digits;
}

}  // namespace obz::plan
