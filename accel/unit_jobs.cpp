#include "accel/unit_jobs.hpp"

#include <fmt/format.h>

#include "accel/pool_windows.hpp"
#include "accel/requant_refusal.hpp"
#include "ref/base/error.hpp"
#include "ref/ops/elementwise.hpp"

namespace obz::accel {
namespace {

struct Refuse {
  const LayerJob& job;
  using Why = std::optional<std::string>;

  Why operator()(const Add& op) const {
    if (op.floating) return "this addition is made in float32";
    for (const Requant* r : {&op.branch_a, &op.branch_b, &op.out}) {
      if (auto why = requant_refusal(*r)) return why;
    }
    return std::nullopt;
  }
  Why operator()(const Concat& op) const {
    for (const Requant& r : op.requants) {
      if (auto why = requant_refusal(r)) return why;
    }
    for (const std::int64_t z : op.x_zero_points) {
      if (!kInt32.holds(z)) return "a zero point is wider than the 32 bits of zero_point_i";
    }
    return std::nullopt;
  }
  Why operator()(const Rescale& op) const { return requant_refusal(op.requant); }
  Why operator()(const Mean& op) const { return requant_refusal(op.requant); }
  Why operator()(const MaxPool&) const { return std::nullopt; }
  Why operator()(const AvgPool& op) const {
    if (op.by == AverageBy::requant) return requant_refusal(op.requant);
    const Channel& clamp = op.requant.channels[0];
    if (!kInt32.holds(clamp.lo) || !kInt32.holds(clamp.hi)) return "the clamp is wider than the 32 bits of an element";
    for (const Position& p : pool_windows(op, job.inputs[0]->shape).positions) {
      if (!average_reciprocal(op, job.inputs[0]->type, p.count)) {
        return fmt::format("sums over {} values have no reciprocal of 33 bits that is exact", p.count);
      }
    }
    return std::nullopt;
  }
  template <class Op>
  Why operator()(const Op&) const {
    return fmt::format("no unit of the RTL does {}", Op::kName);
  }
};

/// Elements of a flat tensor, kUnitLanes a beat.
class Chunks {
 public:
  explicit Chunks(std::size_t elems) : elems_(elems) {}
  /// The next beat's elements: from `first`, so many; 0: there are none.
  std::size_t next(std::size_t& first) {
    first = at_;
    const std::size_t n = std::min(kUnitLanes, elems_ - at_);
    at_ += n;
    return n;
  }

 private:
  std::size_t elems_, at_ = 0;
};

struct Run {
  UnitsDevice& device;
  const Pauses& pauses;
  const LayerJob& job;
  Tensor& y;

  const Tensor& x(std::size_t i = 0) const { return *job.inputs[i]; }

  std::int64_t operator()(const Add& op) const {
    std::vector<std::int32_t> a, b;  // broadcast
    for_each_pair(x(0), x(1), y, [&](std::int32_t va, std::int32_t vb) {
      a.push_back(va);
      b.push_back(vb);
      return 0;
    });
    Chunks in(a.size()), out(a.size());
    return stream(
        device, op,
        [&](AddBeat& beat) {
          std::size_t first = 0;
          const std::size_t n = in.next(first);
          for (std::size_t i = 0; i < n; ++i) {
            beat.a[i] = a[first + i];
            beat.b[i] = b[first + i];
          }
          return n > 0;
        },
        [&](const Lanes& lanes) {
          std::size_t first = 0;
          const std::size_t n = out.next(first);
          for (std::size_t i = 0; i < n; ++i) y.data[first + i] = lanes[i];
        },
        pauses);
  }

