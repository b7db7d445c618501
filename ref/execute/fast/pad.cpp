// Pad by whole rows.
#include <algorithm>

#include "ref/execute/fast/nodes.hpp"

namespace obz::fast {
namespace {

class PadNode final : public FastNode {
 public:
  explicit PadNode(const Pad& op) : op_(op) {}

  void run(std::span<const Tensor* const> inputs, Tensor& y) const override {
    const Tensor& x = *inputs[0];
    const std::size_t last = x.shape.rank() - 1;
    const std::int64_t length = x.shape[last];
    const std::vector<std::int64_t> steps = strides_of(y.shape);
    std::fill(y.data.begin(), y.data.end(), op_.value);
    for (std::int64_t row = 0; row < x.elems() / length; ++row) {
      std::int64_t at = op_.before[last], rest = row;
      for (std::size_t axis = last; axis-- > 0;) {
        at += (rest % x.shape[axis] + op_.before[axis]) * steps[axis];
        rest /= x.shape[axis];
      }
      std::copy_n(x.data.begin() + row * length, length, y.data.begin() + at);
    }
  }
  std::string path() const override { return "rows"; }

 private:
  Pad op_;
};

}  // namespace

Prepared prepare(const NodeSite& site, const Pad& op) {
  if (site.in(0).shape.rank() == 0 || site.in(0).shape.elems() == 0) return nullptr;
  return std::make_unique<PadNode>(op);
}

}  // namespace obz::fast
