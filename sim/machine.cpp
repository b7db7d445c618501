#include "sim/machine.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "ref/base/error.hpp"
#include "ref/base/file.hpp"
#include "ref/base/strict_json.hpp"

namespace obz::sim {
namespace {

/// Bytes of a word of each scratchpad; parameters of a tile are 1920 bits.
constexpr std::int64_t kXBytes = 16, kWBytes = 128, kTileBytes = 240;

struct Number {
  std::string_view key;
  std::int64_t* at;
  std::int64_t least, most;
};

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
  const nlohmann::ordered_json json = parse_strict_json(text, file);
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
  const StrictObject object(json, file, known);
  for (const Number& n : numbers) {
    if (object.has(n.key)) *n.at = object.integer(n.key, n.least, n.most);
  }
  if (object.has("overlap")) m.overlap = object.flag("overlap");
  if (m.dma_bytes_per_cycle == 0 && (object.has("dma_latency_cycles") || object.has("overlap"))) {
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
