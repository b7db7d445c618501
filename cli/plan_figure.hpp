// A plan as a picture: bits of every layer, and the frontier it stands on.
#pragma once

#include <string>
#include <vector>

#include "plan/frontier.hpp"

namespace obz::cli {

struct PlanFigure {
  std::string title;
  plan::Assignment chosen;
  std::string objective;
  std::string swept;                              ///< column of the frontier; empty: none
  std::vector<std::pair<double, double>> points;  ///< (swept column, objective)
};

/// A stand-alone SVG.
std::string plan_svg(const plan::Table& table, const PlanFigure& figure);

}  // namespace obz::cli
