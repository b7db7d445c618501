#include "golden/cover/layer_cover.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "golden/cases/layer_requant.hpp"
#include "golden/engines/check.hpp"
#include "ref/base/error.hpp"
#include "ref/execute/naive.hpp"
#include "ref/net/bounds.hpp"
#include "ref/tensor/npy.hpp"

namespace obz {
namespace {

using Tensors = std::vector<Tensor>;

/// Structural bins under construction: counted over samples, reachable or not from the layer's shape and weights.
class Structure {
 public:
  /// Adds to the bin, which is made on first use.
  void count(const std::string& group, const std::string& name, bool reachable, std::int64_t hits,
             const std::string& why_not) {
    BinCover& b = bin(group, name);
    b.hits += hits;
    const bool possible = reachable || b.hits > 0;  // what happened is possible, whatever the shape says
    b.decision.reach = possible ? Reach::reachable : Reach::unreachable;
    b.decision.reason = possible ? "" : why_not;
  }
  std::vector<BinCover> take() { return std::move(bins_); }

 private:
  BinCover& bin(const std::string& group, const std::string& name) {
    for (BinCover& b : bins_)
      if (b.group == group && b.name == name) return b;
    bins_.push_back({.group = group, .name = name, .decision = {}});
    return bins_.back();
  }
  std::vector<BinCover> bins_;
};

/// One execution of a node: its inputs, its output, and what entered its requantizer.
struct Sample {
  const IntNet& net;
  const Node& node;
  const std::vector<Range>& ranges;
  const Tensors& in;
  const Tensor& y;
  const std::vector<std::int64_t>& accs;

  Range range(std::size_t i) const { return ranges[static_cast<std::size_t>(node.inputs[i])]; }
};

std::int64_t count_of(const Tensor& t, std::int64_t value) {
  return std::count(t.data.begin(), t.data.end(), static_cast<std::int32_t>(value));
}

void count_rails(const Sample& s, Structure& out) {
  for (std::size_t i = 0; i < s.in.size(); ++i) {
    if (s.net.tensors[static_cast<std::size_t>(s.node.inputs[i])].constant) continue;
    const Range r = s.range(i);
    out.count("operand", fmt::format("input {} at its least value, {}", i, r.lo), true, count_of(s.in[i], r.lo), "");
    out.count("operand", fmt::format("input {} at its largest value, {}", i, r.hi), true, count_of(s.in[i], r.hi), "");
  }
}

// --- filters: products of x and weights ------------------------------------------------------------------------------

constexpr int kXClasses = 5, kWClasses = 4;
constexpr std::array<const char*, kXClasses> kXNames{"x least", "x largest", "x = zero point", "x positive",
                                                     "x negative"};
constexpr std::array<const char*, kWClasses> kWNames{"w least", "w largest", "w positive", "w negative"};

/// Which classes pairs of operands belong to, counted per pair of bit masks.
struct Pairs {
  Range x, w;
  std::int64_t x_zero_point = 0;
  std::array<std::array<std::int64_t, 1 << kWClasses>, 1 << kXClasses> counts{};
  std::array<bool, 1 << kWClasses> used{};  ///< weights that meet some x
  std::int64_t first_term = 0, last_term = 0;
  bool first_possible = false, last_possible = false;

