#include "golden/bounds/certify.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>

#include "ref/base/error.hpp"
#include "ref/execute/fast.hpp"
#include "ref/execute/naive.hpp"

namespace obz {
namespace {

/// x in `range` at which w * x is least or largest.
std::int64_t extreme(std::int64_t w, Range range, bool largest) { return (w > 0) == largest ? range.hi : range.lo; }

void widen(ChannelBounds& b, bool first, std::int64_t lo, std::int64_t at_lo, std::int64_t hi, std::int64_t at_hi) {
  if (first || lo < b.range.lo) {
    b.range.lo = lo;
    b.at_lo = at_lo;
  }
  if (first || hi > b.range.hi) {
    b.range.hi = hi;
    b.at_hi = at_hi;
  }
}

/// For one axis of a window: which taps are inside, and an output index that shows it. Few patterns whatever the
/// extent.
std::map<std::vector<char>, std::int64_t> patterns(std::int64_t outputs, std::int64_t kernel, std::int64_t stride,
                                                   std::int64_t dilation, std::int64_t pad, std::int64_t extent) {
  std::map<std::vector<char>, std::int64_t> found;
  for (std::int64_t o = 0; o < outputs; ++o) {
    std::vector<char> inside;
    for (std::int64_t k = 0; k < kernel; ++k) {
      const std::int64_t i = o * stride + k * dilation - pad;
      inside.push_back(i >= 0 && i < extent ? 1 : 0);
    }
    found.emplace(std::move(inside), o);
  }
  return found;
}

struct Geometry {
  View4 in, out;
  const Window& window;
  std::int64_t kernel_h, kernel_w;

  auto rows() const { return patterns(out.h, kernel_h, window.stride_h, window.dilation_h, window.pad_top, in.h); }
  auto columns() const { return patterns(out.w, kernel_w, window.stride_w, window.dilation_w, window.pad_left, in.w); }
};

struct Certifier {
  const IntNet& net;
  const Node& node;
  const std::vector<Range>& ranges;

  const TensorInfo& info(std::size_t i) const { return net.tensors[static_cast<std::size_t>(node.inputs[i])]; }
  const TensorInfo& output() const { return net.tensors[static_cast<std::size_t>(node.outputs[0])]; }
  Range in(std::size_t i) const { return ranges[static_cast<std::size_t>(node.inputs[i])]; }
  bool same_operands() const { return node.inputs.size() > 1 && node.inputs[0] == node.inputs[1]; }

  template <class Op>
  AccCertificate start(const Op& op) const {
    return {.exact = true, .register_bits = op.accumulator.bits, .overflow = op.accumulator.overflow};
  }
  static AccCertificate inexact(AccCertificate c, const char* why) {
    c.exact = false;
    c.why_not = why;
    return c;
  }

  std::optional<AccCertificate> operator()(const Conv2d& op) const {
    AccCertificate c = start(op);
    const Shape& ws = op.filter.weights.shape;
    const Geometry g{View4(info(0).shape, op.layout), View4(output().shape, op.layout), op.window, ws[1], ws[2]};
    const auto rows = g.rows(), columns = g.columns();
    for (std::int64_t o = 0; o < ws[0]; ++o) {
      // The least and largest that each tap can add, summed over its input channels.
      std::vector<Range> taps;
      for (std::int64_t t = 0; t < ws[1] * ws[2]; ++t) {
        Range sum{0, 0};
        for (std::int64_t i = 0; i < ws[3]; ++i) {
          const auto at = static_cast<std::size_t>((o * ws[1] * ws[2] + t) * ws[3] + i);
          const std::int64_t w = op.filter.weights.data[at] - op.filter.zero_point_of(o);
          sum.lo += w * (extreme(w, in(0), false) - op.x_zero_point);
          sum.hi += w * (extreme(w, in(0), true) - op.x_zero_point);
        }
        taps.push_back(sum);
      }
      ChannelBounds b;
      bool first = true;
      for (const auto& [row, oh] : rows) {
        for (const auto& [column, ow] : columns) {
          Range sum{op.filter.bias_of(o), op.filter.bias_of(o)};
          for (std::int64_t kh = 0; kh < ws[1]; ++kh) {
            for (std::int64_t kw = 0; kw < ws[2]; ++kw) {
              if (row[static_cast<std::size_t>(kh)] == 0 || column[static_cast<std::size_t>(kw)] == 0) continue;
              sum.lo += taps[static_cast<std::size_t>(kh * ws[2] + kw)].lo;
              sum.hi += taps[static_cast<std::size_t>(kh * ws[2] + kw)].hi;
            }
          }
          const auto at = static_cast<std::int64_t>(g.out.at(0, oh, ow, o));
          widen(b, first, sum.lo, at, sum.hi, at);
          first = false;
        }
      }
      c.channels.push_back(b);
    }
    if (output().shape.elems() == 0) return inexact(c, "the layer has no outputs");
    return c;
  }

