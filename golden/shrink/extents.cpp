// The dimensions of each operator and how to cut along them.
#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "golden/shrink/layer_case.hpp"

namespace obz {
namespace {

using Indices = std::vector<std::int64_t>;
using MaybeCase = std::optional<LayerCase>;

Indices all_of(std::int64_t count) {
  Indices all(static_cast<std::size_t>(count));
  std::iota(all.begin(), all.end(), std::int64_t{0});
  return all;
}

/// The tensor with these indices of one axis only.
Tensor take(const Tensor& t, std::size_t axis, const Indices& kept) {
  Shape shape = t.shape;
  shape[axis] = static_cast<std::int64_t>(kept.size());
  Tensor out(shape, t.type);
  const std::int64_t outer = elems_between(t.shape, 0, axis);
  const std::int64_t inner = elems_between(t.shape, axis + 1, t.shape.rank());
  auto to = out.data.begin();
  for (std::int64_t o = 0; o < outer; ++o) {
    for (const std::int64_t i : kept) {
      const auto from = t.data.begin() + (o * t.shape[axis] + i) * inner;
      to = std::copy(from, from + inner, to);
    }
  }
  return out;
}

template <class T>
void take(std::vector<T>& list, const Indices& kept) {
  std::vector<T> out;
  for (const std::int64_t i : kept) out.push_back(list[static_cast<std::size_t>(i)]);
  list = std::move(out);
}

/// Lists of one entry serve every channel and stay.
template <class T>
void take_channels(std::vector<T>& list, const Indices& kept) {
  if (list.size() > 1) take(list, kept);
}

void take_filters(Filter& f, Requant& requant, const Indices& kept) {
  f.weights = take(f.weights, 0, kept);
  if (!f.bias.empty()) take(f.bias, kept);
  take_channels(f.zero_points, kept);
  take_channels(requant.channels, kept);
}

std::function<std::int64_t(std::int64_t)> index_along(const Shape& y, std::size_t axis) {
  const std::int64_t stride = strides_of(y)[axis], extent = y[axis];
  return [stride, extent](std::int64_t flat) { return flat / stride % extent; };
}

template <class Op>
Op& op_of(LayerCase& c) {
  return std::get<Op>(c.node().op);
}

// ---- windows

std::size_t axis_h(Layout layout) { return layout == Layout::nhwc ? 1 : 2; }
std::size_t axis_c(Layout layout) { return layout == Layout::nhwc ? 3 : 1; }

/// One axis of a sliding window, by reference into the operator.
struct Slide {
  std::int32_t &stride, &dilation, &before, &after;
  std::int64_t kernel;
};

std::int64_t kernel_of(const Conv2d& op, bool vertical) { return op.filter.weights.shape[vertical ? 1 : 2]; }
std::int64_t kernel_of(const AvgPool& op, bool vertical) { return vertical ? op.kernel_h : op.kernel_w; }
std::int64_t kernel_of(const MaxPool& op, bool vertical) { return vertical ? op.kernel_h : op.kernel_w; }

void take_taps(Conv2d& op, bool vertical, const Indices& kept) {
  op.filter.weights = take(op.filter.weights, vertical ? 1 : 2, kept);
}
void take_taps(AvgPool& op, bool vertical, const Indices& kept) {
  (vertical ? op.kernel_h : op.kernel_w) = static_cast<std::int32_t>(kept.size());
  if (op.by == AverageBy::requant)  // one channel per count
    op.requant.channels.resize(static_cast<std::size_t>(op.kernel_h) * static_cast<std::size_t>(op.kernel_w));
}
void take_taps(MaxPool& op, bool vertical, const Indices& kept) {
  (vertical ? op.kernel_h : op.kernel_w) = static_cast<std::int32_t>(kept.size());
}

template <class Op>
Slide slide_of(Op& op, bool vertical) {
  Window& w = op.window;
  if (vertical) return {w.stride_h, w.dilation_h, w.pad_top, w.pad_bottom, kernel_of(op, true)};
  return {w.stride_w, w.dilation_w, w.pad_left, w.pad_right, kernel_of(op, false)};
}

template <class Op>
std::size_t slide_axis(const Op& op, bool vertical) {
  return axis_h(op.layout) + (vertical ? 0 : 1);
}

/// The rows of the input that a run of output rows sees; the rest of their windows stays padding.
template <class Op>
MaybeCase keep_positions(LayerCase c, bool vertical, const Indices& kept) {
  auto& op = op_of<Op>(c);
  if (kept.back() - kept.front() + 1 != static_cast<std::int64_t>(kept.size())) return std::nullopt;
  const std::size_t axis = slide_axis(op, vertical);
  const Slide s = slide_of(op, vertical);
  const std::int64_t first = kept.front() * s.stride - s.before;
  const std::int64_t last = kept.back() * s.stride + (s.kernel - 1) * s.dilation - s.before;
  const std::int64_t begin = std::max<std::int64_t>(first, 0);
  const std::int64_t end = std::min(last, c.inputs[0].shape[axis] - 1);
  if (begin > end) {
    // Nothing but padding: a window in front of a row that the stride steps over.
    if (kept.size() != 1) return std::nullopt;
    c.inputs[0] = take(c.inputs[0], axis, {0});
    s.stride = std::max(s.stride, 2);
    s.before = static_cast<std::int32_t>(last - first + 1);
    s.after = 0;
    return c;
  }
  Indices rows = all_of(end - begin + 1);
  for (std::int64_t& r : rows) r += begin;
  c.inputs[0] = take(c.inputs[0], axis, rows);
  s.before = static_cast<std::int32_t>(begin - first);
  s.after = static_cast<std::int32_t>(last - end);
  return c;
}

/// These taps of a window that stands at a single position, side by side: stride and dilation become 1.
template <class Op>
MaybeCase keep_taps(LayerCase c, bool vertical, const Indices& kept) {
  auto& op = op_of<Op>(c);
  const std::size_t axis = slide_axis(op, vertical);
  const Slide s = slide_of(op, vertical);
  const std::int64_t rows = c.inputs[0].shape[axis];
  if (rows + s.before + s.after != (s.kernel - 1) * s.dilation + 1) return std::nullopt;
  Indices inside;
  std::int32_t before = 0, after = 0;
  for (const std::int64_t k : kept) {
    const std::int64_t row = k * s.dilation - s.before;
    if (row < 0) {
      ++before;
    } else if (row >= rows) {
      ++after;
    } else {
      inside.push_back(row);
    }
  }
  if (inside.empty()) return std::nullopt;
  c.inputs[0] = take(c.inputs[0], axis, inside);
  s.stride = s.dilation = 1;
  s.before = before;
  s.after = after;
  take_taps(op, vertical, kept);
  return c;
}

template <class Op>
void add_batch_and_positions(const LayerCase& c, const Op& op, std::vector<Extent>& list) {
  const Shape& y = c.output().shape;
  const std::size_t h = axis_h(op.layout);
  list.push_back({"batch", y[0], index_along(y, 0), [](LayerCase k, const Indices& kept) -> MaybeCase {
                    k.inputs[0] = take(k.inputs[0], 0, kept);
                    return k;
                  }});
  list.push_back({"output rows", y[h], index_along(y, h),
                  [](const LayerCase& k, const Indices& kept) { return keep_positions<Op>(k, true, kept); }});
  list.push_back({"output columns", y[h + 1], index_along(y, h + 1),
                  [](const LayerCase& k, const Indices& kept) { return keep_positions<Op>(k, false, kept); }});
}

template <class Op>
void add_taps(const Op& op, std::vector<Extent>& list) {
  list.push_back({"kernel rows", kernel_of(op, true), nullptr,
                  [](const LayerCase& k, const Indices& kept) { return keep_taps<Op>(k, true, kept); }});
  list.push_back({"kernel columns", kernel_of(op, false), nullptr,
                  [](const LayerCase& k, const Indices& kept) { return keep_taps<Op>(k, false, kept); }});
}

/// Indices `group * size + i` for every kept i, or for every kept group.
Indices within_groups(std::int64_t groups, std::int64_t size, const Indices& kept) {
  Indices all;
  for (std::int64_t g = 0; g < groups; ++g)
    for (const std::int64_t i : kept) all.push_back(g * size + i);
  return all;
}
Indices whole_groups(std::int64_t size, const Indices& kept) {
  Indices all;
  for (const std::int64_t g : kept)
    for (std::int64_t i = 0; i < size; ++i) all.push_back(g * size + i);
  return all;
}

MaybeCase keep_groups(LayerCase c, const Indices& kept) {
  auto& op = op_of<Conv2d>(c);
  const std::int64_t outputs = op.out_channels() / op.groups, depth = op.filter.weights.shape[3];
  c.inputs[0] = take(c.inputs[0], axis_c(op.layout), whole_groups(depth, kept));
  take_filters(op.filter, op.requant, whole_groups(outputs, kept));
  op.groups = static_cast<std::int64_t>(kept.size());
  return c;
}

MaybeCase keep_outputs(LayerCase c, const Indices& kept) {
  auto& op = op_of<Conv2d>(c);
  take_filters(op.filter, op.requant, within_groups(op.groups, op.out_channels() / op.groups, kept));
  return c;
}

MaybeCase keep_depth(LayerCase c, const Indices& kept) {
  auto& op = op_of<Conv2d>(c);
  c.inputs[0] = take(c.inputs[0], axis_c(op.layout), within_groups(op.groups, op.filter.weights.shape[3], kept));
  op.filter.weights = take(op.filter.weights, 3, kept);
  return c;
}

// ---- elementwise operators and products

/// Cuts an axis of the output out of every operand that has it; operands of lower rank or extent 1 repeat.
void take_broadcast(LayerCase& c, std::size_t axis, std::size_t rank, const Indices& kept) {
  for (Tensor& t : c.inputs) {
    const std::size_t missing = rank - t.shape.rank();
    if (axis < missing) continue;
    const std::size_t own = axis - missing;
    if (t.shape[own] != 1) t = take(t, own, kept);
  }
}

void add_broadcast_axes(const LayerCase& c, std::size_t axes, std::vector<Extent>& list) {
  const Shape& y = c.output().shape;
  for (std::size_t axis = 0; axis < axes; ++axis) {
    list.push_back({fmt::format("axis {}", axis), y[axis], index_along(y, axis),
                    [axis, rank = y.rank()](LayerCase k, const Indices& kept) -> MaybeCase {
                      take_broadcast(k, axis, rank, kept);
                      return k;
                    }});
  }
}

struct ExtentsOf {
  const LayerCase& c;
  std::vector<Extent> list = {};

