#include "ref/execute/fast/tail.hpp"

#include <algorithm>
#include <cstring>

#include "ref/execute/fast/convert.hpp"

namespace obz::fast {
namespace {

/// Channels of some pixels of a value.
struct Place {
  const std::int64_t* pixels;
  std::int64_t rows, first, width;

  std::int64_t at(const Value& v, std::int64_t row) const { return pixels[row] * v.pixel + first; }
  void rows_of(const Value& v, std::uint8_t** to) const {
    for (std::int64_t r = 0; r < rows; ++r) to[r] = v.bytes + at(v, r);
  }
};

/// Channels behind the last read as its own first, which every lane accepts.
void load(const Place& p, const Value& from, std::int32_t* tile) {
  for (std::int64_t r = 0; r < p.rows; ++r) {
    std::int32_t* const to = tile + r * kPanel;
    const std::int64_t at = p.at(from, r);
    if (from.words != nullptr && p.width == kPanel) {  // a known size: moves instead of calls
      std::memcpy(to, from.words + at, kPanel * sizeof *to);
    } else if (from.words != nullptr) {
      std::copy_n(from.words + at, p.width, to);
    } else {
      for (std::int64_t c = 0; c < p.width; ++c) to[c] = from.bytes[at + c] + from.base;
    }
    std::fill(to + p.width, to + kPanel, to[0]);
  }
}

void store(const Place& p, const std::int32_t* tile, const Value& to) {
  if (to.words != nullptr) {
    for (std::int64_t r = 0; r < p.rows; ++r) {
      std::int32_t* const row = to.words + p.at(to, r);
      if (p.width == kPanel) {
        std::memcpy(row, tile + r * kPanel, kPanel * sizeof *tile);
      } else {
        std::copy_n(tile + r * kPanel, p.width, row);
      }
    }
    return;
  }
  if (p.width == kPanel) {
    std::uint8_t* rows[kTailRows];
    p.rows_of(to, rows);
    return narrow_tile(tile, p.rows, to.base, rows, 0);
  }
  for (std::int64_t r = 0; r < p.rows; ++r) {
    for (std::int64_t c = 0; c < p.width; ++c) {
      to.bytes[p.at(to, r) + c] = static_cast<std::uint8_t>(tile[r * kPanel + c] - to.base);
    }
  }
}

}  // namespace

void run_tail(const TailJob& job, const std::int64_t* pixels, std::int64_t rows, std::int64_t first, std::int64_t width,
              std::int32_t* tile) {
  const Tail& t = *job.tail;
  const Place place{pixels, rows, first, width};
  for (std::int64_t r = 0; r < rows && width < kPanel; ++r) {
    std::fill(tile + r * kPanel + width, tile + (r + 1) * kPanel, tile[r * kPanel]);
  }
  alignas(64) std::int32_t other[kTailRows * kPanel];
  load(place, job.other, other);
  std::int32_t* sum = t.is_a ? tile : other;
  std::int32_t* scratch = t.is_a ? other : tile;
  t.add.run(sum, scratch, rows);
  if (job.sum.words != nullptr || job.sum.bytes != nullptr) store(place, sum, job.sum);
  for (std::size_t i = 0; i < t.rescalers.size(); ++i) {
    const Scaler& scaler = t.rescalers[i];
    const Value& to = job.rescaled[i];
    std::copy_n(sum, rows * kPanel, scratch);
    if (to.bytes != nullptr && width == kPanel) {
      std::uint8_t* at[kTailRows];
      place.rows_of(to, at);
      scaler.run_bytes(scratch, rows, to.base, at);
    } else {
      scaler.run(scratch, rows);
      store(place, scratch, to);
    }
  }
}

}  // namespace obz::fast
