#include "cli/plan_figure.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>

#include <fmt/format.h>

#include "cli/markup.hpp"
#include "cli/table.hpp"

namespace obz::cli {
namespace {

constexpr int kLeft = 230, kWidth = 430, kRow = 15, kPlot = 230, kTitle = 40;
constexpr const char *kWeights = "#1b4965", *kActivations = "#5fa8d3", *kGrid = "#dddddd", *kMark = "#d1495b";

std::string text_at(double x, double y, std::string_view text, const char* more = "") {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\"{}>{}</text>\n", x, y, more, escaped(text));
}

std::string tick(double v) {
  constexpr double many = 1e4;
  constexpr double most = 1e15;
  return std::abs(v) >= many && std::abs(v) < most ? grouped(std::llround(v)) : fmt::format("{:.4g}", v);
}

/// Points joined by steps: between two of them the lighter one is the best there is.
std::string frontier_plot(const PlanFigure& f, std::pair<double, double> here, int top) {
  double x0 = here.first, x1 = x0, y0 = here.second, y1 = y0;
  for (const auto& [x, y] : f.points) {
    x0 = std::min(x0, x), x1 = std::max(x1, x), y0 = std::min(y0, y), y1 = std::max(y1, y);
  }
  const double dx = x1 > x0 ? x1 - x0 : 1, dy = y1 > y0 ? y1 - y0 : 1;
  const auto px = [&](double x) { return kLeft + (x - x0) / dx * kWidth; };
  const auto py = [&](double y) { return top + kPlot - 40 - (y - y0) / dy * (kPlot - 60); };
  std::string svg;
  for (int i = 0; i <= 4; ++i) {
    const double x = x0 + dx * i / 4, y = y0 + dy * i / 4;
    svg += fmt::format("<path d=\"M{:.1f} {:.1f}V{:.1f}M{} {:.1f}H{}\" stroke=\"{}\"/>\n", px(x), py(y0), py(y1), kLeft,
                       py(y), kLeft + kWidth, kGrid);
    svg += text_at(px(x), py(y0) + 16, tick(x), " text-anchor=\"middle\" font-size=\"10\"");
    svg += text_at(kLeft - 8, py(y) + 4, tick(y), " text-anchor=\"end\" font-size=\"10\"");
  }
  std::string path;
  for (std::size_t i = 0; i < f.points.size(); ++i) {
    const auto& [x, y] = f.points[i];
    path += i == 0 ? fmt::format("M{:.1f} {:.1f}", px(x), py(y)) : fmt::format("H{:.1f}V{:.1f}", px(x), py(y));
  }
  svg += fmt::format("<path d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"1.5\"/>\n", path, kWeights);
  for (const auto& [x, y] : f.points) {
    svg += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"2.5\" fill=\"{}\"/>\n", px(x), py(y), kWeights);
  }
  svg += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"5\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\"/>\n",
                     px(here.first), py(here.second), kMark);
  svg += text_at(kLeft + kWidth / 2.0, top + kPlot - 6, f.swept, " text-anchor=\"middle\"");
  svg += text_at(20, top + 14, f.objective, " font-weight=\"bold\"");
  return svg;
}

}  // namespace

std::string plan_svg(const plan::Table& table, const PlanFigure& f) {
  const int bars = kTitle + 26, bottom = bars + static_cast<int>(table.layers.size()) * kRow + 24;
  const bool plot = !f.swept.empty() && !f.points.empty();
  const int height = bottom + (plot ? kPlot + 10 : 0), width = kLeft + kWidth + 60;
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" "
      "font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
      width, height);
  svg += text_at(10, 20, f.title, " font-size=\"14\" font-weight=\"bold\"");
  int legend = kLeft;
  for (const auto& [colour, name] : {std::pair{kWeights, "bits of weights"}, {kActivations, "bits of activations"}}) {
    svg += fmt::format("<rect x=\"{}\" y=\"34\" width=\"11\" height=\"11\" fill=\"{}\"/>\n", legend, colour);
    svg += text_at(legend + 16, 44, name);
    legend += 150;
  }
  constexpr int most_bits = 8, half = 6;
  for (int b = 2; b <= most_bits; b += 2) {
    const int x = kLeft + b * kWidth / most_bits;
    svg += fmt::format("<path d=\"M{} {}V{}\" stroke=\"{}\"/>\n", x, bars - 4, bottom - 18, kGrid);
    svg += text_at(x, bottom - 4, std::to_string(b), " text-anchor=\"middle\" font-size=\"10\"");
  }
  for (std::size_t i = 0; i < table.layers.size(); ++i) {
    const LayerBits& bits = table.layers[i].choices[f.chosen[i]].bits;
    const int y = bars + static_cast<int>(i) * kRow;
    svg += text_at(kLeft - 8, y + 11, table.layers[i].name, " text-anchor=\"end\" font-size=\"11\"");
    for (const auto& [value, colour, at] :
         {std::tuple{bits.weights, kWeights, y}, {bits.activations, kActivations, y + half}}) {
      svg += fmt::format("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{}\"/>\n", kLeft, at + 1,
                         value * kWidth / most_bits, half, colour);
    }
    svg += text_at(kLeft + kWidth + 8, y + 11, plan::bits_text(bits), " font-size=\"10\"");
  }
  if (plot) {
    const std::pair here{plan::column_total(table, *table.column(f.swept), f.chosen),
                         plan::column_total(table, *table.column(f.objective), f.chosen)};
    svg += frontier_plot(f, here, bottom + 6);
  }
  return svg + "</svg>\n";
}

}  // namespace obz::cli