  unsigned x_mask(std::int64_t v) const {
    return (v == x.lo ? 1U : 0U) | (v == x.hi ? 2U : 0U) | (v == x_zero_point ? 4U : 0U) |
           (v > x_zero_point ? 8U : 0U) | (v < x_zero_point ? 16U : 0U);
  }
  unsigned w_mask(std::int64_t raw, std::int64_t zero_point) const {
    return (raw == w.lo ? 1U : 0U) | (raw == w.hi ? 2U : 0U) | (raw > zero_point ? 4U : 0U) |
           (raw < zero_point ? 8U : 0U);
  }
  void add(std::int64_t xv, std::int64_t wv, std::int64_t wz, bool first, bool last) {
    const unsigned wm = w_mask(wv, wz);
    used[wm] = true;
    ++counts[x_mask(xv)][wm];
    const bool nonzero = xv != x_zero_point && wv != wz;
    if (first) first_possible = first_possible || wv != wz, first_term += nonzero ? 1 : 0;
    if (last) last_possible = last_possible || wv != wz, last_term += nonzero ? 1 : 0;
  }
  bool x_possible(int cls) const {
    switch (cls) {
      case 2: return x_zero_point >= x.lo && x_zero_point <= x.hi;
      case 3: return x.hi > x_zero_point;
      case 4: return x.lo < x_zero_point;
      default: return true;
    }
  }
  void report(Structure& out) const {
    for (int xc = 0; xc < kXClasses; ++xc) {
      for (int wc = 0; wc < kWClasses; ++wc) {
        std::int64_t n = 0;
        bool weight = false;
        for (unsigned wm = 0; wm < counts[0].size(); ++wm) {
          if ((wm >> wc & 1) == 0) continue;
          weight = weight || used[wm];
          for (unsigned xm = 0; xm < counts.size(); ++xm) n += (xm >> xc & 1) != 0 ? counts[xm][wm] : 0;
        }
        out.count("operand pair",
                  fmt::format("{}, {}", kXNames[static_cast<std::size_t>(xc)], kWNames[static_cast<std::size_t>(wc)]),
                  weight && x_possible(xc), n,
                  weight ? "the input's range holds no such value" : "no weight of this kind meets an input");
      }
    }
    const bool x_moves = x.lo != x_zero_point || x.hi != x_zero_point;
    out.count("depth", "first term of the sum is not 0", first_possible && x_moves, first_term,
              "its weight is 0 in every channel, or lies on padding");
    out.count("depth", "last term of the sum is not 0", last_possible && x_moves, last_term,
              "its weight is 0 in every channel, or lies on padding");
  }
};

Pairs pairs_of(const Sample& s, const Filter& f, std::int64_t x_zero_point) {
  const auto [lo, hi] = std::minmax_element(f.weights.data.begin(), f.weights.data.end());
  Pairs p;
  p.x = s.range(0);
  p.w = {*lo, *hi};
  p.x_zero_point = x_zero_point;
  return p;
}

/// True when the clamp did not hide the result.
bool is_open(std::int64_t acc, const Recipe& recipe, Channel c) {
  const std::int64_t lo = c.lo, hi = c.hi;
  c.lo = kInt32.min();
  c.hi = kInt32.max();
  const std::int64_t v = apply_recipe(acc, recipe, c);
  return v >= lo && v <= hi;
}

/// Which kernel rows (or columns) lie inside the input at this output position.
struct Side {
  bool before = false, after = false;  ///< overlaps the padding there
};
Side overlap(std::int64_t o, std::int64_t stride, std::int64_t dilation, std::int64_t kernel, std::int64_t pad,
             std::int64_t in) {
  const std::int64_t first = o * stride - pad, last = first + (kernel - 1) * dilation;
  return {first < 0, last >= in};
}

void count_window(Structure& out, const Window& w, const View4& in, const View4& y, std::int64_t kernel_h,
                  std::int64_t kernel_w, const Tensor& x, std::int64_t x_zero_point,
                  const std::function<bool(std::size_t)>& open) {
  std::array<std::int64_t, 12> hits{}, places{};
  constexpr std::array<const char*, 12> names{"top padding",        "bottom padding",      "left padding",
                                              "right padding",      "top left corner",     "top right corner",
                                              "bottom left corner", "bottom right corner", "first row",
                                              "last row",           "first column",        "last column"};
  for (std::int64_t n = 0; n < y.n; ++n) {
    for (std::int64_t oh = 0; oh < y.h; ++oh) {
      const Side v = overlap(oh, w.stride_h, w.dilation_h, kernel_h, w.pad_top, in.h);
      for (std::int64_t ow = 0; ow < y.w; ++ow) {
        const Side h = overlap(ow, w.stride_w, w.dilation_w, kernel_w, w.pad_left, in.w);
        const std::array<bool, 12> at{v.before,
                                      v.after,
                                      h.before,
                                      h.after,
                                      v.before && h.before,
                                      v.before && h.after,
                                      v.after && h.before,
                                      v.after && h.after,
                                      oh == 0,
                                      oh == y.h - 1,
                                      ow == 0,
                                      ow == y.w - 1};
        std::int64_t visible = 0;
        for (std::int64_t c = 0; c < y.c; ++c) visible += open(y.at(n, oh, ow, c)) ? 1 : 0;
        for (std::size_t i = 0; i < at.size(); ++i) {
          places[i] += at[i] ? 1 : 0;
          hits[i] += at[i] ? visible : 0;
        }
      }
    }
  }
  for (std::size_t i = 0; i < hits.size(); ++i) {
    out.count("window", fmt::format("{}, output not clamped", names[i]), places[i] > 0, hits[i],
              "no window of this layer lies there");
  }
  // What the stride leaves over at the far edge is never read; a device with a wrong extent reads it.
  const std::int64_t used_h = (y.h - 1) * w.stride_h - w.pad_top + (kernel_h - 1) * w.dilation_h + 1;
  const std::int64_t used_w = (y.w - 1) * w.stride_w - w.pad_left + (kernel_w - 1) * w.dilation_w + 1;
  std::int64_t rows = 0, columns = 0;
  for (std::int64_t n = 0; n < in.n; ++n) {
    for (std::int64_t ih = 0; ih < in.h; ++ih) {
      for (std::int64_t iw = 0; iw < in.w; ++iw) {
        if (ih < used_h && iw < used_w) continue;
        for (std::int64_t c = 0; c < in.c; ++c) {
          const bool moves = x.data[in.at(n, ih, iw, c)] != x_zero_point;
          rows += ih >= used_h && moves ? 1 : 0;
          columns += iw >= used_w && moves ? 1 : 0;
        }
      }
    }
  }
  out.count("window", "rows left over by the stride are not 0", used_h < in.h, rows, "the stride leaves no row over");
  out.count("window", "columns left over by the stride are not 0", used_w < in.w, columns,
            "the stride leaves no column over");
}

/// Whether some accumulator of the range comes out unclamped. Requires a monotone channel.
bool can_be_open(const Recipe& recipe, const Channel& c, AccRange range) {
  Channel wide = c;
  wide.lo = kInt32.min();
  wide.hi = kInt32.max();
  const auto value = [&](std::int64_t x) { return apply_recipe(x, recipe, wide); };
  const bool rising = value(range.lo) <= value(range.hi);
  std::int64_t lo = range.lo, hi = range.hi;
  while (lo < hi) {  // first accumulator beyond the near clamp
    const std::int64_t mid = lo + (hi - lo) / 2;
    (rising ? value(mid) >= c.lo : value(mid) <= c.hi) ? hi = mid : lo = mid + 1;
  }
  return value(lo) >= c.lo && value(lo) <= c.hi;
}

/// The channel of each accumulator, in output order; empty: this operator's requantizer has one channel.
struct ChannelOf {
  const Sample& s;