  std::optional<AccCertificate> operator()(const Dense& op) const {
    AccCertificate c = start(op);
    const std::int64_t depth = op.filter.weights.shape[1];
    for (std::int64_t o = 0; o < op.out_channels(); ++o) {
      ChannelBounds b{{op.filter.bias_of(o), op.filter.bias_of(o)}, o, o};
      for (std::int64_t i = 0; i < depth; ++i) {
        const std::int64_t w =
            op.filter.weights.data[static_cast<std::size_t>(o * depth + i)] - op.filter.zero_point_of(o);
        b.range.lo += w * (extreme(w, in(0), false) - op.x_zero_point);
        b.range.hi += w * (extreme(w, in(0), true) - op.x_zero_point);
      }
      c.channels.push_back(b);
    }
    if (output().shape.elems() == 0) return inexact(c, "the layer has no outputs");
    return c;
  }

  std::optional<AccCertificate> operator()(const MatMul& op) const {
    AccCertificate c = start(op);
    const Shape& y = output().shape;
    const std::int64_t m = y[y.rank() - 2], n = y[y.rank() - 1], k = depth(op, info(0).shape);
    for (std::int64_t j = 0; j < n; ++j) {
      ChannelBounds b;
      for (std::int64_t i = 0; i < m; ++i) {
        const std::int64_t za = op.a_zero_points[op.a_zero_points.size() == 1 ? 0 : static_cast<std::size_t>(i)];
        const std::int64_t zb = op.b_zero_points[op.b_zero_points.size() == 1 ? 0 : static_cast<std::size_t>(j)];
        const auto corners = {(in(0).lo - za) * (in(1).lo - zb), (in(0).lo - za) * (in(1).hi - zb),
                              (in(0).hi - za) * (in(1).lo - zb), (in(0).hi - za) * (in(1).hi - zb)};
        widen(b, i == 0, k * std::min(corners), i * n + j, k * std::max(corners), i * n + j);
      }
      c.channels.push_back(b);
    }
    if (y.elems() == 0) return inexact(c, "the layer has no outputs");
    if (same_operands()) return inexact(c, "both operands are the same tensor");
    if (info(0).constant || info(1).constant) return inexact(c, "an operand is constant and taken as free");
    return c;
  }

  std::optional<AccCertificate> operator()(const Add& op) const {
    if (op.floating) return std::nullopt;
    AccCertificate c = start(op);
    const auto whole = accumulator_range(net, node, ranges);
    if (!whole) return std::nullopt;
    c.channels = {{*whole, 0, 0}};
    if (same_operands()) return inexact(c, "both operands are the same tensor");
    if (info(0).constant || info(1).constant) return inexact(c, "an operand is constant and taken as free");
    if (info(0).type.bits > 16 || info(1).type.bits > 16) return inexact(c, "operands of more than 16 bits");
    // Few values: the branches are tried whole, so a register that wraps is no exception.
    const Range a = branch(op, 0).first, b = branch(op, 1).first;
    c.channels[0].range = op.subtract ? Range{a.lo - b.hi, a.hi - b.lo} : Range{a.lo + b.lo, a.hi + b.hi};
    return c;
  }
  /// Range of a scaled branch, and the operands at its ends.
  std::pair<Range, Range> branch(const Add& op, std::size_t i) const {
    const Requant& r = i == 0 ? op.branch_a : op.branch_b;
    const std::int64_t z = i == 0 ? op.a_zero_point : op.b_zero_point;
    Range values{INT64_MAX, INT64_MIN}, at{0, 0};
    for (std::int64_t v = in(i).lo; v <= in(i).hi; ++v) {
      const std::int64_t scaled = r((v - z) << op.left_shift, 0);
      if (scaled < values.lo) values.lo = scaled, at.lo = v;
      if (scaled > values.hi) values.hi = scaled, at.hi = v;
    }
    return {values, at};
  }

  std::optional<AccCertificate> operator()(const Mul& op) const {
    AccCertificate c = start(op);
    c.channels = {{*accumulator_range(net, node, ranges), 0, 0}};
    if (same_operands()) return inexact(c, "both operands are the same tensor");
    if (info(0).constant || info(1).constant) return inexact(c, "an operand is constant and taken as free");
    return c;
  }

