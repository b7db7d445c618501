#include "golden/complete/complete_layer.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "golden/cases/layer_requant.hpp"
#include "golden/cases/synth.hpp"
#include "golden/complete/complete.hpp"
#include "golden/complete/place_sum.hpp"
#include "ref/base/error.hpp"
#include "ref/base/philox.hpp"
#include "ref/net/bounds.hpp"

namespace obz {
namespace {

constexpr std::int64_t kMostElems = std::int64_t{1} << 26;
constexpr std::uint32_t kPurpose = 900;

/// All that exhaustive sets take for granted.
constexpr const char* kElementwise =
    "an output depends on its own operands (and channel) alone, the same way at every position";

/// Where samples are collected; the shapes are the layer's.
class Samples {
 public:
  Samples(const IntNet& layer, std::uint64_t seed) : layer_(layer), seed_(seed) {}

  /// A new sample of seeded values.
  std::vector<Tensor>& add() {
    std::int64_t elems = 0;
    for (const int i : layer_.inputs) elems += layer_.tensors[static_cast<std::size_t>(i)].shape.elems();
    for (const int i : layer_.outputs) elems += layer_.tensors[static_cast<std::size_t>(i)].shape.elems();
    if ((static_cast<std::int64_t>(all.size()) + 1) * std::max<std::int64_t>(elems, 1) > kMostElems) {
      throw Error(fmt::format("{}: a complete set would exceed {} input and output values; crop the layer", layer_.name,
                              kMostElems));
    }
    all.push_back(random_inputs(layer_, Goal::random, seed_, static_cast<std::int64_t>(all.size())));
    return all.back();
  }

  std::vector<std::vector<Tensor>> all;

 private:
  const IntNet& layer_;
  std::uint64_t seed_;
};

struct Builder {
  const IntNet& layer;
  const Node& node;
  std::uint64_t seed;
  Samples samples{layer, seed};
  LayerCertificate certificate{};

  const TensorInfo& info(std::size_t input) const {
    return layer.tensors[static_cast<std::size_t>(node.inputs[input])];
  }
  /// Position of the node's input among the network's; -1: a constant.
  int free_input(std::size_t input) const {
    const auto at = std::find(layer.inputs.begin(), layer.inputs.end(), node.inputs[input]);
    return at == layer.inputs.end() ? -1 : static_cast<int>(at - layer.inputs.begin());
  }
  [[noreturn]] void refuse(const std::string& why) const {
    throw Error(fmt::format("{}: no complete inputs for {}: {}", layer.name, operator_name(node.op), why));
  }
  Range input_range(std::size_t input) const {
    const IntType t = info(input).type;
    return {t.min(), t.max()};
  }

  // ---- elementwise ----

  void all_pairs() {
    const IntType ta = info(0).type, tb = info(1).type;
    if (ta.bits + tb.bits > 16) refuse("operands of more than 8 bits");
    const int fa = free_input(0), fb = free_input(1);
    if (fa >= 0 && fb >= 0 && fa != fb && info(0).shape == info(1).shape) {
      std::size_t at = 0;
      std::vector<Tensor>* sample = nullptr;
      const auto elems = static_cast<std::size_t>(info(0).shape.elems());
      for (std::int64_t a = ta.min(); a <= ta.max(); ++a) {
        for (std::int64_t b = tb.min(); b <= tb.max(); ++b) {
          if (sample == nullptr || at == elems) {
            sample = &samples.add();
            at = 0;
          }
          (*sample)[static_cast<std::size_t>(fa)].data[at] = static_cast<std::int32_t>(a);
          (*sample)[static_cast<std::size_t>(fb)].data[at++] = static_cast<std::int32_t>(b);
        }
      }
    } else {
      // Shapes that repeat, one operand constant, or both the same tensor: whole tensors of one value.
      const bool pairs = fa >= 0 && fb >= 0 && fa != fb;
      for (std::int64_t a = fa >= 0 ? ta.min() : 0; a <= (fa >= 0 ? ta.max() : 0); ++a) {
        const IntType tb_here = pairs || fa < 0 ? tb : IntType{1, false};
        for (std::int64_t b = tb_here.min(); b <= (pairs || fa < 0 ? tb.max() : 0); ++b) {
          std::vector<Tensor>& sample = samples.add();
          if (fa >= 0) fill(sample, fa, a);
          if (fb >= 0 && fb != fa) fill(sample, fb, b);
        }
      }
    }
    certificate.wanted = certificate.visited = std::int64_t{1} << (ta.bits + tb.bits);
    certificate.claim = "every pair of operand values";
    certificate.assumption = kElementwise;
    certificate.exhaustive = true;
  }

