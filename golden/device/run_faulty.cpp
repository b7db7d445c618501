#include "golden/device/run_faulty.hpp"

#include <algorithm>

#include "golden/device/requantizer.hpp"
#include "ref/base/error.hpp"
#include "ref/ops/dot.hpp"
#include "ref/ops/elementwise.hpp"

namespace obz {
namespace {

/// The bits of a word read with the other signedness.
std::int64_t other_sign(std::int64_t v, IntType type) {
  const std::int64_t bits = v & ((std::int64_t{1} << type.bits) - 1);
  return type.is_signed ? bits : wrap(bits, type.bits);
}

std::int64_t read_x(const Fault& f, std::int64_t v, IntType type) {
  if (f.quirk == Quirk::x_other_sign) v = other_sign(v, type);
  return f.wire == Wire::x ? damaged(f, Wire::x, v) : v;
}
std::int64_t read_w(const Fault& f, std::int64_t v, IntType type) {
  if (f.quirk == Quirk::w_other_sign) v = other_sign(v, type);
  return f.wire == Wire::w ? damaged(f, Wire::w, v) : v;
}
std::int64_t zero_of_x(const Fault& f, std::int64_t z) {
  switch (f.quirk) {
    case Quirk::x_zero_point_missing: return 0;
    case Quirk::x_zero_point_negated: return -z;
    case Quirk::x_zero_point_one_more: return z + 1;
    default: return z;
  }
}
std::int64_t zero_of_w(const Fault& f, std::int64_t z) { return f.quirk == Quirk::w_zero_point_missing ? 0 : z; }

/// Index of the other element of a pair, where there is one.
std::int64_t paired(std::int64_t i, std::int64_t count) { return (i ^ 1) < count ? i ^ 1 : i; }

bool is_dropped(Quirk q, std::int64_t k, std::int64_t depth) {
  switch (q) {
    case Quirk::drop_first_k: return k == 0;
    case Quirk::drop_last_k: return k == depth - 1;
    case Quirk::drop_tail_of_2: return k >= depth / 2 * 2;
    case Quirk::drop_tail_of_4: return k >= depth / 4 * 4;
    case Quirk::drop_tail_of_8: return k >= depth / 8 * 8;
    case Quirk::drop_tail_of_16: return k >= depth / 16 * 16;
    case Quirk::drop_tail_of_32: return k >= depth / 32 * 32;
    default: return false;
  }
}

/// One sum of products, term by term, with the fault in it.
class Sum {
 public:
  Sum(const Fault& fault, const Accumulator& reg, IntType x, IntType w, std::int64_t depth)
      : f_(fault), reg_(reg), x_(x), w_(w), depth_(depth) {
    if (fault.quirk == Quirk::register_saturates) reg_.overflow = Overflow::saturate;
    if (fault.quirk == Quirk::register_wraps) reg_.overflow = Overflow::wrap;
  }
  void start() { sum_ = pair_ = 0; }

  /// True when the fault is not in single terms, so that whole dot products may be added.
  bool takes_dots() const {
    const bool wire = f_.wire == Wire::x || f_.wire == Wire::w || f_.wire == Wire::product || f_.wire == Wire::partial;
    const bool quirk = (f_.quirk >= Quirk::x_other_sign && f_.quirk <= Quirk::w_pairs_swapped) ||
                       f_.quirk == Quirk::operands_swapped || f_.quirk == Quirk::pairs_saturate_16 ||
                       (f_.quirk >= Quirk::drop_first_k && f_.quirk <= Quirk::drop_tail_of_32);
    return !wire && !quirk;
  }

  void term(std::int64_t x, std::int64_t zx, std::int64_t w, std::int64_t zw, std::int64_t k) {
    if (is_dropped(f_.quirk, k, depth_)) return;
    if (f_.quirk == Quirk::operands_swapped) std::swap(zx, zw);
    const std::int64_t a = read_x(f_, x, x_), b = read_w(f_, w, w_);
    if (f_.quirk == Quirk::pairs_saturate_16) {
      pair_term(a, zx, b, zw, k);
      return;
    }
    const std::int64_t product = (a - zx) * (b - zw);
    add(f_.wire == Wire::product ? damaged(f_, Wire::product, product) : product);
  }