  std::optional<AccCertificate> operator()(const AvgPool& op) const {
    AccCertificate c = start(op);
    const Geometry g{View4(info(0).shape, op.layout), View4(output().shape, op.layout), op.window, op.kernel_h,
                     op.kernel_w};
    const bool divides = op.by == AverageBy::division;
    ChannelBounds b;
    bool first = true;
    for (const auto& [row, oh] : g.rows()) {
      for (const auto& [column, ow] : g.columns()) {
        const std::int64_t inside = std::count(row.begin(), row.end(), 1) * std::count(column.begin(), column.end(), 1);
        const std::int64_t all = std::int64_t{op.kernel_h} * op.kernel_w;
        const std::int64_t zero = divides ? 0 : op.x_zero_point;
        const std::int64_t padding = divides && op.count_includes_pad ? (all - inside) * op.x_zero_point : 0;
        const auto at = static_cast<std::int64_t>(g.out.at(0, oh, ow, 0));
        widen(b, first, inside * (in(0).lo - zero) + padding, at, inside * (in(0).hi - zero) + padding, at);
        first = false;
      }
    }
    c.channels = {b};
    if (output().shape.elems() == 0) return inexact(c, "the layer has no outputs");
    return c;
  }

  std::optional<AccCertificate> operator()(const Mean& op) const {
    AccCertificate c = start(op);
    c.channels = {{*accumulator_range(net, node, ranges), 0, 0}};
    return c;
  }
  std::optional<AccCertificate> operator()(const Rescale&) const {
    AccCertificate c{.exact = true};
    c.channels = {{*accumulator_range(net, node, ranges), 0, 0}};
    return c;
  }
  std::optional<AccCertificate> operator()(const ConvTranspose2d& op) const {
    AccCertificate c = start(op);
    for (const Range r : channel_accumulator_ranges(node, ranges)) c.channels.push_back({r, 0, 0});
    return inexact(c, "a transposed convolution: every tap is taken as reaching every output");
  }
  template <class Op>
  std::optional<AccCertificate> operator()(const Op&) const {
    return std::nullopt;
  }
};

struct WitnessMaker {
  const Certifier& certifier;
  const AccCertificate& certificate;
  std::size_t channel;
  bool largest;
  std::vector<Tensor> made{};

  std::int64_t element() const {
    const ChannelBounds& b = certificate.channels[channel];
    return largest ? b.at_hi : b.at_lo;
  }
  /// A free operand, all elements at the value nearest to `v` that it can have.
  Tensor& operand(std::size_t i, std::int64_t v) {
    const TensorInfo& info = certifier.info(i);
    Tensor t(info.shape, info.type);
    const Range range = certifier.in(i);
    std::fill(t.data.begin(), t.data.end(), static_cast<std::int32_t>(saturate(v, range.lo, range.hi)));
    made.push_back(std::move(t));
    return made.back();
  }