  static void fill(std::vector<Tensor>& sample, int input, std::int64_t value) {
    std::vector<std::int32_t>& data = sample[static_cast<std::size_t>(input)].data;
    std::fill(data.begin(), data.end(), static_cast<std::int32_t>(value));
  }

  /// Each free input walks through its values on each channel of `axis`.
  void all_values(std::int64_t axis, bool per_channel) {
    for (std::size_t p = 0; p < node.inputs.size(); ++p) {
      const IntType type = info(p).type;
      const int input = free_input(p);
      if (type.bits > 16) refuse("operands of more than 16 bits");
      if (input < 0) continue;
      const Shape& shape = info(p).shape;
      const std::int64_t inner =
          per_channel ? elems_between(shape, static_cast<std::size_t>(axis) + 1, shape.rank()) : 1;
      const std::int64_t channels = per_channel && shape.rank() > 0 ? shape[static_cast<std::size_t>(axis)] : 1;
      const std::int64_t per_sample = shape.elems() / std::max<std::int64_t>(channels, 1);
      const std::int64_t values = std::int64_t{1} << type.bits;
      for (std::int64_t done = 0, s = 0; done < values && per_sample > 0; done += per_sample, ++s) {
        Tensor& t = sample_at(s)[static_cast<std::size_t>(input)];
        std::vector<std::int64_t> next(static_cast<std::size_t>(channels), done);
        for (std::int64_t i = 0; i < t.elems(); ++i) {
          const auto c = static_cast<std::size_t>(per_channel ? i / inner % channels : 0);
          t.data[static_cast<std::size_t>(i)] = static_cast<std::int32_t>(type.min() + next[c]++ % values);
        }
      }
      certificate.wanted += values * channels;
    }
    certificate.visited = certificate.wanted;
    certificate.claim = "every value of every operand on every channel";
    certificate.assumption = kElementwise;
    certificate.exhaustive = true;
  }

  std::vector<Tensor>& sample_at(std::int64_t s) {
    while (static_cast<std::int64_t>(samples.all.size()) <= s) samples.add();
    return samples.all[static_cast<std::size_t>(s)];
  }

  void operator()(const Add& op) {
    if (op.floating) refuse("it adds in floats");
    all_pairs();
  }
  void operator()(const Mul&) { all_pairs(); }
  void operator()(const Rescale& op) { all_values(op.axis, op.requant.channels.size() > 1); }
  void operator()(const Concat&) { all_values(0, false); }

  // ---- windows ----

  /// A window in a sample: taps whose elements nobody else uses there.
  struct Window4 {
    std::vector<Tap> taps;
    std::int64_t position = 0;
  };

  /// Collects windows into samples; a sample is full when no position is free any more.
  struct Placer {
    Builder& b;
    int input;
    std::int64_t positions;
    std::vector<bool> used{};
    std::int64_t next = 0;

    /// Walks to the next position whose window is free, opening a sample when there is none. `taps_at` gives the taps
    /// of a position.
    template <class TapsAt>
    std::vector<Tap> take(TapsAt&& taps_at) {
      for (int round = 0; round < 2; ++round) {
        for (std::int64_t tried = 0; tried < positions && !used.empty(); ++tried) {
          std::vector<Tap> taps = taps_at(next);
          next = (next + 1) % positions;
          const bool is_free =
              !taps.empty() && std::none_of(taps.begin(), taps.end(), [&](const Tap& t) { return used[t.at]; });
          if (!is_free) continue;
          for (const Tap& t : taps) used[t.at] = true;
          return taps;
        }
        used.assign(b.samples.add()[static_cast<std::size_t>(input)].data.size(), false);
      }
      return {};
    }
    Tensor& tensor() { return b.samples.all.back()[static_cast<std::size_t>(input)]; }
  };

  /// Values a tap starts from: window j gives tap t the value (j * step + t * stride) mod span, so each tap walks
  /// through all.
  static std::int64_t walk(std::int64_t window, std::size_t tap, Range range) {
    const std::int64_t span = range.hi - range.lo + 1;
    constexpr std::int64_t by_window = 167, by_tap = 97;
    return range.lo + (window * by_window + static_cast<std::int64_t>(tap) * by_tap) % span;
  }