  const Shape& y() const { return c.output().shape; }
  const Shape& x(std::size_t i = 0) const { return c.inputs[i].shape; }

  void operator()(const Conv2d& op) {
    add_batch_and_positions(c, op, list);
    const std::int64_t outputs = op.out_channels() / op.groups;
    const auto channel = index_along(y(), axis_c(op.layout));
    list.push_back(
        {"groups", op.groups, [channel, outputs](std::int64_t flat) { return channel(flat) / outputs; }, keep_groups});
    list.push_back({op.groups == 1 ? "output channels" : "outputs of a group", outputs,
                    [channel, outputs](std::int64_t flat) { return channel(flat) % outputs; }, keep_outputs});
    list.push_back({"input channels", op.filter.weights.shape[3], nullptr, keep_depth});
    add_taps(op, list);
  }
  void operator()(const Dense& op) {
    const std::int64_t out = op.out_channels(), depth = op.filter.weights.shape[1], rows = x().elems() / depth;
    const auto as_rows = [](LayerCase& k) -> Dense& {
      auto& dense = op_of<Dense>(k);
      const std::int64_t d = dense.filter.weights.shape[1];
      k.inputs[0].shape = Shape{k.inputs[0].elems() / d, d};
      return dense;
    };
    list.push_back({"rows", rows, [out](std::int64_t flat) { return flat / out; },
                    [as_rows](LayerCase k, const Indices& kept) -> MaybeCase {
                      as_rows(k);
                      k.inputs[0] = take(k.inputs[0], 0, kept);
                      return k;
                    }});
    list.push_back({"output channels", out, [out](std::int64_t flat) { return flat % out; },
                    [](LayerCase k, const Indices& kept) -> MaybeCase {
                      auto& dense = op_of<Dense>(k);
                      take_filters(dense.filter, dense.requant, kept);
                      return k;
                    }});
    list.push_back({"input channels", depth, nullptr, [as_rows](LayerCase k, const Indices& kept) -> MaybeCase {
                      Dense& dense = as_rows(k);
                      k.inputs[0] = take(k.inputs[0], 1, kept);
                      dense.filter.weights = take(dense.filter.weights, 1, kept);
                      return k;
                    }});
  }
  void operator()(const MatMul& op) {
    const std::size_t rank = y().rank();
    for (std::size_t axis = 0; axis + 2 < rank; ++axis) {
      list.push_back({fmt::format("batch axis {}", axis), y()[axis], index_along(y(), axis),
                      [axis, rank](LayerCase k, const Indices& kept) -> MaybeCase {
                        take_broadcast(k, axis, rank, kept);
                        return k;
                      }});
    }
    list.push_back(
        {"rows", y()[rank - 2], index_along(y(), rank - 2), [](LayerCase k, const Indices& kept) -> MaybeCase {
           auto& m = op_of<MatMul>(k);
           k.inputs[0] = take(k.inputs[0], k.inputs[0].shape.rank() - (m.transpose_a ? 1 : 2), kept);
           take_channels(m.a_zero_points, kept);
           return k;
         }});
    list.push_back(
        {"columns", y()[rank - 1], index_along(y(), rank - 1), [](LayerCase k, const Indices& kept) -> MaybeCase {
           auto& m = op_of<MatMul>(k);
           k.inputs[1] = take(k.inputs[1], k.inputs[1].shape.rank() - (m.transpose_b ? 2 : 1), kept);
           take_channels(m.b_zero_points, kept);
           take_channels(m.requant.channels, kept);
           return k;
         }});
    list.push_back({"depth", depth(op, x()), nullptr, [](LayerCase k, const Indices& kept) -> MaybeCase {
                      const auto& m = op_of<MatMul>(k);
                      k.inputs[0] = take(k.inputs[0], k.inputs[0].shape.rank() - (m.transpose_a ? 2 : 1), kept);
                      k.inputs[1] = take(k.inputs[1], k.inputs[1].shape.rank() - (m.transpose_b ? 1 : 2), kept);
                      return k;
                    }});
  }
  void operator()(const Add&) { add_broadcast_axes(c, y().rank(), list); }
  void operator()(const Mul&) { add_broadcast_axes(c, y().rank(), list); }
  void operator()(const MinMax&) { add_broadcast_axes(c, y().rank(), list); }
  void operator()(const Lookup&) { add_broadcast_axes(c, y().rank(), list); }
  void operator()(const Rescale& op) {
    const std::size_t rank = y().rank();
    add_broadcast_axes(c, rank, list);
    if (op.requant.channels.size() == 1) return;
    const auto axis = static_cast<std::size_t>(op.axis);
    list[axis].name = "channels";
    list[axis].keep = [axis](LayerCase k, const Indices& kept) -> MaybeCase {
      k.inputs[0] = take(k.inputs[0], axis, kept);
      take(op_of<Rescale>(k).requant.channels, kept);
      return k;
    };
  }
  template <class Pool>
  void pool(const Pool& op) {
    add_batch_and_positions(c, op, list);
    const std::size_t axis = axis_c(op.layout);
    list.push_back(
        {"channels", y()[axis], index_along(y(), axis), [axis](LayerCase k, const Indices& kept) -> MaybeCase {
           k.inputs[0] = take(k.inputs[0], axis, kept);
           return k;
         }});
    add_taps(op, list);
  }
  void operator()(const AvgPool& op) { pool(op); }
  void operator()(const MaxPool& op) { pool(op); }
  void operator()(const Mean& op) {
    std::size_t out_axis = 0;
    for (std::size_t axis = 0; axis < x().rank(); ++axis) {
      const bool summed = std::find(op.axes.begin(), op.axes.end(), static_cast<std::int64_t>(axis)) != op.axes.end();
      Extent e{fmt::format("{} {}", summed ? "summed axis" : "axis", axis), x()[axis], nullptr,
               [axis](LayerCase k, const Indices& kept) -> MaybeCase {
                 k.inputs[0] = take(k.inputs[0], axis, kept);
                 return k;
               }};
      if (!summed) e.of_output = index_along(y(), out_axis);
      if (!summed || op.keep_dims) ++out_axis;
      list.push_back(std::move(e));
    }
    std::stable_partition(list.begin(), list.end(), [](const Extent& e) { return e.of_output != nullptr; });
  }
  void operator()(const Concat& op) {
    const auto axis = static_cast<std::size_t>(op.axis);
    const auto along = index_along(y(), axis);
    std::vector<std::int64_t> ends;
    for (std::size_t p = 0; p < c.inputs.size(); ++p) ends.push_back((p == 0 ? 0 : ends[p - 1]) + x(p)[axis]);
    const auto part_of = [along, ends](std::int64_t flat) {
      return std::upper_bound(ends.begin(), ends.end(), along(flat)) - ends.begin();
    };
    list.push_back({"parts", static_cast<std::int64_t>(c.inputs.size()), part_of,
                    [](LayerCase k, const Indices& kept) -> MaybeCase {
                      auto& concat = op_of<Concat>(k);
                      take(concat.requants, kept);
                      take(concat.x_zero_points, kept);
                      take(k.inputs, kept);
                      take(k.node().inputs, kept);
                      return k;
                    }});
    for (std::size_t a = 0; a < y().rank(); ++a) {
      if (a == axis) continue;
      list.push_back(
          {fmt::format("axis {}", a), y()[a], index_along(y(), a), [a](LayerCase k, const Indices& kept) -> MaybeCase {
             for (Tensor& t : k.inputs) t = take(t, a, kept);
             return k;
           }});
    }
    for (std::size_t p = 0; p < c.inputs.size(); ++p) {
      const std::int64_t start = ends[p] - x(p)[axis], extent = x(p)[axis];
      list.push_back({fmt::format("part {}", p), extent,
                      [along, start, extent](std::int64_t flat) {
                        return std::clamp<std::int64_t>(along(flat) - start, 0, extent - 1);
                      },
                      [p, axis](LayerCase k, const Indices& kept) -> MaybeCase {
                        k.inputs[p] = take(k.inputs[p], axis, kept);
                        return k;
                      }});
    }
  }
  template <class Op>
  void operator()(const Op&) {}
};

// ---- simpler geometry

Tensor to_nhwc(const Tensor& x) {
  const View4 from(x.shape, Layout::nchw);
  Tensor y(shape4(Layout::nhwc, from.n, from.h, from.w, from.c), x.type);
  std::size_t at = 0;
  for (std::int64_t n = 0; n < from.n; ++n)
    for (std::int64_t h = 0; h < from.h; ++h)
      for (std::int64_t w = 0; w < from.w; ++w)
        for (std::int64_t ch = 0; ch < from.c; ++ch) y.data[at++] = x.data[from.at(n, h, w, ch)];
  return y;
}

struct SimplerForms {
  const LayerCase& c;
  std::vector<LayerCase> list = {};

