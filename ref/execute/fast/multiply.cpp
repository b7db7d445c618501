#include "ref/execute/fast/multiply.hpp"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "ref/base/error.hpp"
#include "ref/execute/fast/convert.hpp"
#include "ref/execute/fast/parallel.hpp"

namespace obz::fast {
namespace {

/// Rows of one task: their sums (7.5 KiB) stay in L1 while the blocks of the depth pass by. Whole tiles of 4 and of 6.
constexpr std::int64_t kRowBlock = kTailRows;
/// Enough tasks for a few cores to balance; rows are cut first, as every cut through them reads all weights again.
constexpr std::int64_t kTasks = 16;
/// Below this many kernel steps the cores are not worth waking.
constexpr std::int64_t kSerialSteps = 1 << 12;

constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// Inputs and outputs of the rows of one task.
template <class T>
struct RowBlock {
  const T* in[kRowBlock];
  std::int64_t out[kRowBlock];  // from the output's base
  std::int64_t count = 0;

  RowBlock(const RowGrid<T>& g, std::int64_t first, std::int64_t end, std::int64_t group) {
    std::int64_t w = first % g.w, h = first / g.w % g.h, n = first / g.w / g.h;
    for (; first < end; ++first, ++count) {
      in[count] = g.in + group * g.in_group + n * g.in_n + h * g.in_h + w * g.in_w;
      out[count] = g.out_first + n * g.out_n + h * g.out_h + w * g.out_w;
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

/// The sums of one panel in 16-bit operands.
struct PairSums {
  using Operand = std::int16_t;
  static constexpr std::int64_t kRows = 4;
  const PairProduct& product;

  std::int64_t groups() const { return product.weights.groups(); }
  std::int64_t panels() const { return product.weights.panels(); }
  std::int64_t steps() const { return product.depth.steps; }
  bool depthwise() const { return product.depth.kernel == multiply_channels; }

  /// Sums of all rows over one panel, in 32 bits.
  void sum(const RowBlock<std::int16_t>& rows, std::int64_t group, std::int64_t index, const std::int32_t* start,
           std::int32_t* tile) const {
    const std::int16_t* panel = product.weights.panel(group, index);
    TileJob job{.rows = rows.in, .row_count = rows.count, .start = start, .start_stride = 0, .sums = tile};
    for (const DepthBlock& block : product.depth.blocks) {
      job.stretches = block.stretches;
      job.panel = panel;
      product.depth.kernel(job);
      panel += block.steps * 2 * kPanel;
      job.start = tile;  // the next block continues
      job.start_stride = kPanel;
    }
  }

  /// The same in 64 bits: each block is exact in 32, their sum need not be.
  void sum_wide(const RowBlock<std::int16_t>& rows, std::int64_t group, std::int64_t index, std::int32_t* tile,
                std::int64_t* sums) const {
    static constexpr std::int32_t zeros[kPanel] = {};
    const std::int16_t* panel = product.weights.panel(group, index);
    std::fill_n(sums, rows.count * kPanel, 0);
    for (const DepthBlock& block : product.depth.blocks) {
      product.depth.kernel({rows.in, rows.count, block.stretches, panel, zeros, 0, tile});
      panel += block.steps * 2 * kPanel;
      for (std::int64_t i = 0; i < rows.count * kPanel; ++i) sums[i] += tile[i];
    }
  }
};

/// The same in 8-bit operands.
struct ByteSums {
  using Operand = std::uint8_t;
  static constexpr std::int64_t kRows = kByteRows;
  const ByteWeights& weights;

  std::int64_t groups() const { return weights.groups(); }
  std::int64_t panels() const { return weights.panels(); }
  std::int64_t steps() const { return weights.steps(); }
  static bool depthwise() { return false; }

  void sum(const RowBlock<std::uint8_t>& rows, std::int64_t group, std::int64_t index, const std::int32_t* start,
           std::int32_t* tile) const {
    ByteTileJob job{.rows = rows.in, .row_count = rows.count, .start = start, .start_stride = 0, .sums = tile};
    for (const ByteProgram& block : weights.panel(group, index).blocks) {
      job.program = &block;
      multiply_bytes(job);
      job.start = tile;
      job.start_stride = kPanel;
    }
  }

  void sum_wide(const RowBlock<std::uint8_t>&, std::int64_t, std::int64_t, std::int32_t*, std::int64_t*) const {
    OBZ_CHECK(!"bytes in 64-bit sums");
  }
};

template <class Sums>
struct Product {
  using Operand = typename Sums::Operand;
  Sums sums;
  const Epilogue& epilogue;
  const RowGrid<Operand>& grid;

  void store(const RowBlock<Operand>& rows, std::int64_t panel, std::int32_t* tile) const {
    const std::int64_t first = epilogue.map().first_channel(panel), width = epilogue.map().width(panel);
    if (grid.tail != nullptr) return run_tail(*grid.tail, rows.out, rows.count, first, width, tile);
    const bool whole = grid.out_c == 1 && width == kPanel;
    if (grid.out_bytes != nullptr) {
      std::uint8_t* to[kRowBlock];
      for (std::int64_t r = 0; r < rows.count; ++r) to[r] = grid.out_bytes + rows.out[r];
      if (whole) return narrow_tile(tile, rows.count, grid.out_base, to, first);
      for (std::int64_t r = 0; r < rows.count; ++r) {
        for (std::int64_t c = 0; c < width; ++c) {
          to[r][(first + c) * grid.out_c] = static_cast<std::uint8_t>(tile[r * kPanel + c] - grid.out_base);
        }
      }
      return;
    }
    if (whole) {  // a known size: moves instead of calls
      for (std::int64_t r = 0; r < rows.count; ++r)
        std::memcpy(grid.out + rows.out[r] + first, tile + r * kPanel, kPanel * sizeof *tile);
      return;
    }
    for (std::int64_t c = 0; c < width; ++c) {
      for (std::int64_t r = 0; r < rows.count; ++r) {
        grid.out[rows.out[r] + (first + c) * grid.out_c] = tile[r * kPanel + c];
      }
    }
  }

  /// Requantizes and stores at once, where the panel can.
  bool store_bytes(const RowBlock<Operand>& rows, std::int64_t panel, std::int32_t* tile) const {
    if (grid.out_bytes == nullptr || grid.out_c != 1) return false;
    std::uint8_t* to[kRowBlock];
    for (std::int64_t r = 0; r < rows.count; ++r) to[r] = grid.out_bytes + rows.out[r];
    return epilogue.finish_bytes(panel, tile, rows.count, grid.out_base, to);
  }

  void panels(std::int64_t first_row, std::int64_t end_row, std::int64_t group, std::int64_t first,
              std::int64_t end) const {
    RowBlock<Operand> rows(grid, first_row, end_row, group);
    if (sums.depthwise()) rows.advance(first * kPanel);
    alignas(64) std::int32_t tile[kRowBlock * kPanel];
    for (std::int64_t p = first; p < end; ++p) {
      const std::int64_t index = group * sums.panels() + p;
      if (epilogue.mode() == SumMode::wide) {
        std::int64_t wide[kRowBlock * kPanel];
        sums.sum_wide(rows, group, p, tile, wide);
        epilogue.finish_wide(index, wide, tile, rows.count);
      } else {
        sums.sum(rows, group, p, epilogue.start(index), tile);
        if (store_bytes(rows, index, tile)) {
          if (sums.depthwise()) rows.advance(kPanel);
          continue;
        }
        epilogue.finish(index, tile, rows.count);
      }
      store(rows, index, tile);
      if (sums.depthwise()) rows.advance(kPanel);
    }
  }

  void run() const {
    const std::int64_t rows = grid.count(), panel_count = sums.panels();
    const std::int64_t row_blocks = ceil_div(rows, kRowBlock);
    const std::int64_t block = ceil_div(ceil_div(rows, row_blocks), Sums::kRows) * Sums::kRows;  // of whole tiles
    const std::int64_t cuts = std::clamp<std::int64_t>(ceil_div(kTasks, row_blocks * sums.groups()), 1, panel_count);
    const std::int64_t tasks = sums.groups() * row_blocks * cuts;
    const bool serial = rows * sums.groups() * panel_count * sums.steps() < kSerialSteps;
    for_ranges(tasks, serial ? tasks : 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t task = begin; task < end; ++task) {
        const std::int64_t cut = task % cuts, r = task / cuts % row_blocks, group = task / cuts / row_blocks;
        const std::int64_t last_row = std::min(rows, (r + 1) * block);
        if (r * block >= last_row) continue;  // rounding up left nothing for it
        panels(r * block, last_row, group, cut * panel_count / cuts, (cut + 1) * panel_count / cuts);
      }
    });
  }
};

}  // namespace

std::string product_path(const DepthPlan& depth, const Epilogue& epilogue) {
  std::string text = depth.kernel == multiply_channels ? "depthwise int16" : "gemm int16";
  if (epilogue.mode() == SumMode::wide) text += ", 64-bit sums";
  return text + (epilogue.is_vector() ? "" : ", scalar requantizer");
}

std::string product_path(const ByteWeights& weights, const Epilogue& epilogue) {
  const SegmentCount& n = weights.count();
  std::string text =
      fmt::format("gemm int8, {:.1f} steps a segment",
                  static_cast<double>(n.steps) / static_cast<double>(std::max<std::int64_t>(n.segments, 1)));
  if (n.paired) text += ", paired";
  if (n.steps > n.given) {
    text +=
        fmt::format(", {:.1f} % split", 100.0 * static_cast<double>(n.steps - n.given) / static_cast<double>(n.given));
  }
  return text + (epilogue.is_vector() ? "" : ", scalar requantizer");
}

void multiply(const PairProduct& product, const Epilogue& epilogue, const RowGrid<std::int16_t>& grid) {
  Product<PairSums>{{product}, epilogue, grid}.run();
}

void multiply(const ByteWeights& weights, const Epilogue& epilogue, const RowGrid<std::uint8_t>& grid) {
  Product<ByteSums>{{weights}, epilogue, grid}.run();
}

}  // namespace obz::fast
