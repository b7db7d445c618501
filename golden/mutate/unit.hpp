// What faults are planted in: a requantizer, or a layer.
#pragma once

#include <cstdint>
#include <vector>

#include "golden/complete/staircase.hpp"
#include "golden/device/fault.hpp"
#include "golden/device/requantizer.hpp"
#include "ref/net/net.hpp"

namespace obz {

/// A requantizer with its channels, and the accumulators that can occur on each.
struct RequantUnit {
  Recipe recipe;
  IntType out = kInt8;
  std::vector<Channel> channels;  ///< neighbours in the list are neighbours in the device
  std::vector<AccRange> ranges;   ///< one per channel
};

/// Cases of a unit: (channel index, accumulator).
struct UnitCase {
  std::int32_t channel = 0;
  std::int64_t acc = 0;
};

/// The channel with its neighbours in the list; the last one's next is the first.
Lane lane_of(const RequantUnit& unit, std::int32_t channel);

/// Does any of the cases show the fault, when differences up to `tolerance` are forgiven?
bool kills(const RequantUnit& unit, const std::vector<UnitCase>& cases, const Fault& fault, std::int64_t tolerance);

/// A layer with samples and what the reference makes of them.
class LayerUnit {
 public:
  /// `layer`: a net of one node that can_be_faulty.
  explicit LayerUnit(IntNet layer);
  const IntNet& net() const { return net_; }
  const Node& node() const { return net_.nodes[0]; }

  struct Sample {
    std::vector<Tensor> inputs;  ///< in the order of net().inputs
    Tensor want;
    std::vector<std::int64_t> accs;  ///< what entered the requantizer, in output order
  };
  Sample sample(std::vector<Tensor> inputs) const;
  bool kills(const Sample& sample, const Fault& fault, std::int64_t tolerance) const;
  /// The node's operands in order, constants included.
  std::vector<const Tensor*> operands(const std::vector<Tensor>& inputs) const;

 private:
  IntNet net_;
};

}  // namespace obz
