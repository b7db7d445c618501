#include "ref/execute/fast/byte_node.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "ref/execute/fast/byte_sum.hpp"
#include "ref/execute/fast/parallel.hpp"
#include "ref/execute/fast/requant_lanes.hpp"
#include "ref/execute/fast/tabulate.hpp"
#include "ref/net/validate.hpp"

namespace obz::fast {
namespace {

constexpr std::int64_t kGrain = 1 << 14;

/// y = table[x]
class ByteTable final : public ByteNode {
 public:
  explicit ByteTable(std::vector<std::uint8_t> table) : table_(std::move(table)) {}
  void run(std::span<const Value> in, const Value& y) const override {
    for_ranges(y.size(), kGrain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) y.bytes[i] = table_[in[0].bytes[i]];
    });
  }
  const char* path() const override { return "table"; }

 private:
  std::vector<std::uint8_t> table_;
};

/// y = table[256 * a + b]
class ByteTable2 final : public ByteNode {
 public:
  explicit ByteTable2(std::vector<std::uint8_t> table) : table_(std::move(table)) {}
  void run(std::span<const Value> in, const Value& y) const override {
    for_ranges(y.size(), kGrain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) y.bytes[i] = table_[in[0].bytes[i] * 256U + in[1].bytes[i]];
    });
  }
  const char* path() const override { return "table"; }

 private:
  std::vector<std::uint8_t> table_;
};

class ByteSumNode final : public ByteNode {
 public:
  explicit ByteSumNode(const ByteSum& sum) : sum_(sum) {}
  void run(std::span<const Value> in, const Value& y) const override {
    for_ranges(y.size(), kGrain, [&](std::int64_t begin, std::int64_t end) {
      sum_bytes(sum_, in[0].bytes + begin, in[1].bytes + begin, end - begin, y.bytes + begin);
    });
  }
  const char* path() const override { return "vector"; }

 private:
  ByteSum sum_;
};

/// Windows pixel by pixel, all channels at once.
class ByteMaxPool final : public ByteNode {
 public:
  ByteMaxPool(const MaxPool& op, IntType type) : op_(op), lowest_(static_cast<std::int32_t>(type.min())) {}

  void run(std::span<const Value> in, const Value& y) const override {
    const Value& x = in[0];
    for_ranges(y.n * y.h, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) row(x, y, i / y.h, i % y.h);
    });
  }
  const char* path() const override { return "rows"; }

 private:
  /// to[i] = max(to[i], from[i])
  static void raise(const std::uint8_t* __restrict from, std::int64_t count, std::uint8_t* __restrict to) {
    for (std::int64_t i = 0; i < count; ++i) to[i] = from[i] > to[i] ? from[i] : to[i];
  }

  /// Down the columns of the window's rows first, then along the row.
  void row(const Value& x, const Value& y, std::int64_t n, std::int64_t oh) const {
    const Window& w = op_.window;
    std::vector<std::uint8_t> columns(static_cast<std::size_t>(x.w * x.pixel));
    bool any_row = false;
    for (std::int64_t kh = 0; kh < op_.kernel_h; ++kh) {
      const std::int64_t h = oh * w.stride_h + kh * w.dilation_h - w.pad_top;
      if (h < 0 || h >= x.h) continue;
      const std::uint8_t* const from = x.bytes + (n * x.h + h) * x.w * x.pixel;
      if (!any_row) {
        std::copy_n(from, x.w * x.pixel, columns.data());
      } else {
        raise(from, x.w * x.pixel, columns.data());
      }
      any_row = true;
    }
    const bool changes = op_.lo > x.base || op_.hi < x.base + UINT8_MAX || x.base != y.base;
    const auto finish = [&](std::int32_t v) {
      return static_cast<std::uint8_t>(std::clamp(v, op_.lo, op_.hi) - y.base);
    };
    std::uint8_t finished[256];
    for (int v = 0; v < 256; ++v) finished[v] = finish(v + x.base);
    for (std::int64_t ow = 0; ow < y.w; ++ow) {
      std::uint8_t* const to = y.bytes + ((n * y.h + oh) * y.w + ow) * y.pixel;
      bool any = false;
      for (std::int64_t kw = 0; any_row && kw < op_.kernel_w; ++kw) {
        const std::int64_t column = ow * w.stride_w + kw * w.dilation_w - w.pad_left;
        if (column < 0 || column >= x.w) continue;
        const std::uint8_t* const from = columns.data() + column * x.pixel;
        if (!any) {
          std::memcpy(to, from, static_cast<std::size_t>(x.c));
        } else {
          raise(from, x.c, to);
        }
        any = true;
      }
      if (!any) {
        std::fill_n(to, y.c, finish(lowest_));
      } else if (changes) {
        for (std::int64_t c = 0; c < y.c; ++c) to[c] = finished[to[c]];
      }
    }
  }

  MaxPool op_;
  std::int32_t lowest_;
};

