// How each operator becomes a FastNode. A function returns nullptr when its fast path does not apply.
#pragma once

#include <memory>

#include "ref/execute/fast.hpp"
#include "ref/net/bounds.hpp"
#include "ref/net/net.hpp"

namespace obz::fast {

/// What a node sees of its net.
struct NodeSite {
  const IntNet& net;
  const Node& node;
  const std::vector<Range>* ranges = nullptr;  ///< of all tensors; none: their types say

  const TensorInfo& in(std::size_t i) const { return net.tensors[static_cast<std::size_t>(node.inputs[i])]; }
  Range range(std::size_t i) const {
    if (ranges != nullptr) return (*ranges)[static_cast<std::size_t>(node.inputs[i])];
    return {in(i).type.min(), in(i).type.max()};
  }
  const TensorInfo& out() const { return net.tensors[static_cast<std::size_t>(node.outputs[0])]; }
};

using Prepared = std::unique_ptr<FastNode>;

Prepared prepare(const NodeSite& site, const Conv2d& op);  // conv.cpp: dot products, or depthwise
Prepared prepare(const NodeSite& site, const Dense& op);   // dense.cpp
Prepared prepare(const NodeSite& site, const MatMul& op);  // dense.cpp
Prepared prepare(const NodeSite& site, const Add& op);     // table.cpp: functions of one or two narrow integers
Prepared prepare(const NodeSite& site, const Mul& op);
Prepared prepare(const NodeSite& site, const MinMax& op);
Prepared prepare(const NodeSite& site, const Rescale& op);
Prepared prepare(const NodeSite& site, const Threshold& op);
Prepared prepare(const NodeSite& site, const MaxPool& op);  // pool.cpp
Prepared prepare(const NodeSite& site, const Mean& op);
Prepared prepare(const NodeSite& site, const Concat& op);  // move.cpp
Prepared prepare(const NodeSite& site, const Pad& op);

}  // namespace obz::fast
