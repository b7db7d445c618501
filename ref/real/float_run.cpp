#include "ref/real/float_run.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>
#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>

#include "ref/base/error.hpp"
#include "ref/real/float_kernel.hpp"

namespace obz {
namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

/// Weights as panels of kFloatPanel channels: [panel][term][channel], the last one filled up with 0.
std::vector<float> packed(const FloatTensor& weights, std::int64_t first, std::int64_t count) {
  const std::int64_t terms = weights.shape.elems() / weights.shape[0];
  const std::int64_t panels = (count + kFloatPanel - 1) / kFloatPanel;
  std::vector<float> values(at(panels * terms * kFloatPanel));
  for (std::int64_t o = 0; o < count; ++o) {
    for (std::int64_t t = 0; t < terms; ++t) {
      values[at((o / kFloatPanel * terms + t) * kFloatPanel + o % kFloatPanel)] =
          weights.data[at((first + o) * terms + t)];
    }
  }
  return values;
}

/// NCHW channels of one group as a padded [row][column][channel] image.
struct PaddedImage {
  std::int64_t rows, columns, channels;
  std::vector<float> values;

  PaddedImage(const FloatTensor& x, const Window& w, std::int64_t first, std::int64_t count)
      : rows(x.shape[2] + w.pad_top + w.pad_bottom),
        columns(x.shape[3] + w.pad_left + w.pad_right),
        channels(count),
        values(at(rows * columns * channels)) {
    const std::int64_t h = x.shape[2], wide = x.shape[3];
    for (std::int64_t c = 0; c < count; ++c) {
      for (std::int64_t i = 0; i < h; ++i) {
        const float* from = &x.data[at(((first + c) * h + i) * wide)];
        float* to = &values[at(((i + w.pad_top) * columns + w.pad_left) * channels + c)];
        for (std::int64_t j = 0; j < wide; ++j) to[j * channels] = from[j];
      }
    }
  }
};

void run_group(const FloatConv& op, const FloatTensor& x, FloatTensor& y, std::int64_t group) {
  const std::int64_t inputs = op.weights.shape[3], outputs = op.weights.shape[0] / op.groups;
  const std::int64_t kh = op.weights.shape[1], kw = op.weights.shape[2], out_h = y.shape[2], out_w = y.shape[3];
  const PaddedImage image(x, op.window, group * inputs, inputs);
  const std::vector<float> panels = packed(op.weights, group * outputs, outputs);
  const std::int64_t terms = kh * kw * inputs, panel_count = (outputs + kFloatPanel - 1) / kFloatPanel;
  std::vector<std::int64_t> offsets;
  for (std::int64_t i = 0; i < kh; ++i) {
    for (std::int64_t j = 0; j < kw; ++j) {
      offsets.push_back((i * op.window.dilation_h * image.columns + j * op.window.dilation_w) * inputs);
    }
  }
  tbb::parallel_for(tbb::blocked_range<std::int64_t>(0, out_h * panel_count), [&](const auto& range) {
    std::array<float, 4 * kFloatPanel> tile{};
    std::array<float, kFloatPanel> start{};
    for (std::int64_t task = range.begin(); task < range.end(); ++task) {
      const std::int64_t panel = task / out_h, oh = task % out_h, first = group * outputs + panel * kFloatPanel;
      const std::int64_t width = std::min(kFloatPanel, outputs - panel * kFloatPanel);
      for (std::int64_t c = 0; c < width; ++c) start[at(c)] = op.bias.empty() ? 0.0F : op.bias[at(first + c)];
      for (std::int64_t ow = 0; ow < out_w; ow += 4) {
        std::array<const float*, 4> rows{};
        const std::int64_t count = std::min<std::int64_t>(4, out_w - ow);
        for (std::int64_t r = 0; r < count; ++r) {
          rows[at(r)] =
              image.values.data() + (oh * op.window.stride_h * image.columns + (ow + r) * op.window.stride_w) * inputs;
        }
        multiply_floats({rows.data(), count, offsets.data(), static_cast<std::int64_t>(offsets.size()), inputs,
                         panels.data() + panel * terms * kFloatPanel, start.data(), tile.data()});
        for (std::int64_t c = 0; c < width; ++c) {
          float* to = &y.data[at(((first + c) * out_h + oh) * out_w + ow)];
          for (std::int64_t r = 0; r < count; ++r) to[r] = tile[at(r * kFloatPanel + c)];
        }
      }
    }
  });
}

/// Sum and count of what lies inside each window; `f(channel plane index, values inside, count inside)`.
template <class Combine>
void for_each_window(const Window& w, std::int32_t kernel_h, std::int32_t kernel_w, const FloatTensor& x,
                     FloatTensor& y, Combine combine) {
  const std::int64_t h = x.shape[2], wide = x.shape[3], out_h = y.shape[2], out_w = y.shape[3];
  std::vector<float> inside;
  for (std::int64_t c = 0; c < x.shape[0] * x.shape[1]; ++c) {
    for (std::int64_t oh = 0; oh < out_h; ++oh) {
      for (std::int64_t ow = 0; ow < out_w; ++ow) {
        inside.clear();
        for (std::int64_t i = 0; i < kernel_h; ++i) {
          const std::int64_t ih = oh * w.stride_h + i * w.dilation_h - w.pad_top;
          if (ih < 0 || ih >= h) continue;
          for (std::int64_t j = 0; j < kernel_w; ++j) {
            const std::int64_t iw = ow * w.stride_w + j * w.dilation_w - w.pad_left;
            if (iw >= 0 && iw < wide) inside.push_back(x.data[at((c * h + ih) * wide + iw)]);
          }
        }
        y.data[at((c * out_h + oh) * out_w + ow)] = combine(inside);
      }
    }
  }
}

struct Run {
  std::span<const FloatTensor* const> in;
  FloatTensor& y;

