#include "golden/engines/through_accumulators.hpp"

#include "ref/base/error.hpp"
#include "ref/execute/naive.hpp"

namespace obz {
namespace {

/// Channels cycle through `count` with `inner` outputs each.
std::vector<std::int64_t> cycling(std::int64_t outputs, std::int64_t inner, std::int64_t count) {
  std::vector<std::int64_t> channels(static_cast<std::size_t>(outputs));
  for (std::int64_t i = 0; i < outputs; ++i) channels[static_cast<std::size_t>(i)] = i / inner % count;
  return channels;
}

struct ViewOf {
  const Shape& y;

  template <class Conv>
  RequantView conv(const Conv& op) const {
    const bool nhwc = op.layout == Layout::nhwc;
    return {&op.requant, cycling(y.elems(), nhwc ? 1 : y[2] * y[3], op.out_channels())};
  }
  RequantView operator()(const Conv2d& op) const { return conv(op); }
  RequantView operator()(const ConvTranspose2d& op) const { return conv(op); }
  RequantView operator()(const Dense& op) const { return {&op.requant, cycling(y.elems(), 1, op.out_channels())}; }
  RequantView operator()(const MatMul& op) const { return {&op.requant, cycling(y.elems(), 1, y[y.rank() - 1])}; }
  RequantView operator()(const Mul& op) const { return {&op.requant, cycling(y.elems(), 1, 1)}; }
  RequantView operator()(const Mean& op) const { return {&op.requant, cycling(y.elems(), 1, 1)}; }
  RequantView operator()(const Rescale& op) const {
    const auto axis = static_cast<std::size_t>(op.axis);
    const bool single = op.requant.channels.size() == 1;
    return {&op.requant, cycling(y.elems(), single ? 1 : elems_between(y, axis + 1, y.rank()), single ? 1 : y[axis])};
  }
  RequantView operator()(const Add& op) const {
    if (op.floating) return {};
    return {&op.out, cycling(y.elems(), 1, 1)};
  }
  template <class Op>
  RequantView operator()(const Op&) const {
    return {};
  }
};

}  // namespace

RequantView view_of(const LayerJob& job) {
  if (job.output->shape.elems() == 0) return {};
  return std::visit(ViewOf{job.output->shape}, job.node->op);
}

LayerResult run_through_accumulators(
    const LayerJob& job,
    const std::function<std::vector<std::int64_t>(const Recipe&, std::span<const RequantCase>)>& requantize) {
  const RequantView view = view_of(job);
  LayerResult result{.output = Tensor(job.output->shape, job.output->type),
                     .partly = "requantization alone, of the reference's sums"};
  std::vector<std::int64_t> accs;
  run_naive(*job.node, job.inputs, result.output, &accs);
  OBZ_CHECK(accs.size() == view.channels.size());
  std::vector<RequantCase> cases;
  for (std::size_t i = 0; i < accs.size(); ++i) cases.push_back({accs[i], view.requant->channel(view.channels[i])});
  const std::vector<std::int64_t> out = requantize(view.requant->recipe, cases);
  for (std::size_t i = 0; i < out.size(); ++i) result.output.data[i] = static_cast<std::int32_t>(out[i]);
  return result;
}

}  // namespace obz