  /// Something that is no product: a pooled value, a branch.
  void add(std::int64_t v) {
    sum_ = added(f_, Wire::partial, sum_, v);
    if (f_.wire == Wire::partial) sum_ = damaged(f_, Wire::partial, sum_);
  }

  /// The sum with its bias in the accumulator's register.
  std::int64_t finish(std::int64_t bias) {
    flush_pair();
    const std::int64_t sum = damaged(f_, Wire::partial, added(f_, Wire::partial, sum_, damaged(f_, Wire::bias, bias)));
    return reg_(sum);
  }

 private:
  /// vpmaddubsw: unsigned activations, pairs of products saturated to 16 bits; the offset is repaired exactly.
  void pair_term(std::int64_t a, std::int64_t zx, std::int64_t b, std::int64_t zw, std::int64_t k) {
    const std::int64_t offset = x_.min();
    pair_ += (a - offset) * (b - zw);
    sum_ += (offset - zx) * (b - zw);
    if (k % 2 == 1) flush_pair();
  }
  void flush_pair() {
    sum_ += narrow(pair_, 16, Overflow::saturate);
    pair_ = 0;
  }

  const Fault& f_;
  Accumulator reg_;
  IntType x_, w_;
  std::int64_t depth_;
  std::int64_t sum_ = 0, pair_ = 0;
};

std::int64_t faulty_bias(const Filter& f, const Fault& fault, std::int64_t o) {
  const std::int64_t count = f.out_channels();
  switch (fault.quirk) {
    case Quirk::bias_missing:
    case Quirk::bias_after_rounding: return 0;
    case Quirk::bias_previous: return f.bias_of((o + count - 1) % count);
    case Quirk::bias_next: return f.bias_of((o + 1) % count);
    case Quirk::bias_negated: return -f.bias_of(o);
    case Quirk::bias_twice: return 2 * f.bias_of(o);
    case Quirk::bias_16_bits: return wrap(f.bias_of(o), 16);
    default: return f.bias_of(o);
  }
}

std::int64_t faulty_filter(const Fault& fault, std::int64_t o, std::int64_t count) {
  if (fault.quirk == Quirk::filter_previous) return (o + count - 1) % count;
  if (fault.quirk == Quirk::filter_next) return (o + 1) % count;
  return o;
}

/// A requantizer's channels with their neighbours; the last wraps to the first.
Lane lane_of(const Requant& r, std::int64_t c) {
  const auto count = static_cast<std::int64_t>(r.channels.size());
  if (count == 1) c = 0;
  const auto at = [&](std::int64_t i) { return &r.channels[static_cast<std::size_t>((i + count) % count)]; };
  return {at(c), at(c - 1), at(c + 1), at(0)};
}

std::int64_t requantized(const Requant& r, std::int64_t acc, std::int64_t c, IntType out, const Fault& f, int unit) {
  if (f.unit != unit || !in_requantizer(f)) return r(acc, c);
  return faulty_requantize(acc, r.recipe, lane_of(r, c), out, f);
}

struct Runner {
  std::span<const Tensor* const> in;
  Tensor& y;
  const Fault& f;
  std::vector<std::int64_t>* accs;

  void put(std::size_t at, const Requant& r, std::int64_t acc, std::int64_t c, std::int64_t late_bias = 0) {
    if (accs != nullptr) accs->push_back(acc);
    std::int64_t v = requantized(r, acc, c, y.type, f, 0);
    if (late_bias != 0) v = saturate(v + late_bias, r.channel(c).lo, r.channel(c).hi);
    y.data[at] = static_cast<std::int32_t>(saturate(v, INT32_MIN, INT32_MAX));
  }
  std::int64_t late_bias(const Filter& filter, std::int64_t o) const {
    return f.quirk == Quirk::bias_after_rounding ? filter.bias_of(o) : 0;
  }

