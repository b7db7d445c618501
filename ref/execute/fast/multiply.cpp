#include "ref/execute/fast/multiply.hpp"

#include <algorithm>
#include <cstring>

#include "ref/execute/fast/parallel.hpp"

namespace obz::fast {
namespace {

/// Rows of one task: their sums (8 KiB) stay in L1 while the blocks of the depth pass by.
constexpr std::int64_t kRowBlock = 128;
/// Enough tasks for a few cores to balance; rows are cut first, as every cut through them reads all weights again.
constexpr std::int64_t kTasks = 16;
/// Below this many kernel steps the cores are not worth waking.
constexpr std::int64_t kSerialSteps = 1 << 12;

constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// Inputs and outputs of the rows of one task.
struct RowBlock {
  const std::int16_t* in[kRowBlock];
  std::int32_t* out[kRowBlock];
  std::int64_t count = 0;

  RowBlock(const RowGrid& g, std::int64_t first, std::int64_t end, std::int64_t group) {
    std::int64_t w = first % g.w, h = first / g.w % g.h, n = first / g.w / g.h;
    for (; first < end; ++first, ++count) {
      in[count] = g.in + group * g.in_group + n * g.in_n + h * g.in_h + w * g.in_w;
      out[count] = g.out + n * g.out_n + h * g.out_h + w * g.out_w;
      if (++w == g.w) {
        w = 0;
        if (++h == g.h) {
          h = 0;
          ++n;
        }
      }
    }
  }
  void advance(std::int64_t elements) {
    for (std::int64_t r = 0; r < count; ++r) in[r] += elements;
  }
};

struct Product {
  const DepthPlan& depth;
  const PackedWeights& weights;
  const Epilogue& epilogue;
  const RowGrid& grid;

  /// Sums of all rows over one panel, in 32 bits.
  void sum(const RowBlock& rows, const std::int16_t* panel, const std::int32_t* start, std::int32_t* tile) const {
    TileJob job{.rows = rows.in, .row_count = rows.count, .start = start, .start_stride = 0, .sums = tile};
    for (const DepthBlock& block : depth.blocks) {
      job.stretches = block.stretches;
      job.panel = panel;
      depth.kernel(job);
      panel += block.steps * 2 * kPanel;
      job.start = tile;  // the next block continues
      job.start_stride = kPanel;
    }
  }

  /// The same in 64 bits: each block is exact in 32, their sum need not be.
  void sum_wide(const RowBlock& rows, const std::int16_t* panel, std::int32_t* tile, std::int64_t* sums) const {
    static constexpr std::int32_t zeros[kPanel] = {};
    std::fill_n(sums, rows.count * kPanel, 0);
    for (const DepthBlock& block : depth.blocks) {
      depth.kernel({rows.in, rows.count, block.stretches, panel, zeros, 0, tile});
      panel += block.steps * 2 * kPanel;
      for (std::int64_t i = 0; i < rows.count * kPanel; ++i) sums[i] += tile[i];
    }
  }

  void store(const RowBlock& rows, std::int64_t panel, const std::int32_t* tile) const {
    const std::int64_t first = epilogue.map().first_channel(panel), width = epilogue.map().width(panel);
    if (grid.out_c == 1 && width == kPanel) {  // a known size: moves instead of calls
      for (std::int64_t r = 0; r < rows.count; ++r)
        std::memcpy(rows.out[r] + first, tile + r * kPanel, kPanel * sizeof *tile);
      return;
    }
    for (std::int64_t c = 0; c < width; ++c) {
      for (std::int64_t r = 0; r < rows.count; ++r) rows.out[r][(first + c) * grid.out_c] = tile[r * kPanel + c];
    }
  }

  void panels(std::int64_t first_row, std::int64_t end_row, std::int64_t group, std::int64_t first,
              std::int64_t end) const {
    RowBlock rows(grid, first_row, end_row, group);
    const bool depthwise = depth.kernel == multiply_channels;
    if (depthwise) rows.advance(first * kPanel);
    alignas(64) std::int32_t tile[kRowBlock * kPanel];
    for (std::int64_t p = first; p < end; ++p) {
      const std::int64_t index = group * weights.panels() + p;
      if (epilogue.mode() == SumMode::wide) {
        std::int64_t sums[kRowBlock * kPanel];
        sum_wide(rows, weights.panel(group, p), tile, sums);
        epilogue.finish_wide(index, sums, tile, rows.count);
      } else {
        sum(rows, weights.panel(group, p), epilogue.start(index), tile);
        epilogue.finish(index, tile, rows.count);
      }
      store(rows, index, tile);
      if (depthwise) rows.advance(kPanel);
    }
  }
};

}  // namespace

std::string product_path(const DepthPlan& depth, const Epilogue& epilogue) {
  std::string text = depth.kernel == multiply_channels ? "depthwise int16" : "gemm int16";
  if (epilogue.mode() == SumMode::wide) text += ", 64-bit sums";
  return text + (epilogue.is_vector() ? "" : ", scalar requantizer");
}

void multiply(const DepthPlan& depth, const PackedWeights& weights, const Epilogue& epilogue, const RowGrid& grid) {
  const std::int64_t rows = grid.count(), groups = weights.groups(), panels = weights.panels();
  const std::int64_t row_blocks = ceil_div(rows, kRowBlock);
  const std::int64_t block = ceil_div(ceil_div(rows, row_blocks), 4) * 4;  // even blocks of whole tiles
  const std::int64_t cuts = std::clamp<std::int64_t>(ceil_div(kTasks, row_blocks * groups), 1, panels);
  const Product product{depth, weights, epilogue, grid};
  const std::int64_t tasks = groups * row_blocks * cuts;
  const bool serial = rows * groups * panels * depth.steps < kSerialSteps;
  for_ranges(tasks, serial ? tasks : 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t task = begin; task < end; ++task) {
      const std::int64_t cut = task % cuts, r = task / cuts % row_blocks, group = task / cuts / row_blocks;
      const std::int64_t last_row = std::min(rows, (r + 1) * block);
      if (r * block >= last_row) continue;  // rounding up left nothing for it
      product.panels(r * block, last_row, group, cut * panels / cuts, (cut + 1) * panels / cuts);
    }
  });
}

}  // namespace obz::fast
