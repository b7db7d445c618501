// What a plan chooses from: for every layer its ways to be quantized, each with numbers in named columns ("omega",
// "bytes", "bops", "latency_us", or whatever a user measures). Sums over the layers are what budgets bound.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ref/quantize/bits.hpp"

namespace obz::plan {

struct Choice {
  LayerBits bits;
  std::vector<double> values;  ///< one per column of the table
};

struct Layer {
  std::string name;
  std::string same_as;          ///< an earlier layer whose bits it must have; empty: free
  std::vector<Choice> choices;  ///< most bits first: weights, then activations; one: pinned
};

struct Table {
  std::vector<std::string> columns;
  std::vector<Layer> layers;

  /// nullopt: there is none of that name.
  std::optional<std::size_t> column(std::string_view name) const;
};

/// One choice per layer, as an index into its choices.
using Assignment = std::vector<std::size_t>;

/// "8x4" for 8-bit weights and 4-bit activations.
std::string bits_text(const LayerBits& bits);
/// The reverse, also of "w8a4" and "8" (both alike). Error opening with `where`.
LayerBits parse_bits(std::string_view text, const std::string& where);

/// CSV with a heading: layer, weights, activations, perhaps same_as, and at least one column of numbers; a row per
/// choice. Blank lines, and above the heading lines that begin with #, do not count. Error naming row and column, or
/// for more than 20,000 layers.
Table parse_table(std::string_view text, const std::string& name);
std::string table_csv(const Table& table);

/// CSV with a heading: layer and either weights and activations or bits ("8", "8x4"), the latter in `column` where one
/// is given; a row per layer. Error naming row and column; for layers that the table has not, that are missing, or
/// whose choice is not there.
Assignment parse_assignment(const Table& table, std::string_view text, const std::string& name,
                            const std::string& column = "");

}  // namespace obz::plan