  void operator()(const Conv2d& op) {
    const Tensor& x = *in[0];
    const View4 from(x.shape, op.layout), out(y.shape, op.layout);
    const Shape& ws = op.filter.weights.shape;
    const std::int64_t kernel_h = ws[1], kernel_w = ws[2], depth = ws[3];
    const std::int64_t per_group = out.c / op.groups;
    Window win = op.window;
    if (f.quirk == Quirk::window_one_up) ++win.pad_top;
    if (f.quirk == Quirk::window_one_left) ++win.pad_left;
    if (f.quirk == Quirk::stride_one) win.stride_h = win.stride_w = 1;
    if (f.quirk == Quirk::dilation_one) win.dilation_h = win.dilation_w = 1;
    const bool transposed = f.quirk == Quirk::filter_transposed && kernel_h == kernel_w;
    const bool flipped = f.quirk == Quirk::filter_flipped;
    const std::int64_t zx = zero_of_x(f, op.x_zero_point);
    Sum sum(f, op.accumulator, x.type, op.filter.weights.type, kernel_h * kernel_w * depth);
    const bool dots = sum.takes_dots();
    for_each_output(op.layout, out, [&](std::int64_t n, std::int64_t oh, std::int64_t ow, std::int64_t o) {
      const std::int64_t row = faulty_filter(f, o, out.c), zw = zero_of_w(f, op.filter.zero_point_of(row));
      const std::int64_t first_input = o / per_group * depth;
      sum.start();
      for (std::int64_t kh = 0; kh < kernel_h; ++kh) {
        for (std::int64_t kw = 0; kw < kernel_w; ++kw) {
          std::int64_t ih = oh * win.stride_h + kh * win.dilation_h - win.pad_top;
          std::int64_t iw = ow * win.stride_w + kw * win.dilation_w - win.pad_left;
          const bool inside = ih >= 0 && ih < from.h && iw >= 0 && iw < from.w;
          if (f.quirk == Quirk::pad_edge) {
            ih = std::clamp<std::int64_t>(ih, 0, from.h - 1);
            iw = std::clamp<std::int64_t>(iw, 0, from.w - 1);
          } else if (!inside && f.quirk != Quirk::pad_raw_zero) {
            continue;
          }
          const std::int64_t wh = transposed ? kw : flipped ? kernel_h - 1 - kh : kh;
          const std::int64_t ww = transposed ? kh : flipped ? kernel_w - 1 - kw : kw;
          const std::int64_t w0 = ((row * kernel_h + wh) * kernel_w + ww) * depth;
          if (dots && (inside || f.quirk == Quirk::pad_edge)) {
            sum.add(dot(x.data.data() + from.at(n, ih, iw, first_input), from.sc, zx,
                        op.filter.weights.data.data() + w0, 1, zw, depth));
            continue;
          }
          for (std::int64_t i = 0; i < depth; ++i) {
            const std::int64_t xi = f.quirk == Quirk::x_pairs_swapped ? paired(i, depth) : i;
            const std::int64_t wi = f.quirk == Quirk::w_pairs_swapped ? paired(i, depth) : i;
            const std::int64_t v =
                f.quirk == Quirk::pad_raw_zero && !inside ? 0 : x.data[from.at(n, ih, iw, first_input + xi)];
            sum.term(v, zx, op.filter.weights.data[static_cast<std::size_t>(w0 + wi)], zw,
                     (kh * kernel_w + kw) * depth + i);
          }
        }
      }
      put(out.at(n, oh, ow, o), op.requant, sum.finish(faulty_bias(op.filter, f, o)), o, late_bias(op.filter, o));
    });
  }

  void operator()(const Dense& op) {
    const Tensor& x = *in[0];
    const std::int64_t outputs = op.out_channels(), depth = op.filter.weights.shape[1];
    const std::int64_t rows = depth == 0 ? 0 : x.elems() / depth;
    const std::int64_t zx = zero_of_x(f, op.x_zero_point);
    Sum sum(f, op.accumulator, x.type, op.filter.weights.type, depth);
    for (std::int64_t r = 0; r < rows; ++r) {
      for (std::int64_t o = 0; o < outputs; ++o) {
        const std::int64_t row = faulty_filter(f, o, outputs), zw = zero_of_w(f, op.filter.zero_point_of(row));
        sum.start();
        if (sum.takes_dots() && f.quirk != Quirk::filter_transposed) {
          sum.add(dot(x.data.data() + r * depth, 1, zx, op.filter.weights.data.data() + row * depth, 1, zw, depth));
        } else {
          dense_terms(op, sum, x, r, row, zx, zw);
        }
        put(static_cast<std::size_t>(r * outputs + o), op.requant, sum.finish(faulty_bias(op.filter, f, o)), o,
            late_bias(op.filter, o));
      }
    }
  }
  void dense_terms(const Dense& op, Sum& sum, const Tensor& x, std::int64_t r, std::int64_t row, std::int64_t zx,
                   std::int64_t zw) const {
    const std::int64_t outputs = op.out_channels(), depth = op.filter.weights.shape[1];
    for (std::int64_t i = 0; i < depth; ++i) {
      const std::int64_t xi = f.quirk == Quirk::x_pairs_swapped ? paired(i, depth) : i;
      const std::int64_t wi = f.quirk == Quirk::w_pairs_swapped ? paired(i, depth) : i;
      // The weights taken as [in][out] instead of [out][in].
      const std::int64_t at = f.quirk == Quirk::filter_transposed ? wi * outputs + row : row * depth + wi;
      sum.term(x.data[static_cast<std::size_t>(r * depth + xi)], zx,
               op.filter.weights.data[static_cast<std::size_t>(at)], zw, i);
    }
  }