  /// One window whose weighted sum of (x - zero) is `target`; false when no values were found.
  template <class TapsAt>
  bool place(Placer& placer, TapsAt&& taps_at, std::int64_t zero, std::int64_t target, CaseRandom& rng) {
    const Range range = input_range(0);
    const std::vector<Tap> taps = placer.take([&](std::int64_t position) {
      std::vector<Tap> here = taps_at(position);
      std::int64_t least = -target, most = -target;
      for (const Tap& t : here) {
        least += t.weight * ((t.weight > 0 ? range.lo : range.hi) - zero);
        most += t.weight * ((t.weight > 0 ? range.hi : range.lo) - zero);
      }
      if (least > 0 || most < 0) here.clear();  // out of reach at this position
      return here;
    });
    if (taps.empty()) return false;
    std::vector<std::int64_t> values;
    std::int64_t offset = 0;
    for (std::size_t t = 0; t < taps.size(); ++t) {
      values.push_back(walk(certificate.windows, t, range));
      offset += taps[t].weight * zero;
    }
    ++certificate.windows;
    constexpr int attempts = 3;
    bool found = false;
    for (int i = 0; i < attempts && !found; ++i) {
      found = place_sum(taps, values, range.lo, range.hi, target + offset, rng);
      if (!found) {
        for (std::int64_t& v : values) v = rng.between(range.lo, range.hi);
      }
    }
    for (std::size_t t = 0; t < taps.size(); ++t) {
      placer.tensor().data[taps[t].at] = static_cast<std::int32_t>(values[t]);
    }
    return found;
  }

  /// The accumulators to visit on each channel.
  std::vector<std::vector<std::int64_t>> accumulators() const {
    const auto requant = layer_requant(layer, node);
    if (!requant) refuse("it ends in no requantizer");
    const Profile& profile = find_profile(layer.profile);
    std::vector<std::vector<std::int64_t>> all;
    constexpr std::size_t most = 4096;
    for (std::size_t c = 0; c < requant->channels.size(); ++c) {
      std::vector<RequantCase> cases;
      Certificate unused;
      Profile same = profile;
      same.recipe = requant->recipe;
      std::vector<std::int64_t> accs;
      // Outputs as wide as the accumulator have a step at every value: rails, powers of two and walks are enough there.
      const bool direct = requant->out.bits > 16;
      if (direct) {
        accs = {requant->ranges[c].lo, requant->ranges[c].hi, 0};
      } else {
        append_complete(same, requant->channels[c], requant->ranges[c], cases, unused);
        for (const RequantCase& one : cases) accs.push_back(one.acc);
      }
      if (accs.size() > most) {
        std::vector<std::int64_t> some;
        for (std::size_t i = 0; i < most; ++i) some.push_back(accs[i * accs.size() / most]);
        accs = some;
      }
      all.push_back(std::move(accs));
    }
    return all;
  }

  static void claim_windows(LayerCertificate& c) {
    c.claim =
        "the requantizer of every channel is right: each channel's accumulator on both sides of each output step, at "
        "ties, rails and powers of two, over windows "
        "at every output "
        "position";
    c.assumption =
        "sums are exact, and a channel's requantizer is monotone and the same at every position; products, taps, "
        "padding and bias are "
        "exercised next to steps, where most errors show, but single wrong products are not all proved to show";
  }

  void operator()(const Conv2d& op) {
    const TensorInfo& y = layer.tensors[static_cast<std::size_t>(node.outputs[0])];
    const View4 in(info(0).shape, op.layout), out(y.shape, op.layout);
    const Shape& ws = op.filter.weights.shape;
    const std::int64_t depth = ws[3], per_group = out.c / op.groups, grid = out.n * out.h * out.w;
    if (grid == 0) refuse("it has no outputs");
    const std::vector<std::vector<std::int64_t>> wanted = accumulators();
    CaseRandom rng(seed, 0, kPurpose);
    Placer placer{*this, 0, grid};
    for (std::int64_t o = 0; o < out.c; ++o) {
      const std::int64_t zw = op.filter.zero_point_of(o), first_input = o / per_group * depth;
      const auto taps_at = [&](std::int64_t position) {
        const std::int64_t ow = position % out.w, oh = position / out.w % out.h, n = position / (out.w * out.h);
        std::vector<Tap> taps;
        for (std::int64_t kh = 0; kh < ws[1]; ++kh) {
          const std::int64_t ih = oh * op.window.stride_h + kh * op.window.dilation_h - op.window.pad_top;
          if (ih < 0 || ih >= in.h) continue;
          for (std::int64_t kw = 0; kw < ws[2]; ++kw) {
            const std::int64_t iw = ow * op.window.stride_w + kw * op.window.dilation_w - op.window.pad_left;
            if (iw < 0 || iw >= in.w) continue;
            for (std::int64_t i = 0; i < depth; ++i) {
              const auto w = static_cast<std::size_t>(((o * ws[1] + kh) * ws[2] + kw) * depth + i);
              taps.push_back({op.filter.weights.data[w] - zw, in.at(n, ih, iw, first_input + i)});
            }
          }
        }
        return taps;
      };
      const auto& accs = wanted[wanted.size() == 1 ? 0 : static_cast<std::size_t>(o)];
      visit(placer, taps_at, op.x_zero_point, op.filter.bias_of(o), accs, rng);
      swing(placer, taps_at, op.x_zero_point, op.filter.bias_of(o), op.requant, o);
    }
    finish_windows();
  }

