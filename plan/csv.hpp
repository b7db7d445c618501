// Comma-separated values with a heading line, as spreadsheets and Python's csv write them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace obz::plan {

struct CsvRow {
  std::size_t line = 0;  ///< in the file, from 1
  std::vector<std::string> cells;
};

struct Csv {
  std::string name;  ///< of the file, for errors
  std::vector<std::string> columns;
  std::vector<CsvRow> rows;

  /// "t.csv: row 3 (line 5), column omega"
  std::string where(std::size_t row, std::size_t column) const;
  std::size_t require_column(std::string_view column) const;  ///< Error when it is missing
  /// A finite number; Error naming row and column otherwise.
  double number(std::size_t row, std::size_t column) const;
};

/// Quoted cells may hold commas and doubled quotes. Blank lines, and above the heading lines that begin with #, do not
/// count. Error for a
/// missing heading, a column named twice and rows of another length.
Csv parse_csv(std::string_view text, const std::string& name);

/// A cell, quoted where it must be.
std::string csv_cell(std::string_view text);

}  // namespace obz::plan