  void operator()(const MatMul& op) {
    const Tensor &a = *in[0], &b = *in[1];
    const std::size_t ra = a.shape.rank(), ry = y.shape.rank();
    const std::int64_t m = y.shape[ry - 2], n = y.shape[ry - 1], depth = a.shape[op.transpose_a ? ra - 2 : ra - 1];
    const std::int64_t a_size = m * depth, b_size = n * depth;
    Shape batch_a(std::vector<std::int64_t>(a.shape.begin(), a.shape.end() - 2));
    Shape batch_b(std::vector<std::int64_t>(b.shape.begin(), b.shape.end() - 2));
    const Shape batch(std::vector<std::int64_t>(y.shape.begin(), y.shape.end() - 2));
    const std::vector<std::int64_t> sa = broadcast_strides(batch_a, batch), sb = broadcast_strides(batch_b, batch);
    const std::vector<std::int64_t> sy = strides_of(batch);
    Sum sum(f, op.accumulator, a.type, b.type, depth);
    for (std::int64_t t = 0; t < batch.elems(); ++t) {
      std::int64_t at_a = 0, at_b = 0;
      for (std::size_t d = 0; d < batch.rank(); ++d) {
        const std::int64_t index = t / sy[d] % batch[d];
        at_a += index * sa[d];
        at_b += index * sb[d];
      }
      for (std::int64_t i = 0; i < m; ++i) {
        for (std::int64_t j = 0; j < n; ++j) {
          const std::int64_t za =
              zero_of_x(f, op.a_zero_points[op.a_zero_points.size() == 1 ? 0 : static_cast<std::size_t>(i)]);
          const std::int64_t zb =
              zero_of_w(f, op.b_zero_points[op.b_zero_points.size() == 1 ? 0 : static_cast<std::size_t>(j)]);
          const bool turn = f.quirk == Quirk::filter_transposed && depth % n == 0;
          sum.start();
          for (std::int64_t k = 0; k < depth; ++k) {
            const std::int64_t ka = f.quirk == Quirk::x_pairs_swapped ? paired(k, depth) : k;
            const std::int64_t kb = f.quirk == Quirk::w_pairs_swapped ? paired(k, depth) : k;
            const std::int64_t ia = op.transpose_a ? ka * m + i : i * depth + ka;
            const bool n_major = op.transpose_b != turn;
            const std::int64_t ib = n_major ? j * depth + kb : kb * n + j;
            sum.term(a.data[static_cast<std::size_t>(at_a * a_size + ia)], za,
                     b.data[static_cast<std::size_t>(at_b * b_size + ib)], zb, k);
          }
          put(static_cast<std::size_t>((t * m + i) * n + j), op.requant, sum.finish(0), j);
        }
      }
    }
  }

  void operator()(const Add& op) {
    const IntType ta = in[0]->type, tb = in[1]->type;
    const int left = op.left_shift - (f.quirk == Quirk::left_shift_one_less && op.left_shift > 0 ? 1 : 0);
    const Requant &ra = f.quirk == Quirk::operands_swapped ? op.branch_b : op.branch_a,
                  &rb = f.quirk == Quirk::operands_swapped ? op.branch_a : op.branch_b;
    const IntType wide{32, true};
    std::size_t at = 0;
    Sum sum(f, op.accumulator, ta, tb, 1);
    Tensor pairs(y.shape, y.type);
    for_each_pair(*in[0], *in[1], pairs, [&](std::int32_t va, std::int32_t vb) {
      const std::int64_t a = (read_x(f, va, ta) - zero_of_x(f, op.a_zero_point)) << left;
      const std::int64_t b = (read_w(f, vb, tb) - zero_of_w(f, op.b_zero_point)) << left;
      const std::int64_t qa = requantized(ra, a, 0, wide, f, 1), qb = requantized(rb, b, 0, wide, f, 2);
      const bool subtract = op.subtract != (f.quirk == Quirk::subtracts);
      sum.start();
      sum.add(qa);
      const std::int64_t acc = sum.finish(subtract ? -qb : qb);
      put(at++, op.out, acc, 0);
      return std::int32_t{0};
    });
  }

