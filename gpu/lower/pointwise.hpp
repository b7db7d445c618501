// Layers without sums as launches: products, extrema, tables, thresholds, softmax.
#pragma once

#include "gpu/lower/builder.hpp"

namespace obz::gpu {

/// Two operands of an elementwise layer as large as its output, in one order: that of one that needs no repeating.
struct Operands {
  Placed a, b;
  Order order;
};
Operands operands_of(Builder& builder, const Node& node);

void lower_mul(Builder& builder, const Node& node, const Mul& op);
void lower_min_max(Builder& builder, const Node& node, const MinMax& op);
void lower_lookup(Builder& builder, const Node& node, const Lookup& op);
void lower_threshold(Builder& builder, const Node& node, const Threshold& op);
void lower_softmax(Builder& builder, const Node& node, const Softmax& op);

}  // namespace obz::gpu