// --- additions ------------------------------------------------------------------------------------------------

double real_scale(const Requant& r) {
  const Channel& c = r.channels[0];
  return r.recipe.arithmetic == Arithmetic::dyadic ? std::ldexp(static_cast<double>(c.multiplier), -c.shift) : c.scale;
}

/// Whether the sum equals the table for every pair of bytes.
bool equals(const ByteSum& sum, const std::vector<std::uint8_t>& table, std::int64_t count_a, std::int64_t count_b) {
  std::uint8_t b[256], y[256], a[256];
  for (int i = 0; i < 256; ++i) b[i] = static_cast<std::uint8_t>(i);
  for (std::int64_t i = 0; i < count_a; ++i) {
    std::fill_n(a, 256, static_cast<std::uint8_t>(i));
    sum_bytes(sum, a, b, count_b, y);
    if (std::memcmp(y, table.data() + 256 * i, static_cast<std::size_t>(count_b)) != 0) return false;
  }
  return true;
}

/// A sum in float32 that is this addition for every pair of values; nullopt: none of those tried is.
std::optional<ByteSum> find_sum(const Add& op, const ByteSite& s, const std::vector<std::uint8_t>& table,
                                std::int64_t count_a, std::int64_t count_b) {
  const auto unbias = -std::bit_cast<std::int32_t>(kRoundToInteger);
  double a = real_scale(op.branch_a), b = real_scale(op.branch_b), out = 1;
  if (op.floating) {
    out = 1 / op.out.channels[0].scale;
  } else {
    out = real_scale(op.out) * std::ldexp(1.0, op.left_shift);
  }
  a *= out;
  b *= op.subtract ? -out : out;
  const Channel& c = op.out.channels[0];
  const std::int64_t add_a = s.in_bases[0] - op.a_zero_point, add_b = s.in_bases[1] - op.b_zero_point;
  constexpr std::int64_t far = 1 << 16;
  const bool in_range = std::abs(a) < 32 && std::abs(b) < 32 && std::abs(add_a) < far && std::abs(add_b) < far;
  if (!in_range || std::abs(c.zero_point) > 1 << 20) return std::nullopt;  // NaN, too, is not in range
  const std::int64_t shift = c.zero_point - s.out_base;
  for (const bool apart : {false, true}) {
    for (const int ulps_a : {0, 1, -1, 2, -2}) {
      for (const int ulps_b : {0, 1, -1, 2, -2}) {
        const auto nudged = [](double v, int ulps) {
          auto f = static_cast<float>(v);
          for (int k = 0; k < std::abs(ulps); ++k) f = std::nextafter(f, ulps > 0 ? 1e9F : -1e9F);
          return f;
        };
        ByteSum sum{nudged(a, ulps_a), nudged(b, ulps_b), static_cast<std::int32_t>(add_a),
                    static_cast<std::int32_t>(add_b), apart};
        sum.after =
            static_cast<std::int32_t>(static_cast<std::uint32_t>(apart ? 2 : 1) * static_cast<std::uint32_t>(unbias) +
                                      static_cast<std::uint32_t>(shift));
        sum.lo = static_cast<std::int32_t>(std::clamp<std::int64_t>(c.lo - s.out_base, 0, 255));
        sum.hi = static_cast<std::int32_t>(std::clamp<std::int64_t>(c.hi - s.out_base, 0, 255));
        if (equals(sum, table, count_a, count_b)) return sum;
      }
    }
  }
  return std::nullopt;
}