  void operator()(const Mul& op) {
    std::size_t at = 0;
    Sum sum(f, op.accumulator, in[0]->type, in[1]->type, 1);
    Tensor pairs(y.shape, y.type);
    for_each_pair(*in[0], *in[1], pairs, [&](std::int32_t a, std::int32_t b) {
      sum.start();
      sum.term(a, zero_of_x(f, op.a_zero_point), b, zero_of_w(f, op.b_zero_point), 0);
      put(at++, op.requant, sum.finish(0), 0);
      return std::int32_t{0};
    });
  }

  void operator()(const AvgPool& op) {
    const Tensor& x = *in[0];
    const View4 from(x.shape, op.layout), out(y.shape, op.layout);
    Window win = op.window;
    if (f.quirk == Quirk::window_one_up) ++win.pad_top;
    if (f.quirk == Quirk::window_one_left) ++win.pad_left;
    if (f.quirk == Quirk::stride_one) win.stride_h = win.stride_w = 1;
    const std::int64_t all = std::int64_t{op.kernel_h} * op.kernel_w;
    const bool all_counted = (op.count_includes_pad || f.quirk == Quirk::count_all) && f.quirk != Quirk::count_inside;
    const bool divides = op.by == AverageBy::division;
    const std::int64_t zx = zero_of_x(f, op.x_zero_point);
    Sum sum(f, op.accumulator, x.type, x.type, all);
    for_each_output(op.layout, out, [&](std::int64_t n, std::int64_t oh, std::int64_t ow, std::int64_t c) {
      std::int64_t inside = 0;
      sum.start();
      for (std::int64_t k = 0; k < all; ++k) {
        const bool dropped = is_dropped(f.quirk, k, all);
        std::int64_t ih = oh * win.stride_h + k / op.kernel_w * win.dilation_h - win.pad_top;
        std::int64_t iw = ow * win.stride_w + k % op.kernel_w * win.dilation_w - win.pad_left;
        const bool is_in = ih >= 0 && ih < from.h && iw >= 0 && iw < from.w;
        if (f.quirk == Quirk::pad_edge) {
          ih = std::clamp<std::int64_t>(ih, 0, from.h - 1);
          iw = std::clamp<std::int64_t>(iw, 0, from.w - 1);
        } else if (!is_in) {
          // Padding has the real value 0: it adds a zero point to a raw sum, and nothing to a centred one.
          const bool raw = f.quirk == Quirk::pad_raw_zero;
          if (divides ? all_counted : raw) sum.add(raw ? (divides ? 0 : -zx) : zx);
          continue;
        }
        ++inside;
        if (!dropped) sum.add(read_x(f, x.data[from.at(n, ih, iw, c)], x.type) - (divides ? 0 : zx));
      }
      const std::int64_t count = all_counted ? all : inside;
      const std::int64_t acc = sum.finish(0);
      const std::size_t at = out.at(n, oh, ow, c);
      if (!divides) {
        put(at, op.requant, acc, count == 0 ? 0 : std::min<std::int64_t>(count, all) - 1);
      } else {
        put_average(at, op, acc, count);
      }
    });
  }

