// Conv2d without im2col: the input becomes one padded image of bytes or int16, and each kernel row (or tap, when
// dilated) is a contiguous stretch of it. Depthwise layers run channel by channel over the same image.
#include <algorithm>
#include <type_traits>

#include "ref/execute/fast/image.hpp"
#include "ref/execute/fast/multiply.hpp"
#include "ref/execute/fast/nodes.hpp"

namespace obz::fast {
namespace {

/// Samples convert together as long as their image stays in L2.
constexpr std::int64_t kPassElements = 1 << 17;

bool pads(const Window& w) { return (w.pad_top | w.pad_left | w.pad_bottom | w.pad_right) != 0; }

/// T: what the kernel reads; Weights: PairProduct or ByteWeights.
template <class T, class Weights>
class ConvNode final : public FastNode {
 public:
  ConvNode(const Conv2d& op, const ImageShape& image, Weights weights, Epilogue epilogue, std::string path)
      : layout_(op.layout),
        window_(op.window),
        image_(image),
        is_pointwise_(std::is_same_v<T, std::uint8_t> && op.filter.weights.shape[1] == 1 &&
                      op.filter.weights.shape[2] == 1 && op.groups == 1 && !pads(op.window)),
        weights_(std::move(weights)),
        epilogue_(std::move(epilogue)),
        path_(std::move(path)) {}

  void run(std::span<const Tensor* const> inputs, Tensor& y) const override {
    run_image(Source(*inputs[0], layout_), Sink(y, layout_), nullptr);
  }
  bool run_values(std::span<const Value> inputs, const Value& y) const override {
    run_source(Source(inputs[0]), Sink(y), nullptr);
    return true;
  }
  bool takes_tail() const override { return true; }
  void run_tail(const Value& x, const TailJob& job) const override { run_source(Source(x), Sink(job.other), &job); }
  void run_tail(const Tensor& x, const TailJob& job) const override {
    run_image(Source(x, layout_), Sink(job.other), &job);
  }
  std::string path() const override { return path_; }

 private:
  /// Of `y` only the extents count where there is a tail.
  void run_source(const Source& x, const Sink& y, const TailJob* tail) const {
    if (is_pointwise_ && x.bytes != nullptr && x.base == image_.offset) {
      run_in_place(x, y, tail);
    } else {
      run_image(x, y, tail);
    }
  }

  void run_image(const Source& x, const Sink& y, const TailJob* tail) const {
    const std::int64_t pass = std::clamp<std::int64_t>(kPassElements / image_.sample_size(), 1, y.n);
    Image<T> image(image_, pass);
    for (std::int64_t n = 0; n < y.n; n += pass) {
      const std::int64_t samples = std::min(pass, y.n - n);
      image.fill(x, n, samples);
      RowGrid<T> g = grid(y, n, samples, tail);
      g.in = image.data();
      g.in_n = image_.sample_size();
      g.in_h = window_.stride_h * image_.row_size();
      g.in_w = window_.stride_w * image_.pixel;
      g.in_group = image_.group_size();
      multiply(weights_, epilogue_, g);
    }
  }

  /// The kernel reads the input itself, pixel by pixel.
  void run_in_place(const Source& x, const Sink& y, const TailJob* tail) const {
    if constexpr (std::is_same_v<T, std::uint8_t>) {
      RowGrid<T> g = grid(y, 0, y.n, tail);
      g.in = x.bytes;
      g.in_n = x.sn;
      g.in_h = window_.stride_h * x.sh;
      g.in_w = window_.stride_w * x.sw;
      multiply(weights_, epilogue_, g);
    }
  }

  RowGrid<T> grid(const Sink& y, std::int64_t first, std::int64_t samples, const TailJob* tail) const {
    RowGrid<T> g{.n = samples, .h = y.h, .w = y.w};
    if (tail != nullptr) {
      g.tail = tail;
      g.out_first = first * y.h * y.w;
      g.out_n = y.h * y.w;
      g.out_h = y.w;
      g.out_w = 1;
      return g;
    }
    if (y.words != nullptr) g.out = y.words + first * y.sn;
    if (y.bytes != nullptr) g.out_bytes = y.bytes + first * y.sn;
    g.out_base = y.base;
    g.out_n = y.sn;
    g.out_h = y.sh;
    g.out_w = y.sw;
    g.out_c = y.sc;
    return g;
  }