  void operator()(const Dense& op) {
    const std::int64_t depth = op.filter.weights.shape[1], outputs = op.out_channels();
    const std::int64_t rows = depth == 0 ? 0 : info(0).shape.elems() / depth;
    if (rows == 0) refuse("it has no outputs");
    const std::vector<std::vector<std::int64_t>> wanted = accumulators();
    CaseRandom rng(seed, 0, kPurpose);
    Placer placer{*this, 0, rows};
    for (std::int64_t o = 0; o < outputs; ++o) {
      const auto taps_at = [&](std::int64_t row) {
        std::vector<Tap> taps;
        for (std::int64_t i = 0; i < depth; ++i) {
          taps.push_back({op.filter.weights.data[static_cast<std::size_t>(o * depth + i)] - op.filter.zero_point_of(o),
                          static_cast<std::size_t>(row * depth + i)});
        }
        return taps;
      };
      const auto& accs = wanted[wanted.size() == 1 ? 0 : static_cast<std::size_t>(o)];
      visit(placer, taps_at, op.x_zero_point, op.filter.bias_of(o), accs, rng);
      swing(placer, taps_at, op.x_zero_point, op.filter.bias_of(o), op.requant, o);
    }
    finish_windows();
  }

  template <class TapsAt>
  void visit(Placer& placer, TapsAt&& taps_at, std::int64_t zero, std::int64_t bias,
             const std::vector<std::int64_t>& accs, CaseRandom& rng) {
    for (const std::int64_t acc : accs) {
      ++certificate.wanted;
      // What no values were found for at one position may be found at another, where other taps are inside.
      constexpr int positions = 3;
      for (int i = 0; i < positions; ++i) {
        if (!place(placer, taps_at, zero, acc - bias, rng)) continue;
        ++certificate.visited;
        break;
      }
    }
  }

  /// Sums that go far out and come back to where the output is not saturated: registers too narrow on the way. The
  /// first taps push one way, the rest the other.
  template <class TapsAt>
  void swing(Placer& placer, TapsAt&& taps_at, std::int64_t zero, std::int64_t bias, const Requant& requant,
             std::int64_t channel) {
    const Range range = input_range(0);
    const Channel& c = requant.channel(channel);
    for (const std::int64_t sign : {1, -1}) {
      const std::vector<Tap> taps = placer.take(taps_at);
      const auto pushed = [&](std::size_t t, std::int64_t way) {
        return taps[t].weight * way > 0 ? range.hi : range.lo;
      };
      // acc(k): the first k taps pushed by `sign`, the others back.
      std::int64_t acc = bias;
      for (std::size_t t = 0; t < taps.size(); ++t) acc += taps[t].weight * (pushed(t, -sign) - zero);
      std::size_t best = 0;
      for (std::size_t k = 0; k < taps.size(); ++k) {
        acc += taps[k].weight * (pushed(k, sign) - pushed(k, -sign));
        const std::int64_t out = requant(acc, channel);
        if (out > c.lo && out < c.hi) best = k + 1;
      }
      for (std::size_t t = 0; t < taps.size(); ++t) {
        placer.tensor().data[taps[t].at] = static_cast<std::int32_t>(pushed(t, t < best ? sign : -sign));
      }
      ++certificate.windows;
    }
  }

  void finish_windows() {
    constexpr int seeded = 8;
    for (int i = 0; i < seeded; ++i) samples.add();
    claim_windows(certificate);
  }

