#include "accel/trace_writers.hpp"

#include <algorithm>
#include <bit>
#include <iterator>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "ref/base/error.hpp"

namespace obz::accel {
namespace {

using Json = nlohmann::ordered_json;

enum Track : int { kBlocks = 1, kCore = 2, kWrites = 3, kAccumulators = 10 };

/// Events of one process, a line each.
class Events {
 public:
  void name(const char* what, int track, const std::string& text) {
    add({{"ph", "M"}, {"pid", 1}, {"tid", track}, {"name", what}, {"args", {{"name", text}}}});
  }
  void span(int track, const std::string& text, std::int64_t from, std::int64_t cycles, Json args = Json::object()) {
    add({{"ph", "X"},
         {"pid", 1},
         {"tid", track},
         {"name", text},
         {"ts", from},
         {"dur", cycles},
         {"args", std::move(args)}});
  }
  void counter(const char* text, std::int64_t at, std::int64_t value) {
    add({{"ph", "C"}, {"pid", 1}, {"name", text}, {"ts", at}, {"args", {{"mma", value}}}});
  }
  std::string text(const Json& about) const {
    return "{\"traceEvents\":[\n" + lines_ + "\n],\"displayTimeUnit\":\"ns\",\"otherData\":" + about.dump() + "}\n";
  }

 private:
  void add(const Json& event) {
    if (!lines_.empty()) lines_ += ",\n";
    lines_ += event.dump();
  }
  std::string lines_;
};

/// Tiles that were in the accumulators together.
struct Block {
  std::int64_t begin = INT64_MAX, last_result = 0, last_write = 0;
  MmaPlace first, last;
};

std::map<std::pair<std::int64_t, std::int64_t>, Block> blocks_of(const PipelineTrace& trace) {
  std::map<std::pair<std::int64_t, std::int64_t>, Block> blocks;
  for (const TracedMma& mma : trace.mmas) {
    Block& block = blocks[{mma.program, mma.place.block}];
    if (block.begin == INT64_MAX) block.first = mma.place;
    block.last = mma.place;
    block.begin = std::min(block.begin, mma.issue);
    block.last_write = block.last_result = std::max(block.last_result, mma.result);
  }
  for (const TracedWrite& write : trace.writes) blocks.at({write.program, write.block}).last_write = write.cycle;
  return blocks;
}

void add_blocks(Events& events, const PipelineTrace& trace) {
  std::int64_t free = 0;  // first cycle after the block before
  for (const auto& [key, block] : blocks_of(trace)) {
    const auto& [program, number] = key;
    const std::string text =
        fmt::format("block {}: pixel tiles {}..{}, channel tiles {}..{}", number, block.first.pixel_tile,
                    block.last.pixel_tile, block.first.channel_tile, block.last.channel_tile);
    events.span(kBlocks, text, free, block.last_write + 1 - free, {{"program", program}});
    events.span(kBlocks, "set up, fetch", free, block.begin - free);
    events.span(kBlocks, "multiply", block.begin, block.last_result + 1 - block.begin);
    events.span(kBlocks, "drain", block.last_result + 1, block.last_write - block.last_result);
    free = block.last_write + 1;
  }
}

/// The cycles in which the core multiplies: those after an acceptance.
void add_core(Events& events, const PipelineTrace& trace) {
  std::int64_t from = 0, to = 0, count = 0;
  const auto flush = [&] {
    if (count > 0) events.span(kCore, "busy", from, to - from, {{"mma", count}});
    count = 0;
  };
  for (const TracedMma& mma : trace.mmas) {
    if (count == 0 || mma.issue + 1 > to) {
      flush();
      from = mma.issue + 1;
    }
    to = mma.issue + 1 + trace.interval;
    ++count;
  }
  flush();
}

void add_in_flight(Events& events, const PipelineTrace& trace) {
  std::map<std::int64_t, std::int64_t> change;
  for (const TracedMma& mma : trace.mmas) {
    ++change[mma.issue];
    --change[mma.result + 1];
  }
  std::int64_t value = 0;
  for (const auto& [cycle, by] : change) {
    if (by != 0) events.counter("mma in flight", cycle, value += by);
  }
}

}  // namespace

std::string chrome_trace(const PipelineTrace& trace) {
  Events events;
  events.name("process_name", 0, trace.layer + " (1 us = 1 cycle)");
  events.name("thread_name", kBlocks, "blocks");
  events.name("thread_name", kCore, "tensor core");
  events.name("thread_name", kWrites, "writes of outputs");
  for (int t = 0; t < kTilesBlock; ++t) {
    events.name("thread_name", kAccumulators + t, fmt::format("accumulator {}", t));
  }
  add_blocks(events, trace);
  add_core(events, trace);
  for (const TracedMma& mma : trace.mmas) {
    const MmaPlace& p = mma.place;
    events.span(kAccumulators + p.accumulator, fmt::format("chunk {}", p.chunk), mma.issue, mma.result + 1 - mma.issue,
                {{"pixel tile", p.pixel_tile},
                 {"channel tile", p.channel_tile},
                 {"chunk", p.chunk},
                 {"block", p.block},
                 {"program", mma.program}});
  }
  for (const TracedWrite& write : trace.writes) {
    events.span(kWrites, "write", write.cycle, 1,
                {{"address", write.address}, {"bytes", std::popcount(write.enable)}, {"program", write.program}});
  }
  add_in_flight(events, trace);
  return events.text(
      {{"layer", trace.layer}, {"clock", "1 cycle = 1 us"}, {"cycles", trace.cycles}, {"mma", trace.mmas.size()}});
}

std::string kanata_log(const PipelineTrace& trace) {
  // Lines by cycle: several mma are in flight. Within a cycle those of the older mma come first, and its own order
  // holds.
  std::map<std::int64_t, std::string> at;
  for (std::size_t id = 0; id < trace.mmas.size(); ++id) {
    const TracedMma& mma = trace.mmas[id];
    const MmaPlace& p = mma.place;
    const std::int64_t sum = mma.issue + 1 + trace.interval;
    OBZ_CHECK(mma.result > sum + 1);
    fmt::format_to(std::back_inserter(at[mma.issue]),
                   "I\t{0}\t{0}\t{1}\nL\t{0}\t0\tpixels {2} channels {3} chunk {4}\n", id, p.accumulator, p.pixel_tile,
                   p.channel_tile, p.chunk);
    std::int64_t from = mma.issue;
    const auto stage = [&](const std::string& name, std::int64_t to) {
      fmt::format_to(std::back_inserter(at[from]), "S\t{}\t0\t{}\n", id, name);
      fmt::format_to(std::back_inserter(at[to]), "E\t{}\t0\t{}\n", id, name);
      from = to;
    };
    stage("Is", mma.issue + 1);
    for (std::int64_t phase = 0; phase < trace.interval; ++phase) stage(fmt::format("M{}", phase), from + 1);
    stage("Ad", sum + 1);
    stage("Lt", mma.result);
    stage("Rs", mma.result + 1);
    fmt::format_to(std::back_inserter(at[from]), "R\t{0}\t{0}\t0\n", id);
  }
  std::string text = "Kanata\t0004\n";
  std::int64_t now = -1;
  for (const auto& [cycle, lines] : at) {
    text += now < 0 ? fmt::format("C=\t{}\n", cycle) : fmt::format("C\t{}\n", cycle - now);
    text += lines;
    now = cycle;
  }
  return text;
}

}  // namespace obz::accel