  void operator()(const Conv2d& op) {
    Tensor& x = operand(0, op.x_zero_point);
    const View4 in(x.shape, op.layout), out(certifier.output().shape, op.layout);
    const Shape& ws = op.filter.weights.shape;
    const auto o = static_cast<std::int64_t>(channel);
    const std::int64_t e = element(), oh = e / out.sh % out.h, ow = e / out.sw % out.w;
    const std::int64_t first = o / (out.c / op.groups) * ws[3];
    for (std::int64_t kh = 0; kh < ws[1]; ++kh) {
      const std::int64_t ih = oh * op.window.stride_h + kh * op.window.dilation_h - op.window.pad_top;
      if (ih < 0 || ih >= in.h) continue;
      for (std::int64_t kw = 0; kw < ws[2]; ++kw) {
        const std::int64_t iw = ow * op.window.stride_w + kw * op.window.dilation_w - op.window.pad_left;
        if (iw < 0 || iw >= in.w) continue;
        for (std::int64_t i = 0; i < ws[3]; ++i) {
          const auto at = static_cast<std::size_t>(((o * ws[1] + kh) * ws[2] + kw) * ws[3] + i);
          const std::int64_t w = op.filter.weights.data[at] - op.filter.zero_point_of(o);
          x.data[in.at(0, ih, iw, first + i)] = static_cast<std::int32_t>(extreme(w, certifier.in(0), largest));
        }
      }
    }
  }
  void operator()(const Dense& op) {
    Tensor& x = operand(0, op.x_zero_point);
    const std::int64_t depth = op.filter.weights.shape[1];
    for (std::int64_t i = 0; i < depth; ++i) {
      const auto at = static_cast<std::size_t>(static_cast<std::int64_t>(channel) * depth + i);
      const std::int64_t w = op.filter.weights.data[at] - op.filter.zero_point_of(static_cast<std::int64_t>(channel));
      x.data[static_cast<std::size_t>(i)] = static_cast<std::int32_t>(extreme(w, certifier.in(0), largest));
    }
  }
  void operator()(const MatMul& op) {
    const Shape& y = certifier.output().shape;
    const auto i = static_cast<std::size_t>(element() / y[y.rank() - 1]);
    const std::int64_t za = op.a_zero_points[op.a_zero_points.size() == 1 ? 0 : i];
    const std::int64_t zb = op.b_zero_points[op.b_zero_points.size() == 1 ? 0 : channel];
    corner(za, zb);
  }
  void operator()(const Mul& op) { corner(op.a_zero_point, op.b_zero_point); }
  /// Both operands constant at the corner of their ranges that gives the extreme product.
  void corner(std::int64_t za, std::int64_t zb) {
    const Range a = certifier.in(0), b = certifier.in(1);
    std::int64_t best_a = a.lo, best_b = b.lo;
    for (const std::int64_t va : {a.lo, a.hi}) {
      for (const std::int64_t vb : {b.lo, b.hi}) {
        const std::int64_t p = (va - za) * (vb - zb), best = (best_a - za) * (best_b - zb);
        if (largest ? p > best : p < best) {
          best_a = va;
          best_b = vb;
        }
      }
    }
    operand(0, best_a);
    operand(1, best_b);
  }
  void operator()(const Add& op) {
    const Range a = certifier.branch(op, 0).second, b = certifier.branch(op, 1).second;
    operand(0, largest ? a.hi : a.lo);
    operand(1, largest != op.subtract ? b.hi : b.lo);
  }
  template <class Op>
  void operator()(const Op&) {  // sums without weights: every value at the same end
    operand(0, largest ? certifier.in(0).hi : certifier.in(0).lo);
  }
};

const Filter* filter_of(const Operator& op) {
  if (const auto* conv = std::get_if<Conv2d>(&op)) return &conv->filter;
  if (const auto* dense = std::get_if<Dense>(&op)) return &dense->filter;
  return nullptr;
}

}  // namespace

Range AccCertificate::whole() const {
  Range r = channels.empty() ? Range{} : channels[0].range;
  for (const ChannelBounds& b : channels) r = {std::min(r.lo, b.range.lo), std::max(r.hi, b.range.hi)};
  return r;
}

std::optional<AccCertificate> certify(const IntNet& net, const Node& node, const std::vector<Range>& ranges) {
  return std::visit(Certifier{net, node, ranges}, node.op);
}

std::vector<Tensor> witness(const IntNet& net, const Node& node, const std::vector<Range>& ranges,
                            const AccCertificate& certificate, std::size_t channel, bool largest) {
  OBZ_CHECK(certificate.exact && channel < certificate.channels.size());
  const Certifier certifier{net, node, ranges};
  WitnessMaker maker{certifier, certificate, channel, largest};
  std::visit(maker, node.op);
  return std::move(maker.made);
}

Replay replay(const IntNet& net, const Node& node, const AccCertificate& certificate, std::size_t channel, bool largest,
              const std::vector<Tensor>& inputs) {
  std::vector<const Tensor*> operands;
  for (std::size_t i = 0, used = 0; i < node.inputs.size(); ++i) {
    const TensorInfo& info = net.tensors[static_cast<std::size_t>(node.inputs[i])];
    operands.push_back(info.constant ? &*info.constant : &inputs[used++]);
  }
  const TensorInfo& out = net.tensors[static_cast<std::size_t>(node.outputs[0])];
  Tensor want(out.shape, out.type), got(out.shape, out.type);
  std::vector<std::int64_t> accs;
  run_naive(node, operands, want, &accs);
  prepare_fast(net, node)->run(operands, got);
  const ChannelBounds& b = certificate.channels[channel];
  const std::int64_t bound = largest ? b.range.hi : b.range.lo;
  Replay r;
  r.acc = accs[static_cast<std::size_t>(largest ? b.at_hi : b.at_lo)];
  r.attained = r.acc == narrow(bound, certificate.register_bits, certificate.overflow);
  r.fast_equals = got == want;
  return r;
}

std::int64_t saturating_pair(std::int64_t u1, std::int64_t w1, std::int64_t u2, std::int64_t w2) {
  return saturate(u1 * w1 + u2 * w2, INT16_MIN, INT16_MAX);
}

std::optional<PairHazard> pair_hazard(const IntNet& net, const Node& node, const std::vector<Range>& ranges) {
  const Filter* filter = filter_of(node.op);
  if (filter == nullptr) return std::nullopt;
  const TensorInfo& x = net.tensors[static_cast<std::size_t>(node.inputs[0])];
  if (x.type.bits > 8 || filter->weights.type.bits > 8 || !filter->weights.type.is_signed) return std::nullopt;
  const Range range = ranges[static_cast<std::size_t>(node.inputs[0])];
  const std::int64_t offset = x.type.min();
  const Range u{range.lo - offset, range.hi - offset};
  const std::int64_t terms = filter->weights.elems() / filter->out_channels();
  const auto weight = [&](std::int64_t o, std::int64_t k) {
    return k < terms ? std::int64_t{filter->weights.data[static_cast<std::size_t>(o * terms + k)]} : 0;
  };
  PairHazard h;
  bool upwards = true;
  for (std::int64_t o = 0; o < filter->out_channels(); ++o) {
    for (std::int64_t k = 0; k < terms; k += 2) {
      ++h.pairs;
      bool risk = false;
      for (const bool largest : {true, false}) {
        const std::int64_t w1 = weight(o, k), w2 = weight(o, k + 1);
        const std::int64_t sum = w1 * extreme(w1, u, largest) + w2 * extreme(w2, u, largest);
        risk = risk || sum != saturate(sum, INT16_MIN, INT16_MAX);
        if (std::abs(sum) > std::abs(h.worst)) {
          h.worst = sum;
          h.channel = static_cast<std::size_t>(o);
          upwards = largest;
        }
      }
      h.at_risk += risk ? 1 : 0;
    }
  }
  if (h.at_risk == 0) return h;
  // The input that drives the whole channel the way of its worst pair.
  const auto certificate = certify(net, node, ranges);
  if (!certificate || !certificate->exact) return h;
  h.inputs = witness(net, node, ranges, *certificate, h.channel, upwards);
  const ChannelBounds& b = certificate->channels[h.channel];
  h.exact = upwards ? b.range.hi : b.range.lo;
  // The same taps, summed in pairs: what each adds beyond 16 bits is lost.
  h.saturating = h.exact;
  const auto o = static_cast<std::int64_t>(h.channel);
  std::vector<std::int64_t> values = std::visit(
      [&](const auto& op) -> std::vector<std::int64_t> {
        using Op = std::decay_t<decltype(op)>;
        std::vector<std::int64_t> taps;
        if constexpr (std::is_same_v<Op, Conv2d>) {
          const Tensor& t = (*h.inputs)[0];
          const View4 in(t.shape, op.layout),
              out(net.tensors[static_cast<std::size_t>(node.outputs[0])].shape, op.layout);
          const Shape& ws = op.filter.weights.shape;
          const std::int64_t e = upwards ? b.at_hi : b.at_lo, oh = e / out.sh % out.h, ow = e / out.sw % out.w;
          for (std::int64_t k = 0; k < terms; ++k) {
            const std::int64_t i = k % ws[3], kw = k / ws[3] % ws[2], kh = k / (ws[3] * ws[2]);
            const std::int64_t ih = oh * op.window.stride_h + kh * op.window.dilation_h - op.window.pad_top;
            const std::int64_t iw = ow * op.window.stride_w + kw * op.window.dilation_w - op.window.pad_left;
            const bool inside = ih >= 0 && ih < in.h && iw >= 0 && iw < in.w;
            // A kernel that pads copies the zero point there.
            taps.push_back(inside ? t.data[in.at(0, ih, iw, o / (out.c / op.groups) * ws[3] + i)] : op.x_zero_point);
          }
        } else if constexpr (std::is_same_v<Op, Dense>) {
          for (std::int64_t k = 0; k < terms; ++k) taps.push_back((*h.inputs)[0].data[static_cast<std::size_t>(k)]);
        }
        return taps;
      },
      node.op);
  values.push_back(offset);  // an odd last term stands with 0
  for (std::int64_t k = 0; k < terms; k += 2) {
    const std::int64_t u1 = values[static_cast<std::size_t>(k)] - offset,
                       u2 = values[static_cast<std::size_t>(k + 1)] - offset;
    const std::int64_t w1 = weight(o, k), w2 = weight(o, k + 1);
    h.saturating += saturating_pair(u1, w1, u2, w2) - (u1 * w1 + u2 * w2);
  }
  return h;
}

}  // namespace obz
