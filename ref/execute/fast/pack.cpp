#include "ref/execute/fast/pack.hpp"

#include <algorithm>

namespace obz::fast {
namespace {

/// Steps whose weights take 20 KiB: with the rows of a tile they stay in a 32 KiB L1.
constexpr std::int64_t kBlockSteps = 320;

constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// One panel: for every run, pairs of its terms side by side, the odd one out beside a zero.
void pack_pairs(const DepthPlan& plan, const WeightView& w, std::int64_t first_channel, std::int64_t width,
                std::int16_t* to) {
  std::int64_t term = 0;
  for (const Run& run : plan.runs) {
    for (std::int64_t k = 0; k < run.length; k += 2, to += 2 * kPanel) {
      const bool both = k + 1 < run.length;
      for (std::int64_t c = 0; c < width; ++c) {
        to[2 * c] = w(first_channel + c, term + k);
        to[2 * c + 1] = both ? w(first_channel + c, term + k + 1) : std::int16_t{0};
      }
    }
    term += run.length;
  }
}

void pack_channels(const DepthPlan& plan, const WeightView& w, std::int64_t first_channel, std::int64_t width,
                   std::int16_t* to) {
  for (std::int64_t tap = 0; tap < plan.taps; ++tap, to += kPanel) {
    for (std::int64_t c = 0; c < width; ++c) to[c] = w(first_channel + c, tap);
  }
}

}  // namespace

DepthPlan plan_pairs(std::vector<Run> runs, std::int64_t most) {
  const std::int64_t block_steps = most == 0 ? kBlockSteps : std::min(kBlockSteps, most / 2);
  DepthPlan plan;
  for (const Run& run : runs) {
    const std::int64_t steps = ceil_div(run.length, 2);
    for (std::int64_t at = 0; at < steps;) {
      if (plan.blocks.empty() || plan.blocks.back().steps == block_steps) plan.blocks.emplace_back();
      DepthBlock& block = plan.blocks.back();
      const std::int64_t take = std::min(steps - at, block_steps - block.steps);
      block.stretches.push_back({run.offset + 2 * at, take});
      block.steps += take;
      at += take;
    }
    plan.steps += steps;
  }
  plan.runs = std::move(runs);
  return plan;
}

DepthPlan plan_channels(const std::vector<std::int64_t>& taps) {
  DepthPlan plan;
  plan.kernel = multiply_channels;
  plan.taps = static_cast<std::int64_t>(taps.size());
  plan.steps = ceil_div(plan.taps, 2);
  DepthBlock& block = plan.blocks.emplace_back();
  block.steps = plan.steps;
  for (const std::int64_t offset : taps) block.stretches.push_back({offset, 1});
  if (taps.size() % 2 != 0) block.stretches.push_back(block.stretches.back());  // its weight is 0
  return plan;
}

PackedWeights::PackedWeights(const DepthPlan& plan, std::int64_t groups, std::int64_t outputs_per_group,
                             const WeightView& weights)
    : groups_(groups),
      outputs_(outputs_per_group),
      panels_(ceil_div(outputs_per_group, kPanel)),
      panel_size_(plan.steps * 2 * kPanel),
      values_(hwy::AllocateAligned<std::int16_t>(static_cast<std::size_t>(groups * panels_ * panel_size_))) {
  std::fill_n(values_.get(), groups * panels_ * panel_size_, std::int16_t{0});
  const auto pack = plan.kernel == multiply_pairs ? pack_pairs : pack_channels;
  for (std::int64_t group = 0; group < groups; ++group) {
    for (std::int64_t p = 0; p < panels_; ++p) {
      const std::int64_t width = std::min(kPanel, outputs_ - p * kPanel);
      pack(plan, weights, group * outputs_ + p * kPanel, width, values_.get() + (group * panels_ + p) * panel_size_);
    }
  }
}

}  // namespace obz::fast
