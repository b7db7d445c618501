#include "accel/lower.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "accel/requant_refusal.hpp"
#include "ref/base/error.hpp"

namespace obz::accel {
namespace {

/// The layer as a convolution: what conv2d, dense and matmul have in common.
struct Product {
  View4 in{Shape{1, 1, 1, 1}, Layout::nhwc}, out{Shape{1, 1, 1, 1}, Layout::nhwc};
  const std::int32_t* x = nullptr;
  IntType x_type;
  std::int64_t x_zero_point = 0;
  std::int64_t groups = 1, depth = 1;  ///< input channels of a group
  std::int64_t kernel_h = 1, kernel_w = 1;
  Window window;
  Accumulator accumulator;
  const Requant* requant = nullptr;
  IntType w_type;
  std::int64_t w_zero_lo = 0, w_zero_hi = 0;  ///< range of the weights' zero points
  std::int64_t y_offset = 0;                  ///< of its first output in the layer's
  /// Weight less its zero point.
  std::function<std::int64_t(std::int64_t o, std::int64_t kh, std::int64_t kw, std::int64_t i)> weight;
  std::function<std::int64_t(std::int64_t o)> bias;
};

std::function<std::int64_t(std::int64_t, std::int64_t, std::int64_t, std::int64_t)> weights_of(const Filter& f,
                                                                                               std::int64_t kh_count,
                                                                                               std::int64_t kw_count,
                                                                                               std::int64_t depth) {
  return [&f, kh_count, kw_count, depth](std::int64_t o, std::int64_t kh, std::int64_t kw, std::int64_t i) {
    const auto at = static_cast<std::size_t>(((o * kh_count + kh) * kw_count + kw) * depth + i);
    return f.weights.data[at] - f.zero_point_of(o);
  };
}

void take_filter(Product& p, const Filter& f) {
  p.w_type = f.weights.type;
  p.bias = [&f](std::int64_t o) { return f.bias_of(o); };
  if (f.zero_points.empty()) return;
  const auto [lo, hi] = std::minmax_element(f.zero_points.begin(), f.zero_points.end());
  p.w_zero_lo = *lo;
  p.w_zero_hi = *hi;
}

Product product_of(const LayerJob& job, const Conv2d& op) {
  const Tensor& x = *job.inputs[0];
  Product p;
  p.in = View4(x.shape, op.layout);
  p.out = View4(job.output->shape, op.layout);
  p.x = x.data.data();
  p.x_type = x.type;
  p.x_zero_point = op.x_zero_point;
  p.groups = op.groups;
  p.depth = op.filter.weights.shape[3];
  p.kernel_h = op.filter.weights.shape[1];
  p.kernel_w = op.filter.weights.shape[2];
  p.window = op.window;
  p.accumulator = op.accumulator;
  p.requant = &op.requant;
  take_filter(p, op.filter);
  p.weight = weights_of(op.filter, p.kernel_h, p.kernel_w, p.depth);
  return p;
}

Product product_of(const LayerJob& job, const Dense& op) {
  const Tensor& x = *job.inputs[0];
  const std::int64_t depth = op.filter.weights.shape[1], rows = x.elems() / depth;
  Product p;
  p.in = View4(Shape{rows, 1, 1, depth}, Layout::nhwc);
  p.out = View4(Shape{rows, 1, 1, op.out_channels()}, Layout::nhwc);
  p.x = x.data.data();
  p.x_type = x.type;
  p.x_zero_point = op.x_zero_point;
  p.depth = depth;
  p.accumulator = op.accumulator;
  p.requant = &op.requant;
  take_filter(p, op.filter);
  p.weight = weights_of(op.filter, 1, 1, depth);
  return p;
}

/// Stored operand [k, m] or [m, k] of one batch.
std::size_t place(std::int64_t batch, bool transposed, std::int64_t row, std::int64_t rows, std::int64_t column,
                  std::int64_t columns) {
  const std::int64_t inner = transposed ? column * rows + row : row * columns + column;
  return static_cast<std::size_t>(batch * rows * columns + inner);
}

/// Batch of an operand that meets batch `b` of the output.
std::int64_t batch_of(const Shape& operand, const Shape& y, std::int64_t b) {
  const std::size_t outer = y.rank() - 2, own = operand.rank() - 2;
  std::int64_t index = 0, stride = 1;
  for (std::size_t i = 0; i < outer; ++i) {
    const std::size_t axis = outer - 1 - i;
    const std::int64_t at = b % y[axis];
    b /= y[axis];
    if (i >= own) continue;
    const std::int64_t extent = operand[own - 1 - i];
    index += (extent == 1 ? 0 : at) * stride;
    stride *= extent;
  }
  return index;
}

struct MatMulBatch {
  Product product;
  std::vector<std::int32_t> a;  ///< [m][k], as stored
};

/// The batch's left operand, made rows; zero points are one for the batch.
MatMulBatch product_of(const LayerJob& job, const MatMul& op, std::int64_t batch) {
  const Tensor &a = *job.inputs[0], &b = *job.inputs[1];
  const Shape& y = job.output->shape;
  const std::int64_t m = y[y.rank() - 2], n = y[y.rank() - 1], k = depth(op, a.shape);
  const std::int64_t batch_a = batch_of(a.shape, y, batch), batch_b = batch_of(b.shape, y, batch);
  MatMulBatch result;
  result.a.resize(static_cast<std::size_t>(m * k));
  for (std::int64_t i = 0; i < m; ++i) {
    for (std::int64_t j = 0; j < k; ++j) {
      result.a[static_cast<std::size_t>(i * k + j)] = a.data[place(batch_a, op.transpose_a, i, m, j, k)];
    }
  }
  Product& p = result.product;
  p.in = View4(Shape{m, 1, 1, k}, Layout::nhwc);
  p.out = View4(Shape{m, 1, 1, n}, Layout::nhwc);
  p.x_type = a.type;
  p.x_zero_point = op.a_zero_points[0];
  p.depth = k;
  p.accumulator = op.accumulator;
  p.requant = &op.requant;
  p.w_type = b.type;
  const auto [lo, hi] = std::minmax_element(op.b_zero_points.begin(), op.b_zero_points.end());
  p.w_zero_lo = *lo;
  p.w_zero_hi = *hi;
  p.y_offset = batch * m * n;
  p.bias = [](std::int64_t) { return 0; };
  p.weight = [&op, &b, batch_b, n, k](std::int64_t o, std::int64_t, std::int64_t, std::int64_t i) {
    const std::int64_t zero = op.b_zero_points[op.b_zero_points.size() == 1 ? 0 : static_cast<std::size_t>(o)];
    return b.data[place(batch_b, op.transpose_b, i, k, o, n)] - zero;
  };
  return result;
}

/// Calls f(product) for each program of the layer; stops when f says so.
template <class F>
void for_each_product(const LayerJob& job, F&& f) {
  if (const auto* conv = std::get_if<Conv2d>(&job.node->op)) f(product_of(job, *conv));
  if (const auto* dense = std::get_if<Dense>(&job.node->op)) f(product_of(job, *dense));
  if (const auto* matmul = std::get_if<MatMul>(&job.node->op)) {
    const Shape& y = job.output->shape;
    const std::int64_t batches = elems_between(y, 0, y.rank() - 2);
    for (std::int64_t b = 0; b < batches; ++b) {
      MatMulBatch one = product_of(job, *matmul, b);
      one.product.x = one.a.data();
      if (!f(one.product)) return;
    }
  }
}

/// Type of the weights once their zero points are taken off.
IntType centred(IntType type, std::int64_t zero_lo, std::int64_t zero_hi) {
  if (zero_lo == 0 && zero_hi == 0) return type;
  const std::int64_t lo = type.min() - zero_hi, hi = type.max() - zero_lo;
  IntType wide{1, lo < 0};
  while (!wide.holds(lo) || !wide.holds(hi)) ++wide.bits;
  return wide;
}

struct Shapes {
  Lane a_lane = 0, b_lane = 0, y_lane = 0;
  IntType w_type;
  std::int64_t k = 1, words = 1, tiles = 1;

