// A horizontal bar chart as a stand-alone SVG: groups of bars, one colour per series, values in percent.
#pragma once

#include <string>
#include <vector>

namespace obz::cli {

struct BarGroup {
  std::string name;
  std::vector<double> percent;  ///< one per series
};

std::string bar_chart_svg(const std::string& title, const std::vector<std::string>& series,
                          const std::vector<BarGroup>& groups);

}  // namespace obz::cli