  Layout layout_;
  Window window_;
  ImageShape image_;
  bool is_pointwise_;
  Weights weights_;
  Epilogue epilogue_;
  std::string path_;
};

bool is_depthwise(const Conv2d& op, const View4& in) { return op.groups == in.c && in.c > 1; }

/// The part of the padded input that the windows touch.
ImageShape image_shape(const Conv2d& op, const View4& in, const View4& out, const LeftOperand& left) {
  const Window& w = op.window;
  ImageShape s{.layout = op.layout, .pad_top = w.pad_top, .pad_left = w.pad_left};
  s.offset = left.offset;
  s.padding = left.padding;
  s.rows = (out.h - 1) * w.stride_h + (op.filter.weights.shape[1] - 1) * w.dilation_h + 1;
  s.columns = (out.w - 1) * w.stride_w + (op.filter.weights.shape[2] - 1) * w.dilation_w + 1;
  const bool depthwise = is_depthwise(op, in);
  s.groups = depthwise ? 1 : op.groups;
  s.repeat = depthwise ? out.c / in.c : 1;
  s.channels = depthwise ? out.c : in.c / op.groups;
  s.pixel = s.channels;
  return s;
}

/// Padding may blow a small input up without bound (strides and pads reach 2^15); such layers stay naive.
bool is_reasonable(const ImageShape& s, const View4& in) {
  constexpr std::int64_t always = 1 << 22;
  return s.sample_size() <= std::max(always, 8 * in.h * in.w * in.c * s.repeat);
}

std::vector<Run> kernel_rows(const Conv2d& op, const ImageShape& s) {
  const std::int64_t kernel_h = op.filter.weights.shape[1], kernel_w = op.filter.weights.shape[2];
  // Neighbouring taps are neighbours in the image.
  const bool joined = op.window.dilation_w == 1 && s.pixel == s.channels;
  std::vector<Run> runs;
  for (std::int64_t kh = 0; kh < kernel_h; ++kh) {
    for (std::int64_t kw = 0; kw < (joined ? 1 : kernel_w); ++kw) {
      const std::int64_t offset = kh * op.window.dilation_h * s.row_size() + kw * op.window.dilation_w * s.pixel;
      runs.push_back({offset, (joined ? kernel_w : 1) * s.channels});
    }
  }
  return runs;
}

std::vector<std::int64_t> tap_offsets(const Conv2d& op, const ImageShape& s) {
  std::vector<std::int64_t> offsets;
  for (std::int64_t kh = 0; kh < op.filter.weights.shape[1]; ++kh) {
    for (std::int64_t kw = 0; kw < op.filter.weights.shape[2]; ++kw) {
      offsets.push_back(kh * op.window.dilation_h * s.row_size() + kw * op.window.dilation_w * s.pixel);
    }
  }
  return offsets;
}

WeightView weight_view(const Conv2d& op) {
  return {op.filter.weights.data.data(), elems_between(op.filter.weights.shape, 1, 4), 1, op.filter.zero_points};
}

/// By bytes; nullptr where that is impossible or slower.
Prepared prepare_bytes(const NodeSite& site, const Conv2d& op, const View4& in, const View4& out) {
  const auto filter =
      plan_filter(op.filter, byte_operand(site.range(0), op.x_zero_point, pads(op.window)), op.accumulator);
  if (!filter || filter->plan.mode == SumMode::wide) return nullptr;
  ImageShape image = image_shape(op, in, out, filter->left);
  image.pixel = spread_pixel(image.channels);
  if (!is_reasonable(image, in)) return nullptr;
  const std::int64_t outputs = out.c / image.groups;
  auto weights =
      ByteWeights::pack(kernel_rows(op, image), image.groups, outputs, weight_view(op), filter->left.largest);
  if (!weights) return nullptr;
  Epilogue epilogue({image.groups, outputs}, filter->plan.mode, filter->sums, op.accumulator, op.requant,
                    out.n * out.h * out.w);
  std::string path = product_path(*weights, epilogue);
  return std::make_unique<ConvNode<std::uint8_t, ByteWeights>>(op, image, std::move(*weights), std::move(epilogue),
                                                               std::move(path));
}

/// By 16-bit operands: dot products, or channel by channel.
Prepared prepare_pairs(const NodeSite& site, const Conv2d& op, const View4& in, const View4& out) {
  const auto filter = plan_filter(op.filter, left_operand(site.in(0).type, op.x_zero_point), op.accumulator);
  if (!filter) return nullptr;
  const ImageShape image = image_shape(op, in, out, filter->left);
  if (!is_reasonable(image, in)) return nullptr;
  const std::int64_t most = filter->plan.block_length, taps = elems_between(op.filter.weights.shape, 1, 3);
  const bool depthwise = is_depthwise(op, in);
  if (depthwise && most > 0 && taps > most) return nullptr;  // its one block would leave 32 bits
  DepthPlan depth = depthwise ? plan_channels(tap_offsets(op, image)) : plan_pairs(kernel_rows(op, image), most);
  const std::int64_t outputs = out.c / image.groups;
  PackedWeights weights(depth, image.groups, outputs, weight_view(op));
  Epilogue epilogue({image.groups, outputs}, filter->plan.mode, filter->sums, op.accumulator, op.requant,
                    out.n * out.h * out.w);
  std::string path = product_path(depth, epilogue);
  return std::make_unique<ConvNode<std::int16_t, PairProduct>>(
      op, image, PairProduct{std::move(depth), std::move(weights)}, std::move(epilogue), std::move(path));
}

}  // namespace

Prepared prepare(const NodeSite& site, const Conv2d& op) {
  if (site.out().shape.elems() == 0 || op.filter.weights.elems() == 0) return nullptr;
  const View4 in(site.in(0).shape, op.layout), out(site.out().shape, op.layout);
  Prepared bytes = is_depthwise(op, in) ? nullptr : prepare_bytes(site, op, in, out);
  return bytes ? std::move(bytes) : prepare_pairs(site, op, in, out);
}

}  // namespace obz::fast
