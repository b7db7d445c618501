// Which elements each window of a pool or a mean reads, as the address generator of a device would form them.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "ref/ops/avg_pool.hpp"
#include "ref/ops/max_pool.hpp"
#include "ref/ops/mean.hpp"

namespace obz::accel {

inline constexpr std::int64_t kPadding = -1;

/// A window of every lane at once. Addresses are sums of its own and the lane's.
struct Position {
  std::vector<std::int64_t> elements;  ///< at least one; kPadding: not of the tensor
  std::int64_t out = 0;
  std::int64_t count = 0;  ///< what an average divides by; 0: an empty window
};

struct Windows {
  std::vector<Position> positions;
  std::vector<std::int64_t> lane_in, lane_out;  ///< address of each lane: channels, or the outputs of a mean
};

/// Padding is among the elements where it counts, and alone in windows without elements.
Windows pool_windows(const AvgPool& op, const Shape& x);
Windows pool_windows(const MaxPool& op, const Shape& x);
Windows mean_windows(const Mean& op, const Shape& x);

/// Reciprocal of a count (0 as 1) that obz_round_divide can use on every sum of so many values; nullopt: there is none.
std::optional<Channel> average_reciprocal(const AvgPool& op, IntType x, std::int64_t count);

/// Walks windows in the order of beats: positions, then groups of lanes, then elements.
class WindowCursor {
 public:
  explicit WindowCursor(const Windows& windows) : w_(windows) {}

  bool done() const { return w_.lane_in.empty() || position_ == w_.positions.size(); }
  const Position& position() const { return w_.positions[position_]; }
  std::size_t lanes() const;
  bool at_first() const { return element_ == 0; }
  bool at_last() const { return element_ + 1 == position().elements.size(); }
  std::int64_t input(std::size_t lane) const;
  std::int64_t output(std::size_t lane) const { return position().out + w_.lane_out[lane_ + lane]; }
  void next_element();
  void next_window();

 private:
  const Windows& w_;
  std::size_t position_ = 0, lane_ = 0, element_ = 0;
};

}  // namespace obz::accel
