#include "plan/csv.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "ref/base/error.hpp"
#include "ref/base/suggest.hpp"

namespace obz::plan {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

std::vector<std::string> cells_of(std::string_view line, const std::string& where) {
  std::vector<std::string> cells;
  for (bool more = true; more;) {
    std::string cell;
    const std::size_t start = std::min(line.find_first_not_of(" \t"), line.size());
    if (start < line.size() && line[start] == '"') {
      std::size_t i = start + 1;
      for (;; ++i) {
        if (i >= line.size()) throw Error(fmt::format("{}: a quote is not closed", where));
        if (line[i] != '"') {
          cell += line[i];
        } else if (i + 1 < line.size() && line[i + 1] == '"') {
          cell += line[i++];
        } else {
          break;
        }
      }
      const std::size_t comma = std::min(line.find(',', i), line.size());
      if (!trimmed(line.substr(i + 1, comma - i - 1)).empty()) {
        throw Error(fmt::format("{}: expected a comma behind a closing quote", where));
      }
      more = comma < line.size();
      line.remove_prefix(std::min(comma + 1, line.size()));
    } else {
      const std::size_t comma = std::min(line.find(','), line.size());
      cell = trimmed(line.substr(0, comma));
      more = comma < line.size();
      line.remove_prefix(std::min(comma + 1, line.size()));
    }
    cells.push_back(std::move(cell));
  }
  return cells;
}

/// UTF-8 without control characters.
bool is_plain_text(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    if (lead < 0x20 || lead == 0x7F) return false;
    const std::size_t more = lead < 0x80 ? 0 : lead >> 5 == 6 ? 1 : lead >> 4 == 14 ? 2 : lead >> 3 == 30 ? 3 : 4;
    if (more == 4 || i + more >= text.size() + (more == 0 ? 1 : 0)) return false;
    for (std::size_t k = 1; k <= more; ++k) {
      if (static_cast<unsigned char>(text[i + k]) >> 6 != 2) return false;
    }
    i += more + 1;
  }
  return true;
}

}  // namespace

std::string Csv::where(std::size_t row, std::size_t column) const {
  return fmt::format("{}: row {} (line {}), column {}", name, row + 1, rows[row].line, columns[column]);
}

std::size_t Csv::require_column(std::string_view column) const {
  const auto it = std::find(columns.begin(), columns.end(), column);
  if (it != columns.end()) return static_cast<std::size_t>(it - columns.begin());
  const std::vector<std::string_view> known(columns.begin(), columns.end());
  throw Error(fmt::format("{}: expected a column \"{}\", got {}{}", name, column, fmt::join(columns, ", "),
                          did_you_mean(column, known)));
}

double Csv::number(std::size_t row, std::size_t column) const {
  const std::string& text = rows[row].cells[column];
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) {
    throw Error(fmt::format("{}: expected a finite number, got \"{}\"", where(row, column), text));
  }
  return value;
}

Csv parse_csv(std::string_view text, const std::string& name) {
  Csv csv{.name = name, .columns = {}, .rows = {}};
  constexpr std::string_view mark = "\xEF\xBB\xBF";
  if (text.starts_with(mark)) text.remove_prefix(mark.size());
  for (std::size_t line = 1; !text.empty(); ++line) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view content = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (content.empty() || (csv.columns.empty() && content.front() == '#')) continue;
    std::vector<std::string> cells = cells_of(content, fmt::format("{}: line {}", name, line));
    for (const std::string& cell : cells) {
      if (!is_plain_text(cell))
        throw Error(fmt::format("{}: line {}: expected text in UTF-8, without control characters", name, line));
    }
    if (csv.columns.empty()) {
      for (std::size_t i = 0; i < cells.size(); ++i) {
        if (cells[i].empty()) throw Error(fmt::format("{}: column {} of the heading has no name", name, i + 1));
        if (std::find(cells.begin(), cells.begin() + static_cast<std::ptrdiff_t>(i), cells[i]) !=
            cells.begin() + static_cast<std::ptrdiff_t>(i)) {
          throw Error(fmt::format("{}: column {} appears twice", name, cells[i]));
        }
      }
      csv.columns = std::move(cells);
      continue;
    }
    if (cells.size() != csv.columns.size()) {
      throw Error(fmt::format("{}: row {} (line {}): expected {} cells, got {}", name, csv.rows.size() + 1, line,
                              csv.columns.size(), cells.size()));
    }
    csv.rows.push_back({line, std::move(cells)});
  }
  if (csv.columns.empty()) throw Error(fmt::format("{}: expected a heading line, got none", name));
  return csv;
}

std::string csv_cell(std::string_view text) {
  const bool blanks = !text.empty() && (text.front() == ' ' || text.back() == ' ');
  if (!blanks && text.find_first_of(",\"") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

}  // namespace obz::plan