  void operator()(const AvgPool& op) {
    const TensorInfo& y = layer.tensors[static_cast<std::size_t>(node.outputs[0])];
    const View4 in(info(0).shape, op.layout), out(y.shape, op.layout);
    const std::int64_t grid = out.n * out.h * out.w * out.c;
    if (grid == 0) refuse("it has no outputs");
    const Range range = input_range(0);
    const auto taps_at = [&](std::int64_t position) {
      const std::int64_t c = position % out.c, ow = position / out.c % out.w, oh = position / (out.c * out.w) % out.h;
      const std::int64_t n = position / (out.c * out.w * out.h);
      std::vector<Tap> taps;
      for (std::int64_t kh = 0; kh < op.kernel_h; ++kh) {
        const std::int64_t ih = oh * op.window.stride_h + kh * op.window.dilation_h - op.window.pad_top;
        if (ih < 0 || ih >= in.h) continue;
        for (std::int64_t kw = 0; kw < op.kernel_w; ++kw) {
          const std::int64_t iw = ow * op.window.stride_w + kw * op.window.dilation_w - op.window.pad_left;
          if (iw >= 0 && iw < in.w) taps.push_back({1, in.at(n, ih, iw, c)});
        }
      }
      return taps;
    };
    std::set<std::size_t> counts;
    for (std::int64_t p = 0; p < grid; ++p) counts.insert(taps_at(p).size());
    counts.erase(0);
    CaseRandom rng(seed, 0, kPurpose);
    for (const std::size_t count : counts) {
      const auto only = [&](std::int64_t position) {
        std::vector<Tap> taps = taps_at(position);
        if (taps.size() != count) taps.clear();
        return taps;
      };
      const auto k = static_cast<std::int64_t>(count);
      // Every sum while they are few; else a stride that is prime to the count.
      constexpr std::int64_t most = 1 << 14;
      const std::int64_t sums = k * (range.hi - range.lo) + 1, step = sums <= most ? 1 : sums / most | 1;
      Placer placer{*this, 0, grid};
      for (std::int64_t s = k * range.lo; s <= k * range.hi; s += step) {
        ++certificate.wanted;
        certificate.visited += place(placer, only, 0, s, rng) ? 1 : 0;
      }
    }
    certificate.claim = "every sum of every count of values that occurs";
    certificate.assumption =
        "sums are exact, and the average is a function of sum and count, the same at every position";
  }

  // ---- products of two operands ----

