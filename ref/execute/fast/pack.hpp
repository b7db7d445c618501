// The depth of a product, cut for the kernels, and weights in the order in which they read them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <hwy/aligned_allocator.h>

#include "ref/execute/fast/kernel.hpp"

namespace obz::fast {

/// Consecutive elements of the depth that are also neighbours in every row.
struct Run {
  std::int64_t offset = 0;  ///< from the row's base
  std::int64_t length = 0;
};

/// Stretches that are worked through for a whole block of rows before the next, so that their weights stay in L1.
struct DepthBlock {
  std::vector<Stretch> stretches;
  std::int64_t steps = 0;
};

/// The depth as blocks of stretches, for one kernel.
struct DepthPlan {
  Kernel kernel = multiply_pairs;
  std::vector<Run> runs;
  std::vector<DepthBlock> blocks;
  std::int64_t steps = 0;
  std::int64_t taps = 0;  ///< depthwise: how many the weights have
};

/// Dot products over these runs; no block sums more than `most` products (0: as many as L1 likes).
DepthPlan plan_pairs(std::vector<Run> runs, std::int64_t most);

/// Depthwise: one tap at each offset, all in one block.
DepthPlan plan_channels(const std::vector<std::int64_t>& taps);

/// Where the weight of output channel o at depth k lies: values[o * per_channel + k * per_term].
struct WeightView {
  const std::int32_t* values = nullptr;
  std::int64_t per_channel = 0, per_term = 1;
  std::span<const std::int64_t> zero_points;  ///< none, one, or one per channel; w - zero point fits in 16 bits

  std::int16_t operator()(std::int64_t channel, std::int64_t term) const {
    const std::int64_t z =
        zero_points.empty() ? 0 : zero_points[zero_points.size() == 1 ? 0 : static_cast<std::size_t>(channel)];
    return static_cast<std::int16_t>(values[channel * per_channel + term * per_term] - z);
  }
};

/// Panels of kPanel output channels; the last one of each group is filled up with zero weights.
class PackedWeights {
 public:
  PackedWeights(const DepthPlan& plan, std::int64_t groups, std::int64_t outputs_per_group, const WeightView& weights);

  std::int64_t groups() const { return groups_; }
  std::int64_t outputs() const { return outputs_; }  ///< per group
  std::int64_t panels() const { return panels_; }    ///< per group
  const std::int16_t* panel(std::int64_t group, std::int64_t index) const {
    return values_.get() + (group * panels_ + index) * panel_size_;
  }

 private:
  std::int64_t groups_, outputs_, panels_, panel_size_;
  hwy::AlignedFreeUniquePtr<std::int16_t[]> values_;
};

}  // namespace obz::fast