  std::vector<std::int64_t> spread(std::int64_t channels, std::int64_t inner) const {
    std::vector<std::int64_t> c(s.accs.size());
    for (std::size_t i = 0; i < c.size(); ++i) c[i] = static_cast<std::int64_t>(i) / inner % channels;
    return c;
  }
  std::vector<std::int64_t> image(Layout layout) const {
    const View4 y(s.y.shape, layout);
    return spread(y.c, layout == Layout::nhwc ? 1 : y.h * y.w);
  }
  std::vector<std::int64_t> operator()(const Conv2d& op) const { return image(op.layout); }
  std::vector<std::int64_t> operator()(const ConvTranspose2d& op) const { return image(op.layout); }
  std::vector<std::int64_t> operator()(const Dense& op) const { return spread(op.out_channels(), 1); }
  std::vector<std::int64_t> operator()(const MatMul&) const { return spread(s.y.shape[s.y.shape.rank() - 1], 1); }
  std::vector<std::int64_t> operator()(const Rescale& op) const {
    const auto axis = static_cast<std::size_t>(op.axis);
    if (op.requant.channels.size() == 1) return {};
    return spread(s.y.shape[axis], elems_between(s.y.shape, axis + 1, s.y.shape.rank()));
  }
  std::vector<std::int64_t> operator()(const AvgPool& op) const {
    if (op.by != AverageBy::requant) return {};
    std::vector<std::int64_t> c(s.accs.size());
    const View4 in(s.in[0].shape, op.layout), y(s.y.shape, op.layout);
    for (std::int64_t n = 0; n < y.n; ++n)
      for (std::int64_t oh = 0; oh < y.h; ++oh)
        for (std::int64_t ow = 0; ow < y.w; ++ow)
          for (std::int64_t ch = 0; ch < y.c; ++ch)
            c[y.at(n, oh, ow, ch)] = std::max<std::int64_t>(count(op, in, oh, ow) - 1, 0);
    return c;
  }
  template <class Op>
  std::vector<std::int64_t> operator()(const Op&) const {
    return {};
  }