  Shapes(const Product& p, IntType out) : w_type(centred(p.w_type, p.w_zero_lo, p.w_zero_hi)) {
    a_lane = lane_of(p.x_type.bits);
    b_lane = lane_of(w_type.bits);
    if (a_lane == 0 && b_lane == 0) b_lane = 1;  // two operands of 1 bit would be compared, not multiplied
    y_lane = lane_of(out.bits);
    k = mma_depth(a_lane, b_lane);
    words = (p.in.c + k - 1) / k;
    tiles = (p.out.c + kTile - 1) / kTile;
  }
};

/// Words of a pixel that a tile of output channels needs: [first, second).
std::pair<std::int64_t, std::int64_t> words_of(const Product& p, const Shapes& s, std::int64_t tile) {
  const std::int64_t each = p.out.c / p.groups, last = std::min((tile + 1) * kTile, p.out.c) - 1;
  const std::int64_t from = tile * kTile / each * p.depth, to = (last / each + 1) * p.depth;
  return {from / s.k, (to + s.k - 1) / s.k};
}

std::string refusal_of(const Product& p, IntType out, const Scratchpads& pads) {
  if (p.out.c == 0 || p.out.n * p.out.h * p.out.w == 0) return "the layer has no outputs";
  const Shapes s(p, out);
  if (p.x_type.bits > 16) return fmt::format("activations of {} bits; the tensor core takes 16", p.x_type.bits);
  if (s.w_type.bits > 16) {
    return fmt::format("weights of {} bits with their zero points; the tensor core takes 16", s.w_type.bits);
  }
  if (!p.x_type.holds(p.x_zero_point)) return "the activations' zero point is not a value of their type";
  constexpr std::int64_t most = 1 << 15;
  for (const std::int64_t extent : {p.in.h, p.in.w, p.out.h, p.out.w, p.kernel_h, p.kernel_w}) {
    if (extent >= most) return fmt::format("an extent of {}; the address generator counts to {}", extent, most - 1);
  }
  std::int64_t chunks = 0;
  for (std::int64_t t = 0; t < s.tiles; ++t) {
    const auto [from, to] = words_of(p, s, t);
    const std::int64_t own = p.kernel_h * p.kernel_w * (to - from);
    if (own >= 2 * most) return fmt::format("{} chunks; the issuer counts to {}", own, 2 * most - 1);
    chunks += own;
  }
  const auto too_much = [&pads](const char* what, std::int64_t needed, std::int64_t there) {
    return fmt::format("{} words of {}; the {} has {}", needed, what, pads.of, there);
  };
  // Addresses have 32 bits, of windows outside the image too.
  const std::int64_t row = p.in.w * s.words;
  const std::int64_t down = std::max<std::int64_t>(p.window.pad_top, p.kernel_h * p.window.dilation_h) + p.in.h;
  if (!kInt32.holds((down + p.window.stride_h) * row +
                    (p.window.pad_left + p.kernel_w * p.window.dilation_w) * s.words)) {
    return "a window that reaches further outside the image than 32-bit addresses";
  }
  const std::int64_t x_words = p.in.n * p.in.h * p.in.w * s.words;
  const std::int64_t y_bytes = p.out.n * p.out.h * p.out.w * std::max<std::int64_t>(32, s.tiles << s.y_lane);
  if (x_words > pads.x_words) return too_much("activations", x_words, pads.x_words);
  if (chunks > pads.w_words) return too_much("weights", chunks, pads.w_words);
  if (s.tiles > pads.tiles) return too_much("parameters", s.tiles, pads.tiles);
  if (y_bytes > pads.y_bytes) return too_much("outputs", y_bytes / 32, pads.y_bytes / 32);

  if (const auto why = requant_refusal(*p.requant)) return *why;
  if (p.accumulator.bits == 32 && p.accumulator.overflow == Overflow::wrap) return "";
  // The core's accumulator wraps at 32 bits: equal when no sum leaves what both registers hold.
  const IntType held{std::min<std::uint8_t>(32, p.accumulator.bits), true};
  const std::int64_t x_lo = p.x_type.min() - p.x_zero_point, x_hi = p.x_type.max() - p.x_zero_point;
  for (std::int64_t o = 0; o < p.out.c; ++o) {
    std::int64_t lo = p.bias(o), hi = lo;
    for (std::int64_t kh = 0; kh < p.kernel_h; ++kh) {
      for (std::int64_t kw = 0; kw < p.kernel_w; ++kw) {
        for (std::int64_t i = 0; i < p.depth; ++i) {
          const std::int64_t w = p.weight(o, kh, kw, i);
          lo += std::min({std::int64_t{0}, w * x_lo, w * x_hi});
          hi += std::max({std::int64_t{0}, w * x_lo, w * x_hi});
        }
      }
    }
    if (!held.holds(lo) || !held.holds(hi)) {
      return fmt::format("sums {}..{} of channel {} may leave {} bits, where this layer's register does not wrap", lo,
                         hi, o, held.bits);
    }
  }
  return "";
}

void put(Word128& word, std::int64_t index, Lane lane, std::int64_t value) {
  const std::int64_t bit = index << lane;
  const std::uint32_t mask = (std::uint32_t{1} << (1 << lane)) - 1;
  word.bits[static_cast<std::size_t>(bit / 32)] |= (static_cast<std::uint32_t>(value) & mask) << (bit % 32);
}

LayerProgram program_of(const Product& p, IntType out) {
  const Shapes s(p, out);
  LayerProgram g;
  g.a_lane = s.a_lane;
  g.b_lane = s.b_lane;
  g.y_lane = s.y_lane;
  g.a_signed = p.x_type.is_signed;
  g.b_signed = s.w_type.is_signed;
  for (std::int64_t i = 0; i < s.k; ++i) put(g.pad_word, i, g.a_lane, p.x_zero_point);

  g.x.resize(static_cast<std::size_t>(p.in.n * p.in.h * p.in.w * s.words));
  std::size_t pixel = 0;
  for (std::int64_t n = 0; n < p.in.n; ++n) {
    for (std::int64_t h = 0; h < p.in.h; ++h) {
      for (std::int64_t w = 0; w < p.in.w; ++w, pixel += static_cast<std::size_t>(s.words)) {
        for (std::int64_t c = 0; c < p.in.c; ++c) {
          put(g.x[pixel + static_cast<std::size_t>(c / s.k)], c % s.k, g.a_lane, p.x[p.in.at(n, h, w, c)]);
        }
      }
    }
  }

  const std::int64_t each = p.out.c / p.groups;
  for (std::int64_t t = 0; t < s.tiles; ++t) {
    const auto [from, to] = words_of(p, s, t);
    TileParameters tile;
    tile.w_base = static_cast<std::uint16_t>(g.w.size());
    tile.first_word = static_cast<std::uint16_t>(from);
    tile.words = static_cast<std::uint16_t>(to - from);
    tile.chunks = static_cast<std::uint16_t>(p.kernel_h * p.kernel_w * (to - from));
    g.w.resize(g.w.size() + tile.chunks);
    for (std::int64_t c = 0; c < kTile; ++c) {
      const std::int64_t o = t * kTile + c;
      Channel& channel = tile.channels[static_cast<std::size_t>(c)];
      if (o >= p.out.c) {
        channel = {.multiplier = 0, .lo = 0, .hi = 0};
        continue;
      }
      channel = p.requant->channel(o);
      std::int64_t sum = 0;
      for (std::int64_t kh = 0; kh < p.kernel_h; ++kh) {
        for (std::int64_t kw = 0; kw < p.kernel_w; ++kw) {
          for (std::int64_t i = 0; i < p.depth; ++i) {
            const std::int64_t weight = p.weight(o, kh, kw, i), x = o / each * p.depth + i;
            const std::int64_t chunk = (kh * p.kernel_w + kw) * tile.words + x / s.k - from;
            sum += weight;
            put(g.w[tile.w_base + static_cast<std::size_t>(chunk)].columns[static_cast<std::size_t>(c)], x % s.k,
                g.b_lane, weight);
          }
        }
      }
      // Padding reads as the zero point, so all taps carry it and the bias takes it off.
      tile.bias[static_cast<std::size_t>(c)] = static_cast<std::int32_t>(
          static_cast<std::uint32_t>(p.bias(o)) - static_cast<std::uint32_t>(p.x_zero_point * sum));
    }
    g.tiles.push_back(tile);
  }

  g.in_h = static_cast<std::uint16_t>(p.in.h);
  g.in_w = static_cast<std::uint16_t>(p.in.w);
  g.out_h = static_cast<std::uint16_t>(p.out.h);
  g.out_w = static_cast<std::uint16_t>(p.out.w);
  g.stride_h = static_cast<std::uint16_t>(p.window.stride_h);
  g.stride_w = static_cast<std::uint16_t>(p.window.stride_w);
  g.pad_top = static_cast<std::uint16_t>(p.window.pad_top);
  g.pad_left = static_cast<std::uint16_t>(p.window.pad_left);
  g.kernel_h = static_cast<std::uint16_t>(p.kernel_h);
  g.kernel_w = static_cast<std::uint16_t>(p.kernel_w);
  g.dilation_h = static_cast<std::uint16_t>(p.window.dilation_h);
  g.dilation_w = static_cast<std::uint16_t>(p.window.dilation_w);
  g.pixels = static_cast<std::uint32_t>(p.out.n * p.out.h * p.out.w);
  const std::int64_t row = p.in.w * s.words;
  g.origin = static_cast<std::int32_t>(-p.window.pad_top * row - p.window.pad_left * s.words);
  g.step_w = static_cast<std::int32_t>(p.window.stride_w * s.words);
  g.step_h = static_cast<std::int32_t>(p.window.stride_h * row);
  g.step_n = static_cast<std::int32_t>(p.in.h * row);
  g.tap_w = static_cast<std::int32_t>(p.window.dilation_w * s.words);
  g.tap_h = static_cast<std::int32_t>(p.window.dilation_h * row);
  // Tiles of channels share a fetched word unless groups give each its own.
  g.block_n = static_cast<std::uint8_t>(p.groups > 1 ? 1 : std::min<std::int64_t>(kTilesBlock, s.tiles));
  const std::int64_t pixel_tiles = (std::int64_t{g.pixels} + kTile - 1) / kTile;
  g.block_m = static_cast<std::uint8_t>(std::min<std::int64_t>(kTilesBlock / g.block_n, pixel_tiles));
  const std::int64_t bytes = s.tiles << s.y_lane, unit = std::max(16, 1 << s.y_lane);
  g.y_stride = static_cast<std::uint16_t>((bytes + unit - 1) / unit * unit);
  g.recipe = p.requant->recipe;
  g.macs = p.out.n * p.out.h * p.out.w * p.out.c * p.kernel_h * p.kernel_w * p.depth;
  return g;
}

}  // namespace

bool multiplies(const LayerJob& job) {
  return std::holds_alternative<Conv2d>(job.node->op) || std::holds_alternative<Dense>(job.node->op) ||
         std::holds_alternative<MatMul>(job.node->op);
}

std::string refusal(const LayerJob& job, const Scratchpads& pads) {
  if (!multiplies(job)) return "not a convolution, dense layer or matrix product";
  if (job.output->shape.elems() == 0) return "the layer has no outputs";
  if (const auto* matmul = std::get_if<MatMul>(&job.node->op)) {
    if (matmul->a_zero_points.size() > 1) return "a zero point for each row";
  }
  std::string why;
  for_each_product(job, [&](const Product& p) {
    why = refusal_of(p, job.output->type, pads);
    return why.empty();
  });
  return why;
}

Lowered lower(const LayerJob& job, const Scratchpads& pads) {
  std::string why = refusal(job, pads);
  if (!why.empty()) return why;
  std::vector<LayerProgram> programs;
  for_each_product(job, [&](const Product& p) {
    programs.push_back(program_of(p, job.output->type));
    return true;
  });
  return programs;
}

Tensor raise(const LayerJob& job, const std::vector<LayerProgram>& programs,
             const std::vector<std::vector<std::uint8_t>>& bytes) {
  Tensor y(job.output->shape, job.output->type);
  std::size_t index = 0;
  for_each_product(job, [&](const Product& p) {
    const LayerProgram& g = programs[index];
    const std::vector<std::uint8_t>& from = bytes[index++];
    OBZ_CHECK(static_cast<std::int64_t>(from.size()) >= g.y_bytes());
    const int bits = 1 << g.y_lane;
    std::size_t pixel = 0;
    for (std::int64_t n = 0; n < p.out.n; ++n) {
      for (std::int64_t h = 0; h < p.out.h; ++h) {
        for (std::int64_t w = 0; w < p.out.w; ++w, pixel += g.y_stride) {
          for (std::int64_t o = 0; o < p.out.c; ++o) {
            // Lanes of a tile of channels are bytes that follow each other, and so are tiles.
            const auto bit = static_cast<std::size_t>(o * bits);
            std::uint64_t raw = 0;
            for (std::size_t i = 0; i < static_cast<std::size_t>(bits + 7) / 8; ++i) {
              raw |= std::uint64_t{from[pixel + bit / 8 + i]} << (8 * i);
            }
            raw = (raw >> (bit % 8)) & ((std::uint64_t{1} << bits) - 1);
            const auto value = static_cast<std::int64_t>(raw);
            y.data[static_cast<std::size_t>(p.y_offset) + p.out.at(n, h, w, o)] =
                static_cast<std::int32_t>(y.type.is_signed ? wrap(value, bits) : value);
          }
        }
      }
    }
    return true;
  });
  return y;
}

}  // namespace obz::accel
