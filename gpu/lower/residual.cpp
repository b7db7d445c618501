#include "gpu/lower/residual.hpp"

#include <algorithm>

#include "gpu/lower/channels.hpp"

namespace obz::gpu {

Residual residual_of(const Add& op, const Placed& other, bool conv_is_second) {
  if (op.floating) throw Unsupported("the kernels multiply and shift; this addition is in float");
  for (const Requant* r : {&op.branch_a, &op.branch_b, &op.out}) require_dyadic(*r);
  const Requant &mine = conv_is_second ? op.branch_b : op.branch_a,
                &theirs = conv_is_second ? op.branch_a : op.branch_b;
  return {.other = other.view(),
          .branch_a = requantizer_of(mine),
          .branch_b = requantizer_of(theirs),
          .out = requantizer_of(op.out, op.accumulator),
          .a = channel_of(mine.channels[0]),
          .b = channel_of(theirs.channels[0]),
          .sum = channel_of(op.out.channels[0]),
          .a_zero_point = conv_is_second ? op.b_zero_point : op.a_zero_point,
          .b_zero_point = conv_is_second ? op.a_zero_point : op.b_zero_point,
          .left_shift = op.left_shift,
          .subtract = op.subtract ? 1 : 0};
}

std::map<std::size_t, Join> joins_of(const IntNet& net) {
  const auto at = [](int i) { return static_cast<std::size_t>(i); };
  // Where each tensor is made (0: before all nodes), and how often it is read.
  std::vector<std::size_t> made(net.tensors.size(), 0), reads(net.tensors.size(), 0);
  for (std::size_t n = 0; n < net.nodes.size(); ++n) {
    made[at(net.nodes[n].outputs[0])] = n + 1;
    for (const int t : net.nodes[n].inputs) ++reads[at(t)];
  }
  for (const int t : net.outputs) ++reads[at(t)];
  std::map<std::size_t, Join> joins;
  for (std::size_t n = 0; n < net.nodes.size(); ++n) {
    const Node& node = net.nodes[n];
    const Add* add = std::get_if<Add>(&node.op);
    if (add == nullptr || add->floating) continue;
    const Shape& shape = net.tensors[at(node.outputs[0])].shape;
    const bool same = net.tensors[at(node.inputs[0])].shape == shape && net.tensors[at(node.inputs[1])].shape == shape;
    if (!same) continue;
    for (const bool second : {false, true}) {
      const int mine = node.inputs[second ? 1 : 0], other = node.inputs[second ? 0 : 1];
      if (made[at(mine)] == 0 || reads[at(mine)] != 1 || made[at(other)] >= made[at(mine)]) continue;
      if (second && add->subtract) continue;
      const std::size_t conv = made[at(mine)] - 1;
      if (!std::holds_alternative<Conv2d>(net.nodes[conv].op)) continue;
      joins.emplace(conv, Join{add, other, node.outputs[0], second, n});
      break;
    }
  }
  return joins;
}

}  // namespace obz::gpu