  static std::int64_t count(const AvgPool& op, const View4& in, std::int64_t oh, std::int64_t ow) {
    if (op.count_includes_pad) return std::int64_t{op.kernel_h} * op.kernel_w;
    const auto along = [](std::int64_t o, std::int64_t stride, std::int64_t dilation, std::int64_t kernel,
                          std::int64_t pad, std::int64_t extent) {
      std::int64_t inside = 0;
      for (std::int64_t k = 0; k < kernel; ++k) {
        const std::int64_t i = o * stride + k * dilation - pad;
        inside += i >= 0 && i < extent ? 1 : 0;
      }
      return inside;
    };
    const Window& w = op.window;
    return along(oh, w.stride_h, w.dilation_h, op.kernel_h, w.pad_top, in.h) *
           along(ow, w.stride_w, w.dilation_w, op.kernel_w, w.pad_left, in.w);
  }
};

struct CountStructure {
  const Sample& s;
  Structure& out;

  void operator()(const Conv2d& op) const {
    const View4 in(s.in[0].shape, op.layout), y(s.y.shape, op.layout);
    const Shape& w = op.filter.weights.shape;
    const Window& win = op.window;
    const std::int64_t kernel_h = w[1], kernel_w = w[2], depth = w[3], per_group = y.c / op.groups;
    Pairs pairs = pairs_of(s, op.filter, op.x_zero_point);
    for (std::int64_t n = 0; n < y.n; ++n) {
      for (std::int64_t oh = 0; oh < y.h; ++oh) {
        for (std::int64_t ow = 0; ow < y.w; ++ow) {
          for (std::int64_t kh = 0; kh < kernel_h; ++kh) {
            const std::int64_t ih = oh * win.stride_h + kh * win.dilation_h - win.pad_top;
            if (ih < 0 || ih >= in.h) continue;
            for (std::int64_t kw = 0; kw < kernel_w; ++kw) {
              const std::int64_t iw = ow * win.stride_w + kw * win.dilation_w - win.pad_left;
              if (iw < 0 || iw >= in.w) continue;
              for (std::int64_t o = 0; o < y.c; ++o) {
                const std::int64_t wz = op.filter.zero_point_of(o), first_input = o / per_group * depth;
                for (std::int64_t i = 0; i < depth; ++i) {
                  const auto at = static_cast<std::size_t>(((o * kernel_h + kh) * kernel_w + kw) * depth + i);
                  pairs.add(s.in[0].data[in.at(n, ih, iw, first_input + i)], op.filter.weights.data[at], wz,
                            kh == 0 && kw == 0 && i == 0, kh == kernel_h - 1 && kw == kernel_w - 1 && i == depth - 1);
                }
              }
            }
          }
        }
      }
    }
    pairs.report(out);
    const std::vector<std::int64_t> channel = ChannelOf{s}.image(op.layout);
    count_window(out, win, in, y, kernel_h, kernel_w, s.in[0], op.x_zero_point, [&](std::size_t at) {
      return is_open(s.accs[at], op.requant.recipe, op.requant.channel(channel[at]));
    });
  }
  void operator()(const Dense& op) const {
    const std::int64_t channels = op.filter.weights.shape[0], depth = op.filter.weights.shape[1];
    Pairs pairs = pairs_of(s, op.filter, op.x_zero_point);
    for (std::int64_t row = 0; row < s.in[0].elems() / depth; ++row) {
      for (std::int64_t o = 0; o < channels; ++o) {
        for (std::int64_t i = 0; i < depth; ++i) {
          pairs.add(s.in[0].data[static_cast<std::size_t>(row * depth + i)],
                    op.filter.weights.data[static_cast<std::size_t>(o * depth + i)], op.filter.zero_point_of(o), i == 0,
                    i == depth - 1);
        }
      }
    }
    pairs.report(out);
  }
  void operator()(const Add& op) const {
    count_rails(s, out);
    if (s.in.size() != 2 || op.floating) return;
    branch(op.branch_a, 0, op.a_zero_point, op.left_shift);
    branch(op.branch_b, 1, op.b_zero_point, op.left_shift);
    if (s.in[0].shape != s.in[1].shape) return;
    for (const bool a_high : {false, true}) {
      for (const bool b_high : {false, true}) {
        const std::int64_t a = a_high ? s.range(0).hi : s.range(0).lo, b = b_high ? s.range(1).hi : s.range(1).lo;
        std::int64_t n = 0;
        for (std::size_t i = 0; i < s.in[0].data.size(); ++i) n += s.in[0].data[i] == a && s.in[1].data[i] == b ? 1 : 0;
        const bool same = s.node.inputs[0] == s.node.inputs[1] && a != b;
        out.count("operand pair", fmt::format("a {}, b {}", a_high ? "largest" : "least", b_high ? "largest" : "least"),
                  !same, n, "both branches are the same tensor");
      }
    }
  }
  void operator()(const AvgPool& op) const {
    count_rails(s, out);
    const View4 in(s.in[0].shape, op.layout), y(s.y.shape, op.layout);
    const std::int64_t most = std::int64_t{op.kernel_h} * op.kernel_w;
    std::vector<std::int64_t> places(static_cast<std::size_t>(most + 1)), ties[2];
    ties[0] = ties[1] = places;
    for (std::int64_t n = 0; n < y.n; ++n) {
      for (std::int64_t oh = 0; oh < y.h; ++oh) {
        for (std::int64_t ow = 0; ow < y.w; ++ow) {
          const std::int64_t count = ChannelOf::count(op, in, oh, ow);
          const auto at = static_cast<std::size_t>(count);
          places[at] += y.c;
          for (std::int64_t c = 0; c < y.c && op.by == AverageBy::division && count > 0; ++c) {
            const std::int64_t sum = s.accs[y.at(n, oh, ow, c)];
            const bool tie = 2 * ((sum % count + count) % count) == count;
            if (tie) ++ties[sum < 0 ? 1 : 0][at];
          }
        }
      }
    }
    const Range x = s.range(0);
    for (std::int64_t count = 1; count <= most; ++count) {
      const auto at = static_cast<std::size_t>(count);
      out.count("average", fmt::format("over {} value(s)", count), places[at] > 0, places[at],
                "no window of this layer holds so many");
      if (op.by != AverageBy::division || count % 2 != 0 || places[at] == 0) continue;
      out.count("average", fmt::format("tie over {} values, positive", count), x.hi > 0, ties[0][at],
                "the input holds no positive value");
      out.count("average", fmt::format("tie over {} values, negative", count), x.lo < 0, ties[1][at],
                "the input holds no negative value");
    }
  }
  template <class Op>
  void operator()(const Op&) const {
    count_rails(s, out);
  }