  template <class Op>
  void windowed(const Op& op) {
    if (op.layout == Layout::nchw) {
      LayerCase k = c;
      op_of<Op>(k).layout = Layout::nhwc;
      k.inputs[0] = to_nhwc(k.inputs[0]);
      list.push_back(std::move(k));
    }
    for (const bool vertical : {true, false}) {
      Op copy = op;
      const Slide s = slide_of(copy, vertical);
      if (c.output().shape[slide_axis(op, vertical)] == 1) {  // rows that its stride never reaches
        auto k = keep_positions<Op>(c, vertical, {0});
        if (k && k->inputs[0].shape != c.inputs[0].shape) list.push_back(std::move(*k));
      }
      if (s.stride == 1 && s.dilation == 1) continue;
      if (auto k = keep_taps<Op>(c, vertical, all_of(s.kernel))) list.push_back(std::move(*k));
    }
  }
  void operator()(const Conv2d& op) {
    windowed(op);
    const Shape& w = op.filter.weights.shape;
    const Window& win = op.window;
    const bool padded = win.pad_top != 0 || win.pad_left != 0 || win.pad_bottom != 0 || win.pad_right != 0;
    const Shape& x = c.inputs[0].shape;
    const bool whole_window = op.layout == Layout::nhwc && op.groups == 1 && !padded && x[1] == w[1] && x[2] == w[2];
    if (whole_window && w[1] * w[2] != 1) {
      LayerCase k = c;
      auto& conv = op_of<Conv2d>(k);
      const std::int64_t depth = elems_between(w, 1, 4);
      conv.filter.weights.shape = Shape{w[0], 1, 1, depth};
      conv.window = Window{};
      k.inputs[0].shape = Shape{x[0], 1, 1, depth};
      list.push_back(std::move(k));
    }
  }
  void operator()(const AvgPool& op) { windowed(op); }
  void operator()(const MaxPool& op) { windowed(op); }
  void operator()(const MatMul&) {
    if (c.output().shape.rank() == 2 || elems_between(c.output().shape, 0, c.output().shape.rank() - 2) != 1) return;
    LayerCase k = c;
    for (Tensor& t : k.inputs) t.shape = Shape{t.shape[t.shape.rank() - 2], t.shape[t.shape.rank() - 1]};
    list.push_back(std::move(k));
  }
  void one_element() {
    if (c.output().shape.elems() != 1 || c.output().shape.rank() == 1) return;
    LayerCase k = c;
    for (Tensor& t : k.inputs) t.shape = Shape{1};
    list.push_back(std::move(k));
  }
  void operator()(const Add&) { one_element(); }
  void operator()(const Mul&) { one_element(); }
  void operator()(const MinMax&) { one_element(); }
  void operator()(const Lookup&) { one_element(); }
  void operator()(const Rescale& op) {
    if (op.requant.channels.size() == 1) one_element();
  }
  template <class Op>
  void operator()(const Op&) {}
};

}  // namespace

std::vector<Extent> extents(const LayerCase& c) {
  ExtentsOf visit{c};
  std::visit(visit, c.node().op);
  return std::move(visit.list);
}

std::optional<LayerCase> cut_to_output(const LayerCase& c, std::int64_t flat) {
  const std::vector<Extent> list = extents(c);
  std::optional<LayerCase> one = c;
  // From the back: what a cut would renumber (the parts of a concatenation) comes first in the list.
  for (auto e = list.rbegin(); e != list.rend(); ++e) {
    if (one && e->of_output && e->size > 1) one = e->keep(*one, {e->of_output(flat)});
  }
  return one;
}

std::vector<LayerCase> simpler_forms(const LayerCase& c) {
  SimplerForms visit{c};
  std::visit(visit, c.node().op);
  return std::move(visit.list);
}

}  // namespace obz