  void operator()(const MatMul& op) {
    const int fa = free_input(0), fb = free_input(1);
    if (fa < 0 || fb < 0 || fa == fb) refuse("both operands must be free");
    const Shape &sa = info(0).shape, &sb = info(1).shape;
    if (sa.rank() != sb.rank()) refuse("operands of different ranks");
    const std::size_t r = sa.rank();
    const std::int64_t rows = sa[op.transpose_a ? r - 1 : r - 2], depth = sa[op.transpose_a ? r - 2 : r - 1];
    const std::int64_t cols = sb[op.transpose_b ? r - 2 : r - 1];
    const IntType ta = info(0).type, tb = info(1).type;
    const auto set_a = [&](Tensor& t, std::int64_t tile, std::int64_t i, std::int64_t k, std::int64_t v) {
      t.data[static_cast<std::size_t>(tile * rows * depth + (op.transpose_a ? k * rows + i : i * depth + k))] =
          static_cast<std::int32_t>(v);
    };
    const auto set_b = [&](Tensor& t, std::int64_t tile, std::int64_t k, std::int64_t j, std::int64_t v) {
      t.data[static_cast<std::size_t>(tile * cols * depth + (op.transpose_b ? j * depth + k : k * cols + j))] =
          static_cast<std::int32_t>(v);
    };
    const std::int64_t tiles = std::min(elems_between(sa, 0, r - 2), elems_between(sb, 0, r - 2));
    std::int64_t tile = tiles;
    const auto open_tile = [&](bool blank) -> std::vector<Tensor>& {
      if (tile >= tiles) {
        samples.add();
        tile = 0;
      }
      std::vector<Tensor>& sample = samples.all.back();
      if (blank) {
        for (std::int64_t k = 0; k < depth; ++k) {
          for (std::int64_t i = 0; i < rows; ++i)
            set_a(sample[static_cast<std::size_t>(fa)], tile, i, k, zero_of(op.a_zero_points, i, ta));
          for (std::int64_t j = 0; j < cols; ++j)
            set_b(sample[static_cast<std::size_t>(fb)], tile, k, j, zero_of(op.b_zero_points, j, tb));
        }
      }
      return sample;
    };
    const auto near_zero = [](IntType t) { return t.is_signed ? -1 : std::min<std::int64_t>(2, t.max()); };
    const std::vector<std::int64_t> va = operand_values(ta), vb = operand_values(tb);
    const auto many = [](const std::vector<std::int64_t>& v) { return static_cast<std::int64_t>(v.size()); };
    // Each product alone at each depth.
    for (std::int64_t k = 0; k < depth; ++k) {
      for (std::int64_t a0 = 0; a0 < many(va); a0 += rows) {
        for (std::int64_t b0 = 0; b0 < many(vb); b0 += cols) {
          std::vector<Tensor>& s = open_tile(true);
          for (std::int64_t i = 0; i < rows; ++i)
            set_a(s[static_cast<std::size_t>(fa)], tile, i, k, va[static_cast<std::size_t>((a0 + i) % many(va))]);
          for (std::int64_t j = 0; j < cols; ++j)
            set_b(s[static_cast<std::size_t>(fb)], tile, k, j, vb[static_cast<std::size_t>((b0 + j) % many(vb))]);
          ++tile;
        }
      }
      certificate.wanted += many(va) * many(vb);
    }
    certificate.visited = certificate.wanted;
    // Rails over all depths and over prefixes: the largest sums of both signs, each reached one product at a time.
    const std::int64_t ends_a[] = {ta.min(), ta.max(), std::min<std::int64_t>(1, ta.max()), near_zero(ta)};
    const std::int64_t ends_b[] = {tb.min(), tb.max(), std::min<std::int64_t>(1, tb.max()), near_zero(tb)};
    for (const std::int64_t a : ends_a) {
      for (const std::int64_t b : ends_b) {
        for (std::int64_t upto = 1; upto <= depth; ++upto) {
          std::vector<Tensor>& s = open_tile(true);
          for (std::int64_t k = 0; k < upto; ++k) {
            for (std::int64_t i = 0; i < rows; ++i) set_a(s[static_cast<std::size_t>(fa)], tile, i, k, a);
            for (std::int64_t j = 0; j < cols; ++j)
              set_b(s[static_cast<std::size_t>(fb)], tile, k, j, j % 2 == 0 ? b : tb.max());
          }
          ++tile;
        }
      }
    }
    constexpr int seeded = 512;
    for (int i = 0; i < seeded; ++i) {
      open_tile(false);
      ++tile;
    }
    const bool all = many(va) == std::int64_t{1} << ta.bits && many(vb) == std::int64_t{1} << tb.bits;
    certificate.claim =
        all ? "every product at every depth alone, rails over every prefix, seeded tiles"
            : "products of rails and single bits at every depth alone, rails over every prefix, seeded tiles";
    certificate.assumption = all ? "the device sums what its multipliers give; the multiplier of a depth is any "
                                   "function of its two operands, the same for every output"
                                 : "the device sums what its multipliers give; the multiplier of a depth is bilinear "
                                   "in the bits of its operands, the same for every output";
  }

  static std::int64_t zero_of(const std::vector<std::int64_t>& zero_points, std::int64_t i, IntType type) {
    return saturate(zero_points[zero_points.size() == 1 ? 0 : static_cast<std::size_t>(i)], type.min(), type.max());
  }

  /// All values up to 8 bits; beyond, what differs in one bit from 0, -1 and the rails.
  static std::vector<std::int64_t> operand_values(IntType type) {
    std::set<std::int64_t> values;
    constexpr int exhaustive = 8;
    if (type.bits <= exhaustive) {
      for (std::int64_t v = type.min(); v <= type.max(); ++v) values.insert(v);
    } else {
      for (int bit = 0; bit < type.bits; ++bit) {
        const std::int64_t one = std::int64_t{1} << bit;
        for (const std::int64_t v : {one, one - 1, -one, ~one, type.min() + one, type.max() - one}) {
          values.insert(saturate(v, type.min(), type.max()));
        }
      }
    }
    return {values.begin(), values.end()};
  }

  template <class Op>
  void operator()(const Op&) {
    refuse("only conv2d, dense, matmul, add, mul, avg_pool, rescale and concat have them");
  }
};

}  // namespace

CompleteInputs complete_inputs(const IntNet& layer, std::uint64_t seed) {
  if (layer.nodes.size() != 1)
    throw Error(fmt::format("{}: expected one layer, got {}", layer.name, layer.nodes.size()));
  Builder builder{layer, layer.nodes[0], seed};
  std::visit(builder, layer.nodes[0].op);
  return {std::move(builder.samples.all), std::move(builder.certificate)};
}

}  // namespace obz
