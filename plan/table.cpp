#include "plan/table.hpp"

#include <algorithm>
#include <charconv>
#include <map>

#include <fmt/format.h>

#include "plan/csv.hpp"
#include "ref/base/error.hpp"
#include "ref/base/suggest.hpp"

namespace obz::plan {
namespace {

constexpr int kMostBits = 8;

int bits_of_cell(const Csv& csv, std::size_t row, std::size_t column) {
  const double value = csv.number(row, column);
  if (value < 1 || value > kMostBits || value != static_cast<int>(value)) {
    throw Error(
        fmt::format("{}: expected 1..{} bits, got {}", csv.where(row, column), kMostBits, csv.rows[row].cells[column]));
  }
  return static_cast<int>(value);
}

/// More bits come first.
bool more_bits(const Choice& a, const Choice& b) {
  return std::pair(a.bits.weights, a.bits.activations) > std::pair(b.bits.weights, b.bits.activations);
}

void check_ties(const Table& table, const std::string& name) {
  std::map<std::string, std::size_t> seen;
  for (std::size_t i = 0; i < table.layers.size(); ++i) {
    const Layer& layer = table.layers[i];
    seen[layer.name] = i;
    if (layer.same_as.empty()) continue;
    const auto other = seen.find(layer.same_as);
    if (other == seen.end() || other->second == i) {
      throw Error(fmt::format("{}: layer {}: same_as names \"{}\": expected an earlier layer", name, layer.name,
                              layer.same_as));
    }
    const std::vector<Choice>& theirs = table.layers[other->second].choices;
    const bool alike = std::equal(layer.choices.begin(), layer.choices.end(), theirs.begin(), theirs.end(),
                                  [](const Choice& a, const Choice& b) { return a.bits == b.bits; });
    if (!alike) {
      throw Error(fmt::format("{}: layer {}: expected the same choices of bits as {}, which it is tied to", name,
                              layer.name, layer.same_as));
    }
  }
}

}  // namespace

std::optional<std::size_t> Table::column(std::string_view name) const {
  const auto it = std::find(columns.begin(), columns.end(), name);
  if (it == columns.end()) return std::nullopt;
  return static_cast<std::size_t>(it - columns.begin());
}

std::string bits_text(const LayerBits& bits) { return fmt::format("{}x{}", bits.weights, bits.activations); }

LayerBits parse_bits(std::string_view text, const std::string& where) {
  const auto digit = [&](std::size_t i) { return i < text.size() && text[i] >= '1' && text[i] <= '8'; };
  const auto value = [&](std::size_t i) { return text[i] - '0'; };
  if (text.size() == 1 && digit(0)) return {value(0), value(0)};
  if (text.size() == 3 && digit(0) && text[1] == 'x' && digit(2)) return {value(0), value(2)};
  if (text.size() == 4 && text[0] == 'w' && digit(1) && text[2] == 'a' && digit(3)) return {value(1), value(3)};
  throw Error(fmt::format("{}: expected bits such as 8, 8x4 or w8a4, got \"{}\"", where, text));
}

Table parse_table(std::string_view text, const std::string& name) {
  const Csv csv = parse_csv(text, name);
  const std::size_t layer_column = csv.require_column("layer"), weights = csv.require_column("weights"),
                    activations = csv.require_column("activations");
  Table table;
  std::optional<std::size_t> tie;
  std::vector<std::size_t> numbers;
  for (std::size_t c = 0; c < csv.columns.size(); ++c) {
    if (csv.columns[c] == "same_as") {
      tie = c;
    } else if (c != layer_column && c != weights && c != activations) {
      numbers.push_back(c);
      table.columns.push_back(csv.columns[c]);
    }
  }
  if (numbers.empty()) throw Error(fmt::format("{}: expected a column of numbers besides layer and bits", name));
  std::map<std::string, std::size_t> index;
  for (std::size_t r = 0; r < csv.rows.size(); ++r) {
    const std::string& layer_name = csv.rows[r].cells[layer_column];
    if (layer_name.empty()) throw Error(fmt::format("{}: expected a name", csv.where(r, layer_column)));
    const auto [it, added] = index.try_emplace(layer_name, table.layers.size());
    if (added) table.layers.push_back({layer_name, tie ? csv.rows[r].cells[*tie] : "", {}});
    Layer& layer = table.layers[it->second];
    if (tie && csv.rows[r].cells[*tie] != layer.same_as) {
      throw Error(fmt::format("{}: expected \"{}\" as in the layer's first row, got \"{}\"", csv.where(r, *tie),
                              layer.same_as, csv.rows[r].cells[*tie]));
    }
    Choice choice{{bits_of_cell(csv, r, weights), bits_of_cell(csv, r, activations)}, {}};
    const bool twice =
        std::any_of(layer.choices.begin(), layer.choices.end(), [&](const Choice& c) { return c.bits == choice.bits; });
    if (twice) {
      throw Error(fmt::format("{}: layer {} has the choice {} twice", csv.where(r, weights), layer_name,
                              bits_text(choice.bits)));
    }
    for (const std::size_t c : numbers) choice.values.push_back(csv.number(r, c));
    layer.choices.push_back(std::move(choice));
  }
  if (table.layers.empty()) throw Error(fmt::format("{}: expected rows behind the heading, got none", name));
  constexpr std::size_t most_layers = 20000;
  if (table.layers.size() > most_layers) {
    throw Error(fmt::format("{}: expected at most {} layers, got {}", name, most_layers, table.layers.size()));
  }
  for (Layer& layer : table.layers) std::stable_sort(layer.choices.begin(), layer.choices.end(), more_bits);
  check_ties(table, name);
  return table;
}

std::string table_csv(const Table& table) {
  std::string text = "layer,weights,activations,same_as";
  for (const std::string& column : table.columns) text += "," + csv_cell(column);
  text += '\n';
  for (const Layer& layer : table.layers) {
    for (const Choice& choice : layer.choices) {
      text += fmt::format("{},{},{},{}", csv_cell(layer.name), choice.bits.weights, choice.bits.activations,
                          csv_cell(layer.same_as));
      for (const double v : choice.values) text += fmt::format(",{}", v);
      text += '\n';
    }
  }
  return text;
}

Assignment parse_assignment(const Table& table, std::string_view text, const std::string& name,
                            const std::string& column) {
  const Csv csv = parse_csv(text, name);
  const std::size_t layer_column = csv.require_column("layer");
  const auto has = [&](const char* name_of) {
    return std::find(csv.columns.begin(), csv.columns.end(), name_of) != csv.columns.end();
  };
  const bool together = !column.empty() || has("bits");
  const std::size_t weights = csv.require_column(!column.empty() ? column
                                                 : together      ? "bits"
                                                                 : "weights"),
                    activations = together ? weights : csv.require_column("activations");
  std::map<std::string_view, std::size_t> index;
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < table.layers.size(); ++i) {
    index[table.layers[i].name] = i;
    names.push_back(table.layers[i].name);
  }
  constexpr std::size_t missing = static_cast<std::size_t>(-1);
  Assignment chosen(table.layers.size(), missing);
  for (std::size_t r = 0; r < csv.rows.size(); ++r) {
    const std::string& layer_name = csv.rows[r].cells[layer_column];
    const auto it = index.find(layer_name);
    if (it == index.end()) {
      throw Error(fmt::format("{}: the table has no layer \"{}\"{}", csv.where(r, layer_column), layer_name,
                              did_you_mean(layer_name, names)));
    }
    if (chosen[it->second] != missing) {
      throw Error(fmt::format("{}: layer {} appears twice", csv.where(r, layer_column), layer_name));
    }
    const LayerBits bits = together ? parse_bits(csv.rows[r].cells[weights], csv.where(r, weights))
                                    : LayerBits{bits_of_cell(csv, r, weights), bits_of_cell(csv, r, activations)};
    const std::vector<Choice>& choices = table.layers[it->second].choices;
    const auto choice = std::find_if(choices.begin(), choices.end(), [&](const Choice& c) { return c.bits == bits; });
    if (choice == choices.end()) {
      std::string known;
      for (const Choice& c : choices) known += (known.empty() ? "" : ", ") + bits_text(c.bits);
      throw Error(fmt::format("{}: layer {}: expected one of {}, got {}", csv.where(r, weights), layer_name, known,
                              bits_text(bits)));
    }
    chosen[it->second] = static_cast<std::size_t>(choice - choices.begin());
  }
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    if (chosen[i] != missing) continue;
    if (table.layers[i].choices.size() != 1) {
      throw Error(fmt::format("{}: expected a row for layer {}", name, table.layers[i].name));
    }
    chosen[i] = 0;
  }
  return chosen;
}

}  // namespace obz::plan
