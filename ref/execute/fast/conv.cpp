// Conv2d without im2col: the input becomes one padded int16 image, and each kernel row (or tap, when dilated)
// is a contiguous stretch of it. Depthwise layers run channel by channel over the same image.
#include <algorithm>

#include "ref/execute/fast/image.hpp"
#include "ref/execute/fast/multiply.hpp"
#include "ref/execute/fast/nodes.hpp"

namespace obz::fast {
namespace {

/// Samples convert together as long as their image stays in L2.
constexpr std::int64_t kPassElements = 1 << 17;

class ConvNode final : public FastNode {
 public:
  ConvNode(const Conv2d& op, const ImageShape& image, DepthPlan depth, Epilogue epilogue)
      : layout_(op.layout),
        window_(op.window),
        image_(image),
        depth_(std::move(depth)),
        epilogue_(std::move(epilogue)),
        weights_(depth_, epilogue_.map().groups, epilogue_.map().outputs,
                 WeightView{op.filter.weights.data.data(), elems_between(op.filter.weights.shape, 1, 4), 1,
                            op.filter.zero_points}) {}

  void run(std::span<const Tensor* const> inputs, Tensor& y) const override {
    const View4 out(y.shape, layout_);
    const std::int64_t pass = std::clamp<std::int64_t>(kPassElements / image_.sample_size(), 1, out.n);
    Image image(image_, pass);
    for (std::int64_t n = 0; n < out.n; n += pass) {
      const std::int64_t samples = std::min(pass, out.n - n);
      image.fill(*inputs[0], n, samples);
      multiply(depth_, weights_, epilogue_, grid(image, out, n, samples, y));
    }
  }

  std::string path() const override { return product_path(depth_, epilogue_); }

 private:
  RowGrid grid(const Image& image, const View4& out, std::int64_t first, std::int64_t samples, Tensor& y) const {
    RowGrid g{.n = samples, .h = out.h, .w = out.w};
    g.in = image.data();
    g.in_n = image_.sample_size();
    g.in_h = window_.stride_h * image_.row_size();
    g.in_w = window_.stride_w * image_.channels;
    g.in_group = image_.group_size();
    g.out = y.data.data() + first * out.sn;
    g.out_n = out.sn;
    g.out_h = out.sh;
    g.out_w = out.sw;
    g.out_c = out.sc;
    return g;
  }

  Layout layout_;
  Window window_;
  ImageShape image_;
  DepthPlan depth_;
  Epilogue epilogue_;
  PackedWeights weights_;
};

bool is_depthwise(const Conv2d& op, const View4& in) { return op.groups == in.c && in.c > 1; }

/// The part of the padded input that the windows touch.
ImageShape image_shape(const Conv2d& op, const View4& in, const View4& out, const LeftOperand& left) {
  const Window& w = op.window;
  ImageShape s{.layout = op.layout, .pad_top = w.pad_top, .pad_left = w.pad_left, .left = left};
  s.rows = (out.h - 1) * w.stride_h + (op.filter.weights.shape[1] - 1) * w.dilation_h + 1;
  s.columns = (out.w - 1) * w.stride_w + (op.filter.weights.shape[2] - 1) * w.dilation_w + 1;
  const bool depthwise = is_depthwise(op, in);
  s.groups = depthwise ? 1 : op.groups;
  s.repeat = depthwise ? out.c / in.c : 1;
  s.channels = depthwise ? out.c : in.c / op.groups;
  return s;
}

/// Padding may blow a small input up without bound (strides and pads reach 2^15); such layers stay naive.
bool is_reasonable(const ImageShape& s, const View4& in) {
  constexpr std::int64_t always = 1 << 22;
  return s.sample_size() <= std::max(always, 8 * in.h * in.w * in.c * s.repeat);
}

std::vector<Run> kernel_rows(const Conv2d& op, const ImageShape& s) {
  const std::int64_t kernel_h = op.filter.weights.shape[1], kernel_w = op.filter.weights.shape[2];
  const bool joined = op.window.dilation_w == 1;  // neighbouring taps are neighbours in the image
  std::vector<Run> runs;
  for (std::int64_t kh = 0; kh < kernel_h; ++kh) {
    for (std::int64_t kw = 0; kw < (joined ? 1 : kernel_w); ++kw) {
      const std::int64_t offset = kh * op.window.dilation_h * s.row_size() + kw * op.window.dilation_w * s.channels;
      runs.push_back({offset, (joined ? kernel_w : 1) * s.channels});
    }
  }
  return runs;
}

std::vector<std::int64_t> tap_offsets(const Conv2d& op, const ImageShape& s) {
  std::vector<std::int64_t> offsets;
  for (std::int64_t kh = 0; kh < op.filter.weights.shape[1]; ++kh) {
    for (std::int64_t kw = 0; kw < op.filter.weights.shape[2]; ++kw) {
      offsets.push_back(kh * op.window.dilation_h * s.row_size() + kw * op.window.dilation_w * s.channels);
    }
  }
  return offsets;
}

}  // namespace

Prepared prepare(const NodeSite& site, const Conv2d& op) {
  if (site.out().shape.elems() == 0 || op.filter.weights.elems() == 0) return nullptr;
  const View4 in(site.in(0).shape, op.layout), out(site.out().shape, op.layout);
  const auto filter = plan_filter(op.filter, site.in(0).type, op.x_zero_point, op.accumulator);
  if (!filter) return nullptr;
  const ImageShape image = image_shape(op, in, out, filter->left);
  if (!is_reasonable(image, in)) return nullptr;
  const std::int64_t most = filter->plan.block_length, taps = elems_between(op.filter.weights.shape, 1, 3);
  const bool depthwise = is_depthwise(op, in);
  if (depthwise && most > 0 && taps > most) return nullptr;  // its one block would leave 32 bits
  DepthPlan depth = depthwise ? plan_channels(tap_offsets(op, image)) : plan_pairs(kernel_rows(op, image), most);
  Epilogue epilogue({image.groups, out.c / image.groups}, filter->plan.mode, filter->sums, op.accumulator, op.requant);
  return std::make_unique<ConvNode>(op, image, std::move(depth), std::move(epilogue));
}

}  // namespace obz::fast