  /// `from` through a requantizer; channel_of and place_of: of its element i.
  template <class ChannelOf, class PlaceOf>
  std::int64_t scale(const Tensor& from, const Recipe& recipe, std::int64_t zero_point, const ChannelOf& channel_of,
                     const PlaceOf& place_of) const {
    Chunks in(from.data.size()), out(from.data.size());
    return stream(
        device, ScaleSetting{static_cast<std::int32_t>(zero_point), recipe},
        [&](ScaleBeat& beat) {
          std::size_t first = 0;
          const std::size_t n = in.next(first);
          for (std::size_t i = 0; i < n; ++i) {
            beat.x[i] = from.data[first + i];
            beat.channels[i] = &channel_of(first + i);
          }
          return n > 0;
        },
        [&](const Lanes& lanes) {
          std::size_t first = 0;
          const std::size_t n = out.next(first);
          for (std::size_t i = 0; i < n; ++i) y.data[place_of(first + i)] = lanes[i];
        },
        pauses);
  }
  std::int64_t operator()(const Rescale& op) const {
    const bool per_channel = op.requant.channels.size() > 1;
    const auto axis = static_cast<std::size_t>(op.axis);
    const std::int64_t inner = per_channel ? elems_between(y.shape, axis + 1, y.shape.rank()) : 1;
    const std::int64_t extent = per_channel ? y.shape[axis] : 1;
    return scale(
        x(), op.requant.recipe, op.x_zero_point,
        [&](std::size_t i) -> const Channel& {
          return op.requant.channel(static_cast<std::int64_t>(i) / inner % extent);
        },
        [](std::size_t i) { return i; });
  }
  std::int64_t operator()(const Concat& op) const {
    const auto axis = static_cast<std::size_t>(op.axis);
    const auto row = static_cast<std::size_t>(elems_between(y.shape, axis, y.shape.rank()));
    std::size_t start = 0;
    std::int64_t cycles = 0;
    for (std::size_t p = 0; p < job.inputs.size(); ++p) {
      const auto part = static_cast<std::size_t>(elems_between(x(p).shape, axis, y.shape.rank()));
      cycles += scale(
          x(p), op.requants[p].recipe, op.x_zero_points[p],
          [&](std::size_t) -> const Channel& { return op.requants[p].channels[0]; },
          [&](std::size_t i) { return i / part * row + start + i % part; });
      start += part;
    }
    return cycles;
  }

  /// `fill` completes the last beat of a window.
  template <class Fill>
  std::int64_t pool(const PoolSetting& setting, const Windows& windows, std::int32_t padding, const Fill& fill) const {
    WindowCursor in(windows), out(windows);
    return stream(
        device, setting,
        [&](PoolBeat& beat) {
          if (in.done()) return false;
          beat.first = in.at_first();
          beat.last = in.at_last();
          for (std::size_t i = 0; i < in.lanes(); ++i) {
            const std::int64_t at = in.input(i);
            beat.x[i] = at == kPadding ? padding : x().data[static_cast<std::size_t>(at)];
          }
          if (beat.last) fill(in.position(), beat);
          in.next_element();
          return true;
        },
        [&](const Lanes& lanes) {
          for (std::size_t i = 0; i < out.lanes(); ++i) y.data[static_cast<std::size_t>(out.output(i))] = lanes[i];
          out.next_window();
        },
        pauses);
  }
  std::int64_t operator()(const MaxPool& op) const {
    const Channel clamp{.lo = op.lo, .hi = op.hi};
    return pool({.mode = PoolMode::max}, pool_windows(op, x().shape), static_cast<std::int32_t>(x().type.min()),
                [&](const Position&, PoolBeat& beat) { beat.channel = &clamp; });
  }
  std::int64_t operator()(const Mean& op) const {
    return pool({PoolMode::requant, op.x_zero_point, op.accumulator, op.requant.recipe}, mean_windows(op, x().shape),
                op.x_zero_point, [&](const Position&, PoolBeat& beat) { beat.channel = op.requant.channels.data(); });
  }
  std::int64_t operator()(const AvgPool& op) const {
    const Windows windows = pool_windows(op, x().shape);
    if (op.by == AverageBy::requant) {
      return pool({PoolMode::requant, op.x_zero_point, op.accumulator, op.requant.recipe}, windows, op.x_zero_point,
                  [&](const Position& p, PoolBeat& beat) {
                    beat.channel = &op.requant.channels[static_cast<std::size_t>(p.count == 0 ? 0 : p.count - 1)];
                  });
    }
    // Raw values are summed; padding that counts has the value of the zero point. An empty window has the sum 0.
    const std::int32_t padding = op.count_includes_pad ? op.x_zero_point : 0;
    return pool({PoolMode::divide, 0, op.accumulator, {.rounding = op.rounding}}, windows, padding,
                [&](const Position& p, PoolBeat& beat) {
                  const auto r = average_reciprocal(op, x().type, p.count);
                  OBZ_CHECK(r.has_value());
                  beat.channel = op.requant.channels.data();
                  beat.count = static_cast<std::uint32_t>(std::max<std::int64_t>(p.count, 1));
                  beat.reciprocal = r->multiplier;
                  beat.reciprocal_shift = r->shift;
                });
  }
  template <class Op>
  std::int64_t operator()(const Op&) const {
    OBZ_CHECK(false);
    return 0;
  }
};

}  // namespace

std::optional<std::string> unit_refusal(const LayerJob& job) { return std::visit(Refuse{job}, job.node->op); }

LayerResult run_on_units(UnitsDevice& device, const LayerJob& job, const Pauses& pauses) {
  LayerResult result;
  result.output = Tensor(job.output->shape, job.output->type);
  result.cycles = std::visit(Run{device, pauses, job, result.output}, job.node->op);
  return result;
}

}  // namespace obz::accel
