// The normative executor: every operator by its plain loop, one after the other. Short and slow on purpose; the golden
// every other engine is compared with.
#pragma once

#include <functional>
#include <span>

#include "ref/net/net.hpp"

namespace obz {

/// One node. `y` has the node's output shape and type. Requires a validated net.
void run_naive(const Node& node, std::span<const Tensor* const> inputs, Tensor& y, AccumulatorTap tap = nullptr);

/// Executes one node: (node, its inputs, its output to fill).
using NodeRunner = std::function<void(const Node&, std::span<const Tensor* const>, Tensor&)>;

/// Called with each value as it becomes known, network inputs first.
using ValueTap = std::function<void(int tensor, const Tensor& value)>;

/// Error when there are not as many inputs as the net has, or the shape or type of one is not the declared one.
void check_inputs(const IntNet& net, const std::vector<Tensor>& inputs);

/// Runs a validated net node by node. `inputs` in the order of net.inputs; returns values in the order of net.outputs.
/// Error when an input's shape or type is not the declared one. Frees values after their last use.
std::vector<Tensor> run_net(const IntNet& net, const std::vector<Tensor>& inputs, const NodeRunner& runner,
                            const ValueTap& tap = nullptr);

}  // namespace obz
