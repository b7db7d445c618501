// From the sums of a tile to its outputs: the accumulator register, then the requantizer, vectorized where
// ref/execute/fast/requant_lanes.hpp proves it equal and through apply_recipe elsewhere, panel by panel.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "ref/execute/fast/requant_lanes.hpp"
#include "ref/execute/fast/sums.hpp"
#include "ref/ops/requant.hpp"

namespace obz::fast {

/// How many panels of output channels a node has, and which channels are in each.
struct PanelMap {
  std::int64_t groups = 1, outputs = 0;  ///< outputs per group

  std::int64_t per_group() const { return (outputs + kPanel - 1) / kPanel; }
  std::int64_t count() const { return groups * per_group(); }
  std::int64_t first_channel(std::int64_t panel) const {
    return panel / per_group() * outputs + panel % per_group() * kPanel;
  }
  std::int64_t width(std::int64_t panel) const { return std::min(kPanel, outputs - panel % per_group() * kPanel); }
};

class Epilogue {
 public:
  /// `sums` per output channel of all groups. `rows` says how often a channel is requantized in a run: the quickest
  /// form takes long to prove.
  Epilogue(const PanelMap& map, SumMode mode, std::span<const ChannelSum> sums, Accumulator accumulator,
           Requant requant, std::int64_t rows = 0);

  const PanelMap& map() const { return map_; }
  SumMode mode() const { return mode_; }
  bool is_vector() const;  ///< of every panel

  /// kPanel values that the kernel's sums start from.
  const std::int32_t* start(std::int64_t panel) const { return starts_[static_cast<std::size_t>(panel)].data(); }

  /// rows x kPanel sums become outputs, in place. SumMode exact and modular.
  void finish(std::int64_t panel, std::int32_t* tile, std::int64_t rows) const;
  /// The same into bytes: to[r][first channel of the panel + c] = y - base. False: the panel has no such form; nothing
  /// is written, and finish() may follow.
  bool finish_bytes(std::int64_t panel, std::int32_t* tile, std::int64_t rows, std::int32_t base,
                    std::uint8_t* const* to) const;
  /// SumMode wide: `sums` without the start values.
  void finish_wide(std::int64_t panel, const std::int64_t* sums, std::int32_t* tile, std::int64_t rows) const;

 private:
  PanelMap map_;
  SumMode mode_;
  Accumulator accumulator_;
  Requant requant_;
  bool narrows_ = false;  ///< the register may change a 32-bit sum
  std::vector<std::array<std::int32_t, kPanel>> starts_;
  std::vector<std::int64_t> wide_starts_;  ///< per channel
  std::vector<RequantLanes> lanes_;        ///< per panel, or none
  std::vector<bool> is_vector_;

  void narrow(std::int32_t* tile, std::int64_t rows) const;
};

}  // namespace obz::fast
