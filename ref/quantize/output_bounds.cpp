#include "ref/quantize/output_bounds.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "ref/base/error.hpp"

namespace obz {
namespace {

Range joined(Range a, Range b) { return {std::min(a.lo, b.lo), std::max(a.hi, b.hi)}; }

/// One range per channel, or one for all.
Range through(const Requant& r, const std::vector<Range>& sums) {
  Range out{INT64_MAX, INT64_MIN};
  for (std::size_t c = 0; c < std::max(sums.size(), r.channels.size()); ++c) {
    const Range& sum = sums[sums.size() == 1 ? 0 : c];
    const auto i = static_cast<std::int64_t>(c);
    const std::int64_t a = r(sum.lo, i), b = r(sum.hi, i);
    out = joined(out, {std::min(a, b), std::max(a, b)});
  }
  return out;
}

struct OutputBounds {
  const Node& node;
  const std::vector<Range>& ranges;
  const std::string& where;

  Range in(std::size_t i = 0) const { return ranges[static_cast<std::size_t>(node.inputs[i])]; }

  void require_fits(const std::vector<Range>& sums, const Accumulator& accumulator) const {
    const IntType reg{accumulator.bits, true};
    for (const Range& s : sums) {
      if (reg.holds(s.lo) && reg.holds(s.hi)) continue;
      throw Error(
          fmt::format("{}: layer \"{}\": its sums reach [{}, {}], which needs an accumulator of {} bits, expected at "
                      "most {}",
                      where, node.name, s.lo, s.hi, signed_bits(s), accumulator.bits));
    }
  }
  template <class Layer>
  Range layer(const Layer& op) const {
    const std::vector<Range> sums = channel_accumulator_ranges(node, ranges);
    require_fits(sums, op.accumulator);
    return through(op.requant, sums);
  }

  Range operator()(const Conv2d& op) const { return layer(op); }
  Range operator()(const Dense& op) const { return layer(op); }
  Range operator()(const Rescale& op) const {
    return through(op.requant, {Range{in().lo - op.x_zero_point, in().hi - op.x_zero_point}});
  }
  Range operator()(const Add& op) const {
    const Range a = through(op.branch_a, {in(0)}), b = through(op.branch_b, {in(1)}), sum{a.lo + b.lo, a.hi + b.hi};
    require_fits({sum}, op.accumulator);
    return through(op.out, {sum});
  }
  Range operator()(const Concat& op) const {
    Range all = through(op.requants[0], {in(0)});
    for (std::size_t i = 1; i < node.inputs.size(); ++i) all = joined(all, through(op.requants[i], {in(i)}));
    return all;
  }
  Range operator()(const AvgPool& op) const {  // between the extremes, or the 0 of padding
    const Channel& c = op.requant.channels[0];
    const Range r = joined(in(), {0, 0});
    return {saturate(r.lo, c.lo, c.hi), saturate(r.hi, c.lo, c.hi)};
  }
  Range operator()(const Pad& op) const { return joined(in(), {op.value, op.value}); }
  template <class Move>
  Range operator()(const Move&) const {
    return in();
  }
};

}  // namespace

Range output_bounds(const Node& node, const std::vector<Range>& ranges, const std::string& where) {
  return std::visit(OutputBounds{node, ranges, where}, node.op);
}

}  // namespace obz
