// Text tables whose columns line up.
#pragma once

#include <string>
#include <vector>

namespace obz::cli {

class Table {
 public:
  /// A heading starting with '>' aligns its column to the right.
  explicit Table(std::vector<std::string> headings);
  void add(std::vector<std::string> row);
  /// Rows separated by newlines, two blanks between columns, no trailing blanks.
  std::string text() const;

 private:
  std::vector<std::string> headings_;
  std::vector<bool> right_;
  std::vector<std::vector<std::string>> rows_;
};

/// 1234567 as "1 234 567".
std::string grouped(std::int64_t n);
/// 1234567 as "1.23 M" (G, M, k).
std::string scaled(double n);

}  // namespace obz::cli