  /// The division, then the requantizer's faults on what is left of it: the accumulator, the clamp, the output.
  void put_average(std::size_t at, const AvgPool& op, std::int64_t acc, std::int64_t count) {
    if (accs != nullptr) accs->push_back(acc);
    Rounding rounding = op.rounding;
    if (f.quirk >= Quirk::round_floor && f.quirk <= Quirk::round_half_even) {
      rounding = static_cast<Rounding>(static_cast<int>(f.quirk) - static_cast<int>(Quirk::round_floor));
    }
    std::int64_t v = count == 0 ? 0 : divide(damaged(f, Wire::acc, acc), count, rounding);
    if (f.wire == Wire::rounding) v = damaged(f, Wire::rounding, v);
    Channel clamp = op.requant.channels[0];
    if (f.quirk == Quirk::clamp_type_only || f.quirk == Quirk::clamp_ignores_lo) clamp.lo = y.type.min();
    if (f.quirk == Quirk::clamp_type_only || f.quirk == Quirk::clamp_ignores_hi) clamp.hi = y.type.max();
    if (f.quirk == Quirk::clamp_lo_one_up) clamp.lo = std::min(clamp.lo + 1, clamp.hi);
    if (f.quirk == Quirk::clamp_hi_one_down) clamp.hi = std::max(clamp.hi - 1, clamp.lo);
    if (f.quirk == Quirk::clamp_symmetric) clamp.lo = std::max(clamp.lo, -clamp.hi);
    y.data[at] = static_cast<std::int32_t>(damaged(f, Wire::out, saturate(v, clamp.lo, clamp.hi)));
  }

  void operator()(const Mean& op) {
    const Tensor& x = *in[0];
    std::vector<bool> reduced(x.shape.rank(), false);
    for (const std::int64_t axis : op.axes) reduced[static_cast<std::size_t>(axis)] = true;
    // Strides of the output in the input's axes; 0 along the reduced ones.
    std::vector<std::int64_t> sx = strides_of(x.shape), sy(x.shape.rank(), 0);
    std::int64_t stride = 1, count = 1;
    for (std::size_t d = x.shape.rank(); d-- > 0;) {
      if (reduced[d]) {
        count *= x.shape[d];
      } else {
        sy[d] = stride;
        stride *= x.shape[d];
      }
    }
    std::vector<Sum> sums(y.data.size(), Sum(f, op.accumulator, x.type, x.type, count));
    std::vector<std::int64_t> seen(y.data.size(), 0);
    for (Sum& s : sums) s.start();
    for (std::int64_t i = 0; i < x.elems(); ++i) {
      std::int64_t at = 0;
      for (std::size_t d = 0; d < x.shape.rank(); ++d) at += i / sx[d] % x.shape[d] * sy[d];
      const auto to = static_cast<std::size_t>(at);
      if (is_dropped(f.quirk, seen[to]++, count)) continue;
      sums[to].add(read_x(f, x.data[static_cast<std::size_t>(i)], x.type) - zero_of_x(f, op.x_zero_point));
    }
    for (std::size_t i = 0; i < sums.size(); ++i) put(i, op.requant, sums[i].finish(0), 0);
  }

  void operator()(const Rescale& op) {
    const Tensor& x = *in[0];
    const std::int64_t inner = elems_between(x.shape, static_cast<std::size_t>(op.axis) + 1, x.shape.rank());
    const std::int64_t extent = x.shape.rank() == 0 ? 1 : x.shape[static_cast<std::size_t>(op.axis)];
    for (std::int64_t i = 0; i < x.elems(); ++i) {
      const std::int64_t v = read_x(f, x.data[static_cast<std::size_t>(i)], x.type) - zero_of_x(f, op.x_zero_point);
      put(static_cast<std::size_t>(i), op.requant, v, inner == 0 ? 0 : i / inner % extent);
    }
  }

  void operator()(const Concat& op) {
    const auto axis = static_cast<std::size_t>(op.axis);
    const std::int64_t outer = elems_between(y.shape, 0, axis), row = elems_between(y.shape, axis, y.shape.rank());
    std::int64_t start = 0;
    for (std::size_t p = 0; p < in.size(); ++p) {
      const std::int64_t part_row = elems_between(in[p]->shape, axis, y.shape.rank());
      const std::size_t with = f.quirk == Quirk::operands_swapped ? in.size() - 1 - p : p;
      for (std::int64_t o = 0; o < outer; ++o) {
        for (std::int64_t i = 0; i < part_row; ++i) {
          const std::int64_t x = read_x(f, in[p]->data[static_cast<std::size_t>(o * part_row + i)], in[p]->type);
          const std::int64_t acc = x - zero_of_x(f, op.x_zero_points[with]);
          y.data[static_cast<std::size_t>(o * row + start + i)] =
              static_cast<std::int32_t>(requantized(op.requants[with], acc, 0, y.type, f, static_cast<int>(p) + 1));
        }
      }
      start += part_row;
    }
  }