  void operator()(const FloatConv& op) const {
    for (std::int64_t g = 0; g < op.groups; ++g) run_group(op, *in[0], y, g);
  }
  void operator()(const FloatDense& op) const {
    const std::vector<float> panels = packed(op.weights, 0, op.weights.shape[0]);
    const std::int64_t outputs = op.weights.shape[0], terms = op.weights.shape[1], offset = 0;
    for (std::int64_t row = 0; row < y.shape[0]; ++row) {
      const float* x = &in[0]->data[at(row * terms)];
      for (std::int64_t first = 0; first < outputs; first += kFloatPanel) {
        std::array<float, kFloatPanel> start{}, tile{};
        const std::int64_t width = std::min(kFloatPanel, outputs - first);
        for (std::int64_t c = 0; c < width; ++c) start[at(c)] = op.bias.empty() ? 0.0F : op.bias[at(first + c)];
        multiply_floats({&x, 1, &offset, 1, terms, panels.data() + first * terms, start.data(), tile.data()});
        std::copy_n(tile.begin(), width, &y.data[at(row * outputs + first)]);
      }
    }
  }
  void operator()(const FloatBatchNorm& op) const {
    const std::int64_t channels = in[0]->shape[1], plane = in[0]->shape.elems() / in[0]->shape[0] / channels;
    for (std::size_t i = 0; i < y.data.size(); ++i) {
      const std::size_t c = i / at(plane) % at(channels);
      y.data[i] = (in[0]->data[i] - op.mean[c]) / std::sqrt(op.variance[c] + op.epsilon) * op.gain[c] + op.shift[c];
    }
  }
  void operator()(const FloatClip& op) const {
    std::transform(in[0]->data.begin(), in[0]->data.end(), y.data.begin(),
                   [&](float v) { return std::min(std::max(v, op.lo), op.hi); });
  }
  void operator()(const FloatAdd&) const {
    std::transform(in[0]->data.begin(), in[0]->data.end(), in[1]->data.begin(), y.data.begin(), std::plus<>());
  }
  void operator()(const FloatConcat& op) const {
    const auto axis = static_cast<std::size_t>(op.axis);
    const std::int64_t outer = elems_between(y.shape, 0, axis);
    std::size_t to = 0;
    for (std::int64_t o = 0; o < outer; ++o) {
      for (const FloatTensor* part : in) {
        const std::size_t block = part->data.size() / at(outer);
        std::copy_n(part->data.begin() + static_cast<std::ptrdiff_t>(at(o) * block), block,
                    y.data.begin() + static_cast<std::ptrdiff_t>(to));
        to += block;
      }
    }
  }
  void operator()(const FloatMaxPool& op) const {
    for_each_window(op.window, op.kernel_h, op.kernel_w, *in[0], y, [](const std::vector<float>& v) {
      return v.empty() ? 0.0F : *std::max_element(v.begin(), v.end());
    });
  }
  void operator()(const FloatAvgPool& op) const {
    for_each_window(op.window, op.kernel_h, op.kernel_w, *in[0], y, [&](const std::vector<float>& v) {
      float sum = 0;
      for (const float x : v) sum += x;
      const auto count = op.count_includes_pad ? at(std::int64_t{op.kernel_h} * op.kernel_w) : v.size();
      return count == 0 ? 0.0F : sum / static_cast<float>(count);
    });
  }
  /// Positions move like integers do: the integer operator moves their numbers.
  template <class Movement>
  void operator()(const Movement& op) const {
    constexpr std::int32_t nowhere = -1;
    const IntType type{32, true};
    Tensor from(in[0]->shape, type), to(y.shape, type);
    for (std::size_t i = 0; i < from.data.size(); ++i) from.data[i] = static_cast<std::int32_t>(i);
    Movement moved = op;
    if constexpr (std::is_same_v<Movement, Pad>) moved.value = nowhere;
    run(moved, from, to);
    for (std::size_t i = 0; i < to.data.size(); ++i) {
      y.data[i] = to.data[i] == nowhere ? 0.0F : in[0]->data[static_cast<std::size_t>(to.data[i])];
    }
  }
};

}  // namespace

FloatTensor run_float(const FloatNode& node, std::span<const FloatTensor* const> inputs, const Shape& shape) {
  FloatTensor y{shape, std::vector<float>(at(shape.elems()))};
  std::visit(Run{inputs, y}, node.op);
  return y;
}

FloatTensor run_float(const FloatNet& net, const FloatTensor& x, const FloatTap& tap) {
  const Shape& expected = net.values[at(net.input)].shape;
  if (x.shape != expected) {
    throw Error(fmt::format("{}: expected an input {}, got {}", net.name, expected.text(), x.shape.text()));
  }
  for (std::size_t i = 0; i < x.data.size(); ++i) {
    if (!std::isfinite(x.data[i])) {
      throw Error(fmt::format("{}: input element {} is {}, expected a finite number", net.name, i, x.data[i]));
    }
  }
  std::vector<int> left = use_counts(net);
  std::vector<FloatTensor> values(net.values.size());
  values[at(net.input)] = x;
  if (tap) tap(net.input, x);
  for (const FloatNode& node : net.nodes) {
    std::vector<const FloatTensor*> inputs;
    for (const int i : node.inputs) inputs.push_back(&values[at(i)]);
    FloatTensor y = run_float(node, inputs, net.values[at(node.output)].shape);
    if (tap) tap(node.output, y);
    values[at(node.output)] = std::move(y);
    for (const int i : node.inputs) {
      if (--left[at(i)] == 0) values[at(i)] = {};
    }
  }
  return std::move(values[at(net.output)]);
}

}  // namespace obz
