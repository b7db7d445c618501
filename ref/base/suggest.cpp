#include "ref/base/suggest.hpp"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

namespace obz {
namespace {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substitute = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substitute});
    }
  }
  return row[b.size()];
}

}  // namespace

std::string did_you_mean(std::string_view unknown, std::span<const std::string_view> known) {
  constexpr std::size_t max_length = 64;  // longer words are no typing slip, and the table would be large
  if (unknown.empty() || unknown.size() > max_length) return "";
  std::vector<std::pair<std::size_t, std::string_view>> near;
  for (const std::string_view name : known) {
    const std::size_t distance = edit_distance(unknown, name);
    const bool is_part = name.find(unknown) != std::string_view::npos;
    if (distance <= std::max<std::size_t>(2, name.size() / 4) || is_part) near.emplace_back(distance, name);
  }
  if (near.empty()) return "";
  std::sort(near.begin(), near.end());
  std::string text = " (did you mean ";
  const std::size_t count = std::min<std::size_t>(near.size(), 3);
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0) text += i + 1 == count ? " or " : ", ";
    text += '"' + std::string(near[i].second) + '"';
  }
  return text + "?)";
}

}  // namespace obz