  template <class Op>
  void operator()(const Op&) {
    OBZ_CHECK(false);
  }
};

struct Knows {
  bool operator()(const Conv2d&) const { return true; }
  bool operator()(const Dense&) const { return true; }
  bool operator()(const MatMul&) const { return true; }
  bool operator()(const Add& op) const { return !op.floating; }
  bool operator()(const Mul&) const { return true; }
  bool operator()(const AvgPool&) const { return true; }
  bool operator()(const Mean&) const { return true; }
  bool operator()(const Rescale&) const { return true; }
  bool operator()(const Concat&) const { return true; }
  template <class Op>
  bool operator()(const Op&) const {
    return false;
  }
};

struct ZeroPointOf {
  std::int32_t operator()(const Add& op) const { return op.out.channels[0].zero_point; }
  template <class Op>
  std::int32_t operator()(const Op& op) const {
    if constexpr (requires { op.requant.channels; }) return op.requant.channels[0].zero_point;
    return 0;
  }
};

/// The requantizer at the end of a sum of products, with the channel of each output.
struct EndOf {
  const Shape& shape;
  struct End {
    const Requant* requant = nullptr;
    std::int64_t inner = 1;  ///< outputs between two channels
  };
  End operator()(const Conv2d& op) const { return {&op.requant, op.layout == Layout::nhwc ? 1 : shape[2] * shape[3]}; }
  End operator()(const Dense& op) const { return {&op.requant, 1}; }
  End operator()(const MatMul& op) const { return {&op.requant, 1}; }
  template <class Op>
  End operator()(const Op&) const {
    return {};
  }
};

}  // namespace

bool requantize_again(const Node& node, std::span<const std::int64_t> accs, Tensor& y, const Fault& fault) {
  const EndOf::End end = std::visit(EndOf{y.shape}, node.op);
  if (end.requant == nullptr || !in_requantizer(fault) || fault.unit != 0) return false;
  const auto count = static_cast<std::int64_t>(end.requant->channels.size());
  for (std::size_t i = 0; i < accs.size(); ++i) {
    const Lane lane = lane_of(*end.requant, static_cast<std::int64_t>(i) / end.inner % count);
    const std::int64_t v = faulty_requantize(accs[i], end.requant->recipe, lane, y.type, fault);
    y.data[i] = static_cast<std::int32_t>(saturate(v, INT32_MIN, INT32_MAX));
  }
  return true;
}

bool can_be_faulty(const Operator& op) { return std::visit(Knows{}, op); }

void rearrange(std::span<std::int32_t> y, std::int64_t last_axis, const Fault& f, IntType out,
               std::int32_t zero_point) {
  switch (f.quirk) {
    case Quirk::output_zero: std::fill(y.begin(), y.end(), 0); break;
    case Quirk::output_zero_point: std::fill(y.begin(), y.end(), zero_point); break;
    case Quirk::output_minimum: std::fill(y.begin(), y.end(), static_cast<std::int32_t>(out.min())); break;
    case Quirk::output_stale:
      if (y.size() > 1) std::copy_backward(y.begin(), y.end() - 1, y.end());
      break;
    case Quirk::output_pairs_swapped:
      for (std::size_t i = 0; i + 1 < y.size(); i += 2) std::swap(y[i], y[i + 1]);
      break;
    case Quirk::output_last_missing:
      for (std::size_t i = 0; i < y.size(); ++i) {
        if (static_cast<std::int64_t>(i + 1) % last_axis == 0) y[i] = 0;
      }
      break;
    case Quirk::output_transposed: {
      // Tiles of last_axis x last_axis stored by columns.
      const auto side = static_cast<std::size_t>(last_axis);
      for (std::size_t t = 0; t + side * side <= y.size(); t += side * side) {
        for (std::size_t i = 0; i < side; ++i) {
          for (std::size_t j = i + 1; j < side; ++j) std::swap(y[t + i * side + j], y[t + j * side + i]);
        }
      }
      break;
    }
    default: break;
  }
}

void run_faulty(const Node& node, std::span<const Tensor* const> inputs, Tensor& y, const Fault& fault,
                std::vector<std::int64_t>* accs) {
  std::visit(Runner{inputs, y, fault, accs}, node.op);
  if (!in_outputs(fault)) return;
  const std::int64_t last = y.shape.rank() == 0 ? 1 : y.shape[y.shape.rank() - 1];
  rearrange(y.data, last, fault, y.type, std::visit(ZeroPointOf{}, node.op));
}

}  // namespace obz
