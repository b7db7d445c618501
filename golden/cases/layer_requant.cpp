#include "golden/cases/layer_requant.hpp"

#include <algorithm>
#include <type_traits>

#include "ref/net/bounds.hpp"

namespace obz {
namespace {

/// The accumulator of the layer, for the register it lives in.
template <class Op>
const Accumulator* accumulator_of(const Op& op) {
  if constexpr (requires { op.accumulator; }) return &op.accumulator;
  return nullptr;
}

struct RequantOf {
  const Requant* operator()(const Add& op) const { return op.floating ? nullptr : &op.out; }
  const Requant* operator()(const AvgPool& op) const { return op.by == AverageBy::requant ? &op.requant : nullptr; }
  template <class Op>
  const Requant* operator()(const Op& op) const {
    if constexpr (requires { op.requant; }) return &op.requant;
    return nullptr;
  }
};

}  // namespace

std::optional<LayerRequant> layer_requant(const IntNet& net, const Node& node) {
  const Requant* requant = std::visit(RequantOf{}, node.op);
  if (requant == nullptr) return std::nullopt;
  const std::vector<Range> ranges = value_ranges(net);
  const auto whole = accumulator_range(net, node, ranges);
  if (!whole) return std::nullopt;
  std::vector<Range> of_channel = channel_accumulator_ranges(node, ranges);
  const std::size_t channels = std::max(requant->channels.size(), of_channel.size());
  if (of_channel.size() != channels) of_channel.assign(channels, *whole);

  LayerRequant layer{requant->recipe, {}, {}, net.tensors[static_cast<std::size_t>(node.outputs[0])].type};
  const Accumulator* acc = std::visit([](const auto& op) { return accumulator_of(op); }, node.op);
  const IntType reg{acc == nullptr ? std::uint8_t{64} : acc->bits, true};
  for (std::size_t i = 0; i < channels; ++i) {
    layer.channels.push_back(requant->channel(requant->channels.size() == 1 ? 0 : static_cast<std::int64_t>(i)));
    const bool stays = reg.holds(of_channel[i].lo) && reg.holds(of_channel[i].hi);
    layer.ranges.push_back(stays ? AccRange{of_channel[i].lo, of_channel[i].hi} : AccRange{reg.min(), reg.max()});
  }
  return layer;
}

}  // namespace obz