 private:
  /// Ties of one branch of a sum: every value of the input's range is tried, so nothing stays open.
  void branch(const Requant& r, std::size_t i, std::int64_t zero_point, int left_shift) const {
    if (r.recipe.arithmetic != Arithmetic::dyadic) return;
    Profile p;
    p.recipe = r.recipe;
    const auto facts = [&](std::int64_t v, RequantCase& c) {
      c = {(v - zero_point) << left_shift, r.channel(0)};
      return facts_of(p, c, nullptr);
    };
    const Range range = s.range(i);
    std::vector<int> tie_sign(static_cast<std::size_t>(range.hi - range.lo + 1));
    bool possible[2] = {false, false};
    RequantCase c;
    for (std::int64_t v = range.lo; v <= range.hi; ++v) {
      const CaseFacts f = facts(v, c);
      const bool tie = f.last.tie() || f.first.tie();
      const int sign = !tie ? 0 : f.acc() < 0 ? -1 : 1;
      tie_sign[static_cast<std::size_t>(v - range.lo)] = sign;
      if (tie) possible[sign < 0 ? 1 : 0] = true;
    }
    std::int64_t hits[2] = {0, 0};
    for (const std::int32_t v : s.in[i].data) {
      const bool inside = v >= range.lo && v <= range.hi;
      const int sign = inside ? tie_sign[static_cast<std::size_t>(v - range.lo)] : 0;
      if (sign != 0) ++hits[sign < 0 ? 1 : 0];
    }
    for (const int k : {0, 1}) {
      out.count("branch", fmt::format("tie in branch {}, {}", i == 0 ? "a" : "b", k == 0 ? "positive" : "negative"),
                possible[k], hits[k], fmt::format("no value in {}..{} is scaled to a tie", range.lo, range.hi));
    }
  }
};

/// The profile under which a layer's requantizer is measured: its own recipe.
Profile profile_of(const IntNet& net, const LayerRequant& layer) {
  Profile p;
  if (!net.profile.empty()) p = find_profile(net.profile);
  p.recipe = layer.recipe;
  p.has_addend =
      std::any_of(layer.channels.begin(), layer.channels.end(), [](const Channel& c) { return c.addend != 0; });
  if (p.uses_multiplier() && p.scale.mantissa_bits == 0) p.scale.mantissa_bits = 31;
  return p;
}

}  // namespace

void cover_net_set(const NetSet& set, std::int64_t goal, CoverReport& report) {
  const IntNet& net = set.net;
  const std::vector<Range> ranges = value_ranges(net);
  const auto value_of = [&](int tensor, std::int64_t sample) -> Tensor {
    const TensorInfo& info = net.tensors[static_cast<std::size_t>(tensor)];
    if (info.constant) return *info.constant;
    for (std::size_t k = 0; k < net.inputs.size(); ++k) {
      if (net.inputs[k] == tensor) return npy_to_tensor(npy_sample(set.inputs[k], sample), info.type, report.subject);
    }
    for (const auto& [index, array] : set.expected) {
      if (index == tensor) return npy_to_tensor(npy_sample(array, sample), info.type, report.subject);
    }
    OBZ_CHECK(false);
    return {};
  };
  for (const Node& node : net.nodes) {
    const TensorInfo& info = net.tensors[static_cast<std::size_t>(node.outputs[0])];
    const auto layer = layer_requant(net, node);
    std::vector<RequantCase> cases;
    std::vector<std::int64_t> open_hits(layer ? layer->channels.size() : 0);
    std::vector<bool> occurs(open_hits.size());
    Structure structure;
    for (std::int64_t n = 0; n < set.manifest.count; ++n) {
      Tensors in;
      std::vector<const Tensor*> pointers;
      for (const int i : node.inputs) in.push_back(value_of(i, n));
      for (const Tensor& t : in) pointers.push_back(&t);
      Tensor y(info.shape, info.type);
      std::vector<std::int64_t> accs;
      run_naive(node, pointers, y, &accs);
      const Sample sample{net, node, ranges, in, y, accs};
      std::visit(CountStructure{sample, structure}, node.op);
      if (!layer) continue;
      const std::vector<std::int64_t> channel = std::visit(ChannelOf{sample}, node.op);
      for (std::size_t i = 0; i < accs.size(); ++i) {
        const std::size_t c =
            channel.empty() ? 0 : std::min(static_cast<std::size_t>(channel[i]), layer->channels.size() - 1);
        cases.push_back({accs[i], layer->channels[c]});
        occurs[c] = true;
        open_hits[c] += is_open(accs[i], layer->recipe, layer->channels[c]) ? 1 : 0;
      }
    }
    Coverage part{.name = node.name, .what = describe(node.op), .cases = static_cast<std::int64_t>(cases.size())};
    if (layer && !cases.empty()) {
      std::vector<ChannelRange> channels;
      const bool by_count = std::holds_alternative<AvgPool>(node.op);  // a channel per count, of which few occur
      for (std::size_t c = 0; c < layer->channels.size(); ++c)
        if (!by_count || occurs[c]) channels.push_back({layer->channels[c], layer->ranges[c]});
      const Profile profile = profile_of(net, *layer);
      const CoverSpace space = cover_space(profile, layer->out, channels);
      part.bins = cover_cases(space, cases, goal).bins;
      // Each output channel, seen while its clamp was open.
      for (std::size_t c = 0; c < layer->channels.size() && layer->channels.size() > 1 && !by_count; ++c) {
        const bool possible = can_be_open(layer->recipe, layer->channels[c], layer->ranges[c]);
        structure.count("output channel", fmt::format("channel {}, not clamped", c), possible, open_hits[c],
                        "every accumulator its weights can produce is clamped");
      }
    } else if (!layer) {
      report.notes.push_back(fmt::format("{} ({}) ends in no integer requantizer: only its operands are counted",
                                         node.name, describe(node.op)));
    }
    for (BinCover& b : structure.take()) {
      b.goal = goal;
      part.bins.push_back(std::move(b));
    }
    report.parts.push_back(std::move(part));
  }
}

}  // namespace obz
