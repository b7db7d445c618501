#include "accel/pipeline_trace.hpp"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "ref/base/error.hpp"

namespace obz::accel {
namespace {

constexpr std::size_t kNone = SIZE_MAX;

std::int64_t pixel_tiles(const LayerProgram& program) { return (std::int64_t{program.pixels} + kTile - 1) / kTile; }

}  // namespace

std::int64_t mma_count(const LayerProgram& program) {
  const std::int64_t chunks = std::accumulate(program.tiles.begin(), program.tiles.end(), std::int64_t{0},
                                              [](std::int64_t n, const TileParameters& t) { return n + t.chunks; });
  return chunks * pixel_tiles(program);
}

std::vector<MmaPlace> mma_order(const LayerProgram& program) {
  std::vector<MmaPlace> order;
  order.reserve(static_cast<std::size_t>(mma_count(program)));
  const auto tiles = static_cast<std::int64_t>(program.tiles.size());
  std::int64_t block = 0;
  for (std::int64_t first_n = 0; first_n < tiles; first_n += program.block_n) {
    const std::int64_t end_n = std::min<std::int64_t>(first_n + program.block_n, tiles);
    const std::int64_t chunks = program.tiles[static_cast<std::size_t>(first_n)].chunks;
    for (std::int64_t first_m = 0; first_m < pixel_tiles(program); first_m += program.block_m, ++block) {
      const std::int64_t end_m = std::min<std::int64_t>(first_m + program.block_m, pixel_tiles(program));
      for (std::int64_t chunk = 0; chunk < chunks; ++chunk) {
        std::uint8_t accumulator = 0;
        for (std::int64_t n = first_n; n < end_n; ++n) {
          for (std::int64_t m = first_m; m < end_m; ++m) order.push_back({m, n, chunk, accumulator++, block});
        }
      }
    }
  }
  return order;
}

PipelineTrace trace_pipeline(LayerDevice& device, const std::string& layer, const std::vector<LayerProgram>& programs) {
  std::int64_t total = 0;
  for (const LayerProgram& program : programs) total += mma_count(program);
  if (total > kMostTracedMmas) {
    throw Error(
        fmt::format("layer {} has {} mma; a trace holds at most {}: take a smaller layer or fewer samples of it", layer,
                    total, kMostTracedMmas));
  }
  PipelineTrace trace{.layer = layer};
  trace.mmas.reserve(static_cast<std::size_t>(total));
  for (std::size_t p = 0; p < programs.size(); ++p) {
    const LayerProgram& program = programs[p];
    trace.interval = mma_interval(program.a_lane, program.b_lane);
    const std::vector<MmaPlace> order = mma_order(program);
    const std::int64_t before = trace.cycles;
    const std::size_t base = trace.mmas.size();
    std::array<std::size_t, kTilesBlock> in_flight{};
    in_flight.fill(kNone);
    std::int64_t block = 0;  // of the last result: what is drained next
    const LayerRun run = run_program(device, program, [&](std::int64_t cycle, const LayerOutputs& out) {
      if (out.result_o) {
        std::size_t& at = in_flight[out.result_tile_o];
        OBZ_CHECK(at != kNone);
        trace.mmas[at].result = before + cycle;
        block = trace.mmas[at].place.block;
        at = kNone;
      }
      if (out.issue_o) {
        const std::size_t index = trace.mmas.size() - base;
        OBZ_CHECK(index < order.size() && order[index].accumulator == out.issue_tile_o);
        OBZ_CHECK(in_flight[out.issue_tile_o] == kNone);
        in_flight[out.issue_tile_o] = trace.mmas.size();
        trace.mmas.push_back({order[index], static_cast<std::int64_t>(p), before + cycle, 0});
      }
      if (out.write_o) {
        trace.writes.push_back(
            {before + cycle, static_cast<std::int64_t>(p), block, out.write_addr_o, out.write_enable_o});
      }
    });
    OBZ_CHECK(trace.mmas.size() - base == order.size());
    trace.cycles += run.cycles.run;
  }
  return trace;
}

}  // namespace obz::accel