// --- which form -----------------------------------------------------------------------------------------------

/// Integers that a byte of input i can stand for.
Tensor values_of(const ByteSite& s, std::size_t i, const Shape& shape) {
  const Range range = s.site.range(i);
  Tensor values(shape, s.site.in(i).type);
  for (std::size_t k = 0; k < values.data.size(); ++k) {
    values.data[k] =
        static_cast<std::int32_t>(std::min<std::int64_t>(s.in_bases[i] + static_cast<std::int64_t>(k), range.hi));
  }
  return values;
}

bool is_uniform(const Lookup&) { return true; }
bool is_uniform(const Rescale& op) { return op.requant.channels.size() == 1; }

struct ByteForm {
  const ByteSite& s;

  std::int64_t count(std::size_t i) const { return s.site.range(i).hi - s.in_bases[i] + 1; }

  template <class Op>
  std::unique_ptr<ByteNode> unary(const Op& op) const {
    if (!is_uniform(op)) return nullptr;
    const Shape shape{count(0)};
    auto changed = op;
    if constexpr (requires { changed.axis; }) changed.axis = 0;
    const auto y = tabulate(changed, {values_of(s, 0, shape)}, shape, s.site.out().type);
    if (!y) return nullptr;
    std::vector<std::uint8_t> table(256);
    for (std::size_t i = 0; i < y->data.size(); ++i) table[i] = static_cast<std::uint8_t>(y->data[i] - s.out_base);
    return std::make_unique<ByteTable>(std::move(table));
  }

  template <class Op>
  std::unique_ptr<ByteNode> binary(const Op& op) const {
    if (s.site.in(0).shape != s.site.out().shape || s.site.in(1).shape != s.site.out().shape) return nullptr;
    const std::int64_t na = count(0), nb = count(1);
    const auto y =
        tabulate(op, {values_of(s, 0, Shape{na, 1}), values_of(s, 1, Shape{1, nb})}, Shape{na, nb}, s.site.out().type);
    if (!y) return nullptr;
    std::vector<std::uint8_t> table(1 << 16);
    for (std::int64_t i = 0; i < na * nb; ++i) {
      table[static_cast<std::size_t>(i / nb * 256 + i % nb)] =
          static_cast<std::uint8_t>(y->data[static_cast<std::size_t>(i)] - s.out_base);
    }
    if constexpr (std::is_same_v<Op, Add>) {
      if (const auto sum = find_sum(op, s, table, na, nb)) return std::make_unique<ByteSumNode>(*sum);
    }
    return std::make_unique<ByteTable2>(std::move(table));
  }

  std::unique_ptr<ByteNode> operator()(const Add& op) const { return binary(op); }
  std::unique_ptr<ByteNode> operator()(const Mul& op) const { return binary(op); }
  std::unique_ptr<ByteNode> operator()(const MinMax& op) const { return binary(op); }
  std::unique_ptr<ByteNode> operator()(const Rescale& op) const { return unary(op); }
  std::unique_ptr<ByteNode> operator()(const Lookup& op) const { return unary(op); }
  std::unique_ptr<ByteNode> operator()(const MaxPool& op) const {
    return std::make_unique<ByteMaxPool>(op, s.site.in(0).type);
  }
  template <class Op>
  std::unique_ptr<ByteNode> operator()(const Op&) const {
    return nullptr;
  }
};

}  // namespace

std::unique_ptr<ByteNode> prepare_byte_node(const ByteSite& site) {
  return std::visit(ByteForm{site}, site.site.node.op);
}

}  // namespace obz::fast
