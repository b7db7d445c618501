#include "sim/machine.hpp"

#include <algorithm>
#include <set>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "ref/base/error.hpp"
#include "ref/base/file.hpp"
#include "ref/base/json_depth.hpp"
#include "ref/base/suggest.hpp"

namespace obz::sim {
namespace {

using Json = nlohmann::ordered_json;

/// Bytes of a word of each scratchpad; parameters of a tile are 1920 bits.
constexpr std::int64_t kXBytes = 16, kWBytes = 128, kTileBytes = 240;

struct Number {
  std::string_view key;
  std::int64_t* at;
  std::int64_t least, most;
};

/// The parser would keep the last of two equal keys without a word.
Json parse(const std::string& text, const std::string& file) {
  if (json_depth(text) > kMaxJsonDepth) throw Error(fmt::format("{}: nests deeper than {}", file, kMaxJsonDepth));
  std::set<std::string> keys;
  const auto watch = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (depth == 1 && event == Json::parse_event_t::key && !keys.insert(parsed.get<std::string>()).second) {
      throw Error(fmt::format("{}: key \"{}\" stands there twice", file, parsed.get<std::string>()));
    }
    return true;
  };
  try {
    return Json::parse(text, watch);
  } catch (const Json::exception& e) {
    throw Error(fmt::format("{}: no JSON: {}", file, e.what()));
  }
}

std::string shown(const Json& value) {
  std::string text = value.dump(-1, ' ', true, Json::error_handler_t::replace);
  constexpr std::size_t most = 40;
  return text.size() > most ? text.substr(0, most) + "..." : text;
}

/// Integers beyond 63 bits are outside every range.
bool in_range(const Json& value, const Number& n) {
  if (!value.is_number_integer()) return false;
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > std::uint64_t{INT64_MAX}) return false;
  const auto v = value.get<std::int64_t>();
  return v >= n.least && v <= n.most;
}

}  // namespace

std::int64_t Machine::load_cycles(const accel::LayerProgram& p) const {
  if (dma_bytes_per_cycle == 0) return 0;
  const auto bytes = static_cast<std::int64_t>(p.x.size()) * kXBytes + static_cast<std::int64_t>(p.w.size()) * kWBytes +
                     static_cast<std::int64_t>(p.tiles.size()) * kTileBytes;
  return dma_latency_cycles + (bytes + dma_bytes_per_cycle - 1) / dma_bytes_per_cycle;
}

std::int64_t Machine::store_cycles(const accel::LayerProgram& p) const {
  if (dma_bytes_per_cycle == 0) return 0;
  return dma_latency_cycles + (p.y_bytes() + dma_bytes_per_cycle - 1) / dma_bytes_per_cycle;
}

std::int64_t Machine::cycles(const accel::LayerProgram& p, std::int64_t run) const {
  const std::int64_t moved = load_cycles(p) + store_cycles(p);
  return overlap ? std::max(run, moved) : run + moved;
}

Machine parse_machine(const std::string& text, const std::string& file) {
  const Json json = parse(text, file);
  if (!json.is_object()) throw Error(fmt::format("{}: expected an object, got {}", file, shown(json)));
  Machine m;
  m.pads.of = "machine";
  std::int64_t clock = 0;
  const accel::Scratchpads all;
  const Number numbers[] = {{"dma_bytes_per_cycle", &m.dma_bytes_per_cycle, 1, 65536},
                            {"dma_latency_cycles", &m.dma_latency_cycles, 0, 1'000'000},
                            {"clock_mhz", &clock, 1, 100'000},
                            {"x_words", &m.pads.x_words, 1, all.x_words},
                            {"w_words", &m.pads.w_words, 1, all.w_words},
                            {"tiles", &m.pads.tiles, 1, all.tiles},
                            {"y_bytes", &m.pads.y_bytes, 32, all.y_bytes}};
  std::vector<std::string_view> known{"overlap"};
  for (const Number& n : numbers) known.push_back(n.key);
  for (const auto& [key, value] : json.items()) {
    const auto* n =
        std::find_if(std::begin(numbers), std::end(numbers), [&](const Number& one) { return one.key == key; });
    if (n != std::end(numbers)) {
      if (!in_range(value, *n)) {
        throw Error(fmt::format("{}: field {}: expected an integer {}..{}, got {}", file, key, n->least, n->most,
                                shown(value)));
      }
      *n->at = value.get<std::int64_t>();
    } else if (key == "overlap") {
      if (!value.is_boolean()) {
        throw Error(fmt::format("{}: field overlap: expected true or false, got {}", file, shown(value)));
      }
      m.overlap = value.get<bool>();
    } else {
      throw Error(fmt::format("{}: unknown key \"{}\"{}; expected {}", file, key, did_you_mean(key, known),
                              fmt::join(known, ", ")));
    }
  }
  if (m.dma_bytes_per_cycle == 0 && (json.contains("dma_latency_cycles") || json.contains("overlap"))) {
    throw Error(fmt::format("{}: field dma_bytes_per_cycle is missing: without it no transfer is counted", file));
  }
  if (clock != 0) m.clock_mhz = clock;
  return m;
}

Machine load_machine(const std::string& file) {
  constexpr std::uint64_t largest = std::uint64_t{1} << 20;
  return parse_machine(as_text(read_file(file, largest)), file);
}

}  // namespace obz::sim
