#include "ref/execute/fast/tensors.hpp"

#include <algorithm>

namespace obz::fast {
namespace {

struct LayoutOf {
  template <class Op>
  std::optional<Layout> operator()(const Op& op) const {
    if constexpr (requires { op.layout; }) {
      return op.layout;
    } else {
      return std::nullopt;
    }
  }
};

bool is_elementwise(const Node& node) {
  return std::holds_alternative<Add>(node.op) || std::holds_alternative<Mul>(node.op) ||
         std::holds_alternative<MinMax>(node.op) || std::holds_alternative<Rescale>(node.op) ||
         std::holds_alternative<Lookup>(node.op);
}

}  // namespace

std::optional<Layout> layout_of(const Node& node) { return std::visit(LayoutOf(), node.op); }

std::vector<Layout> layouts_of(const IntNet& net) {
  std::vector<Layout> layouts(net.tensors.size(), Layout::nhwc);
  const auto at = [&](int tensor) -> Layout& { return layouts[static_cast<std::size_t>(tensor)]; };
  for (const Node& node : net.nodes) {
    if (layout_of(node) == Layout::nchw) at(node.inputs[0]) = at(node.outputs[0]) = Layout::nchw;
  }
  for (bool changed = true; changed;) {
    changed = false;
    for (const Node& node : net.nodes) {
      if (!is_elementwise(node)) continue;
      std::vector<int> all = node.inputs;
      all.push_back(node.outputs[0]);
      const bool any = std::any_of(all.begin(), all.end(), [&](int i) { return at(i) == Layout::nchw; });
      for (const int i : all) {
        if (any && at(i) == Layout::nhwc) at(i) = Layout::nchw, changed = true;
      }
    }
  }
  return layouts;
}

std::vector<Range> ranges_with_padding(const IntNet& net) {
  std::vector<Range> ranges = value_ranges(net);
  for (const Node& node : net.nodes) {
    const auto* conv = std::get_if<Conv2d>(&node.op);
    if (conv == nullptr) continue;
    Range& r = ranges[static_cast<std::size_t>(node.inputs[0])];
    const Range wider{std::min<std::int64_t>(r.lo, conv->x_zero_point),
                      std::max<std::int64_t>(r.hi, conv->x_zero_point)};
    if (wider.hi - wider.lo <= UINT8_MAX) r = wider;
  }
  return ranges;
}

}  // namespace obz::fast
