#include "cli/bar_chart.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>

#include "cli/markup.hpp"

namespace obz::cli {
namespace {

// Told apart in print and by colour-blind readers: dark to light.
constexpr std::array<std::string_view, 4> kColours{"#1b4965", "#f4a259", "#5fa8d3", "#b8b8b8"};
constexpr int kLeft = 210, kWidth = 420, kBar = 11, kGap = 12, kTop = 62;

}  // namespace

std::string bar_chart_svg(const std::string& title, const std::vector<std::string>& series,
                          const std::vector<BarGroup>& groups) {
  const int group_height = static_cast<int>(series.size()) * kBar + kGap;
  const int height = kTop + static_cast<int>(groups.size()) * group_height + 10, width = kLeft + kWidth + 70;
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{}\" viewBox=\"0 0 {} {}\" "
      "font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
      "<text x=\"10\" y=\"20\" font-size=\"14\" font-weight=\"bold\">{}</text>\n",
      width, height, width, height, escaped(title));
  int x = 10;
  for (std::size_t s = 0; s < series.size(); ++s) {
    svg += fmt::format(
        "<rect x=\"{}\" y=\"32\" width=\"11\" height=\"11\" fill=\"{}\"/><text x=\"{}\" y=\"42\">{}</text>\n", x,
        kColours[s % kColours.size()], x + 16, escaped(series[s]));
    x += 34 + 7 * static_cast<int>(series[s].size());
  }
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const int top = kTop + static_cast<int>(g) * group_height;
    svg += fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>\n", kLeft - 8,
                       top + static_cast<int>(series.size()) * kBar / 2 + 4, escaped(groups[g].name));
    for (std::size_t s = 0; s < groups[g].percent.size(); ++s) {
      const double percent = std::clamp(groups[g].percent[s], 0.0, 100.0);
      const int y = top + static_cast<int>(s) * kBar;
      svg += fmt::format(
          "<rect x=\"{}\" y=\"{}\" width=\"{:.1f}\" height=\"{}\" fill=\"{}\"/>"
          "<text x=\"{:.1f}\" y=\"{}\" font-size=\"10\">{:.1f} %</text>\n",
          kLeft, y, percent * kWidth / 100, kBar - 1, kColours[s % kColours.size()], kLeft + percent * kWidth / 100 + 4,
          y + kBar - 2, percent);
    }
  }
  return svg + "</svg>\n";
}

}  // namespace obz::cli
