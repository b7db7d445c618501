// The depth of a product in segments that 16-bit lanes hold exactly: the proof behind
// ref/execute/fast/kernel_bytes.hpp.
//
// The kernel reads x as an unsigned byte u = x - offset, 0 <= u <= largest. A 16-bit lane adds the products of one
// channel at two neighbouring bytes of every step of a segment. With p the sum of the lane's positive weights and n the
// sum of the magnitudes of its negative ones, every partial sum lies in -n * largest .. p * largest, whatever u is, and
// both ends are attained. So a segment is exact if and only if, in every lane,
//   p <= 32767 / largest   and   n <= 32768 / largest        (rounded down).
// Segments are made from the real weights, for each panel of channels alone. A step that is too large by itself is
// split: w = w' + w'', both parts in segments of their own. As largest <= 255, a lane always holds 128 of p or n.
//
// Where many steps would be split, each panel chooses which bytes are neighbours: among every 16 of the depth, terms
// are paired so that large weights meet small ones or those of the other sign. The kernel puts the bytes into that
// order.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <hwy/aligned_allocator.h>

#include "ref/execute/fast/kernel_bytes.hpp"
#include "ref/execute/fast/pack.hpp"
#include "ref/net/bounds.hpp"

namespace obz::fast {

/// What bounds p and n above.
struct LaneLimits {
  std::int32_t positive = 0, negative = 0;
};

/// 0 <= largest <= 255.
LaneLimits lane_limits(std::int64_t largest);

/// One panel of output channels: its steps in the order of the kernel, in blocks whose weights stay in L1.
struct BytePanel {
  std::vector<std::int32_t> offsets, lengths, chunks;
  std::vector<std::uint8_t> patterns;
  hwy::AlignedFreeUniquePtr<std::int8_t[]> weights;
  std::vector<ByteProgram> blocks;
};

/// How the steps came out, over all panels.
struct SegmentCount {
  std::int64_t given = 0;     ///< steps of the depth
  std::int64_t steps = 0;     ///< those that the kernel takes: more than given where some were split
  std::int64_t segments = 0;  ///< as the kernel widens them
  bool paired = false;        ///< the panels order the depth
};

class ByteWeights {
 public:
  /// x: 0 .. largest. nullopt: 16-bit operands would be faster, as too many steps would have to be split; never so
  /// with `at_any_cost`. The kernel may read kChunk bytes behind the last of a row.
  static std::optional<ByteWeights> pack(std::span<const Run> runs, std::int64_t groups, std::int64_t outputs_per_group,
                                         const WeightView& weights, std::int64_t largest, bool at_any_cost = false);

  std::int64_t groups() const { return groups_; }
  std::int64_t panels() const { return panels_; }  ///< per group
  std::int64_t steps() const { return steps_; }    ///< of the depth
  const BytePanel& panel(std::int64_t group, std::int64_t index) const {
    return all_[static_cast<std::size_t>(group * panels_ + index)];
  }
  const SegmentCount& count() const { return count_; }

 private:
  static ByteWeights pack_once(std::span<const Run> runs, std::int64_t groups, std::int64_t outputs_per_group,
                               const WeightView& weights, std::int64_t largest, bool paired, std::int64_t most);

  std::int64_t cost_ = 0;
  std::int64_t groups_ = 0, panels_ = 0, steps_ = 0;
  std::vector<BytePanel> all_;
  SegmentCount count_;
};

}  // namespace obz::fast
