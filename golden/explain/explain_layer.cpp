#include "golden/explain/explain_layer.hpp"

#include <algorithm>

#include "golden/device/fault_list.hpp"
#include "golden/device/run_faulty.hpp"
#include "golden/explain/explain.hpp"
#include "golden/mutate/mutate.hpp"

namespace obz {
namespace {

struct RequantOfSum {
  const Requant* operator()(const Conv2d& op) const { return &op.requant; }
  const Requant* operator()(const Dense& op) const { return &op.requant; }
  const Requant* operator()(const MatMul& op) const { return &op.requant; }
  template <class Op>
  const Requant* operator()(const Op&) const {
    return nullptr;
  }
};

/// Outputs between two channels, in memory.
std::int64_t inner_of(const Node& node, const Shape& y) {
  const auto* conv = std::get_if<Conv2d>(&node.op);
  return conv != nullptr && conv->layout == Layout::nchw ? y[2] * y[3] : 1;
}

/// Every `stride`-th exactly seen output with the accumulator that a device with this fault in its sum would have.
std::vector<Observation> observations(const LayerUnit& unit, const Requant& requant, const Fault& sum,
                                      const InputSet& inputs, const std::vector<SeenRow>& seen, std::size_t stride) {
  std::vector<Observation> all;
  const TensorInfo& out = unit.net().tensors[static_cast<std::size_t>(unit.node().outputs[0])];
  const std::int64_t inner = inner_of(unit.node(), out.shape);
  const auto channels = static_cast<std::int64_t>(requant.channels.size());
  std::size_t count = 0;
  for (std::size_t r = 0; r < seen.size(); ++r) {
    const std::vector<Tensor> sample = inputs.sample(static_cast<std::int64_t>(r));
    Tensor y(out.shape, out.type);
    std::vector<std::int64_t> accs;
    run_faulty(unit.node(), unit.operands(sample), y, sum, &accs);
    for (std::size_t i = 0; i < accs.size(); ++i) {
      if (seen[r].lo[i] != seen[r].hi[i] || count++ % stride != 0 || !kInt32.holds(accs[i])) continue;
      const std::int64_t c = channels == 1 ? 0 : static_cast<std::int64_t>(i) / inner % channels;
      all.push_back({{accs[i], requant.channel(c)}, seen[r].lo[i]});
    }
  }
  return all;
}

/// The nearest accumulator whose output is the one seen, within 2^20 of the right one; requantizers are monotone.
std::optional<std::int64_t> distance_to(const Theory& t, const Observation& o, IntType out) {
  const auto output = [&](std::int64_t acc) {
    return predict(t, saturate(acc, kInt32.min(), kInt32.max()), o.asked.channel, o.asked.channel, out);
  };
  constexpr std::int64_t reach = 1 << 20;
  const std::int64_t sign = output(o.asked.acc) < o.got ? 1 : -1;
  std::int64_t lo = 0, hi = reach;  // output(acc + sign * hi) has reached what was seen
  const auto reached = [&](std::int64_t d) {
    const std::int64_t y = output(o.asked.acc + sign * d);
    return sign > 0 ? y >= o.got : y <= o.got;
  };
  if (!reached(hi)) return std::nullopt;
  while (hi - lo > 1) {
    const std::int64_t middle = lo + (hi - lo) / 2;
    (reached(middle) ? hi : lo) = middle;
  }
  if (output(o.asked.acc + sign * hi) != o.got) return std::nullopt;
  return hi;
}

NearSums near_sums(const std::vector<Observation>& all, const Theory& t, IntType out) {
  NearSums near;
  for (const Observation& o : all) {
    if (predict(t, o.asked.acc, o.asked.channel, o.asked.channel, out) == o.got) continue;
    const auto d = distance_to(t, o, out);
    if (!d) continue;
    const std::int64_t size = std::abs(o.asked.acc);
    near.least = near.outputs == 0 ? *d : std::min(near.least, *d);
    near.smallest_sum = near.outputs == 0 ? size : std::min(near.smallest_sum, size);
    near.most = std::max(near.most, *d);
    ++near.outputs;
  }
  return near;
}

}  // namespace

std::optional<LayerExplanation> explain_layer(const IntNet& layer, const InputSet& inputs,
                                              const std::vector<SeenRow>& seen) {
  if (layer.nodes.size() != 1) return std::nullopt;
  const Requant* requant = std::visit(RequantOfSum{}, layer.nodes[0].op);
  const IntType out = layer.tensors[static_cast<std::size_t>(layer.nodes[0].outputs[0])].type;
  if (requant == nullptr || requant->recipe.arithmetic != Arithmetic::dyadic || out.bits > 16) return std::nullopt;
  Theory reference;
  if (!layer.profile.empty()) reference = theory_of(find_profile(layer.profile)).value_or(reference);
  const LayerUnit unit(layer);
  std::size_t outputs = 0;
  for (const SeenRow& r : seen) outputs += r.lo.size();

  // A few hundred outputs tell which sum is right; all of them (up to a bound) which theories are.
  constexpr std::size_t few = 250, many = 20000;
  std::vector<Fault> sums{Fault{}};
  for (const Fault& f : layer_faults(layer, layer.nodes[0])) {
    if (f.quirk != Quirk::none && !in_requantizer(f) && !in_outputs(f)) sums.push_back(f);
  }
  Fault best;
  double share = -1;
  for (const Fault& f : sums) {
    const auto some = observations(unit, *requant, f, inputs, seen, std::max<std::size_t>(1, outputs / few));
    if (some.empty()) continue;
    const Explanation e = explain(some, reference, out);
    const double explained = static_cast<double>(e.explained) / static_cast<double>(e.observed);
    if (explained <= share) continue;
    share = explained;
    best = f;
    if (e.explained == e.observed) break;
  }
  if (share < 0) return std::nullopt;
  const auto all = observations(unit, *requant, best, inputs, seen, std::max<std::size_t>(1, outputs / many));
  const Explanation e = explain(all, reference, out);
  LayerExplanation result{e.observed, e.explained, {}, {}};
  for (const Theory& t : e.best) result.best.push_back({best, t});
  if (!e.best.empty()) result.near = near_sums(all, e.best[0], out);
  return result;
}

}  // namespace obz
