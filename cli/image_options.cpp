#include "cli/image_options.hpp"

#include <fmt/format.h>

#include "cli/numbers.hpp"
#include "ref/base/error.hpp"

namespace obz::cli {
namespace {

std::vector<double> statistics(const std::string& option, const std::string& text) {
  std::vector<double> values;
  constexpr double most = 1e6;
  if (text.empty()) return values;
  for (const std::string_view part : split(text)) {
    // Channel statistics are float32 constants in the code that trained the network.
    values.push_back(static_cast<double>(static_cast<float>(parse_real(part, option, -most, most))));
  }
  return values;
}

}  // namespace

InputBorder image_border(const std::string& mean, const std::string& deviation) {
  InputBorder border;
  border.image_mean = statistics("--mean", mean);
  border.image_deviation = statistics("--std", deviation);
  if (border.image_mean.size() != border.image_deviation.size()) {
    throw Error(fmt::format("--mean has {} number(s), --std has {}: expected one each per channel",
                            border.image_mean.size(), border.image_deviation.size()));
  }
  for (const double m : border.image_mean) {
    if (m < 0 || m > 1)
      throw Error(fmt::format("--mean {}: expected numbers in 0..1, as bytes are divided by 255 first", mean));
  }
  for (const double d : border.image_deviation) {
    if (d <= 0) throw Error(fmt::format("--std {}: expected numbers > 0", deviation));
  }
  return border;
}

}  // namespace obz::cli
