#include "ref/read/onnx/geometry.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace obz::onnx {
namespace {

constexpr std::int64_t kLimit = 1 << 15;  // of strides, dilations, pads and kernels, as in check_window

template <std::size_t N>
std::array<std::int64_t, N> list(const NodeView& view, std::string_view name, std::int64_t otherwise,
                                 std::int64_t least) {
  const std::vector<std::int64_t> values = view.integer_list(name, std::vector<std::int64_t>(N, otherwise));
  if (values.size() != N)
    view.fail(fmt::format("attribute \"{}\": expected {} integers, got {}", name, N, values.size()));
  std::array<std::int64_t, N> result{};
  for (std::size_t i = 0; i < N; ++i) {
    if (values[i] < least || values[i] > kLimit) {
      view.fail(fmt::format("attribute \"{}\": expected integers in {}..{}, got {}", name, least, kLimit, values[i]));
    }
    result[i] = values[i];
  }
  return result;
}

Window make_window(Extents stride, Extents dilation, Extents before, Extents after) {
  const auto narrow = [](std::int64_t v) { return static_cast<std::int32_t>(v); };
  return {.stride_h = narrow(stride[0]),
          .stride_w = narrow(stride[1]),
          .dilation_h = narrow(dilation[0]),
          .dilation_w = narrow(dilation[1]),
          .pad_top = narrow(before[0]),
          .pad_left = narrow(before[1]),
          .pad_bottom = narrow(after[0]),
          .pad_right = narrow(after[1])};
}

}  // namespace

Extents kernel_of(const NodeView& view) {
  if (!view.has_attribute("kernel_shape")) view.fail("expected an attribute \"kernel_shape\", got none");
  return list<2>(view, "kernel_shape", 1, 1);
}

Window window_of(const NodeView& view, Extents in, Extents kernel, bool counts_padding) {
  const Extents stride = list<2>(view, "strides", 1, 1), dilation = list<2>(view, "dilations", 1, 1);
  const auto pads = list<4>(view, "pads", 0, 0);
  const std::string mode = view.text("auto_pad", "NOTSET");
  const bool ceil = view.integer("ceil_mode", 0) != 0;
  Extents before{pads[0], pads[1]}, after{pads[2], pads[3]};
  for (std::size_t i = 0; i < 2; ++i) {
    const std::int64_t span = (kernel[i] - 1) * dilation[i] + 1;
    if (mode == "SAME_UPPER" || mode == "SAME_LOWER") {
      const std::int64_t out = (in[i] + stride[i] - 1) / stride[i];
      const std::int64_t total = std::max<std::int64_t>(0, (out - 1) * stride[i] + span - in[i]);
      before[i] = mode == "SAME_UPPER" ? total / 2 : total - total / 2;
      after[i] = total - before[i];
    } else if (mode == "VALID") {
      before[i] = after[i] = 0;
    } else if (mode != "NOTSET") {
      view.fail("attribute \"auto_pad\": expected NOTSET, SAME_UPPER, SAME_LOWER or VALID, got another string");
    }
    const std::int64_t rest = in[i] + before[i] + after[i] - span;
    if (rest < 0) {
      view.fail(fmt::format("expected a padded extent of at least {}, got {}", span, in[i] + before[i] + after[i]));
    }
    // A last window that starts inside the input or its front padding is kept by ceil_mode.
    const std::int64_t missing = (stride[i] - rest % stride[i]) % stride[i];
    const std::int64_t start = (rest + missing) / stride[i] * stride[i];
    if (!ceil || missing == 0 || start >= in[i] + before[i]) continue;
    if (counts_padding) view.unsupported("ceil_mode with count_include_pad where it enlarges the output");
    after[i] += missing;
  }
  return make_window(stride, dilation, before, after);
}

TransposedWindow transposed_window_of(const NodeView& view, Extents in, Extents kernel) {
  const Extents stride = list<2>(view, "strides", 1, 1), dilation = list<2>(view, "dilations", 1, 1);
  const Extents extra = list<2>(view, "output_padding", 0, 0), wanted = list<2>(view, "output_shape", 0, 0);
  const auto pads = list<4>(view, "pads", 0, 0);
  const std::string mode = view.text("auto_pad", "NOTSET");
  const bool same = mode == "SAME_UPPER" || mode == "SAME_LOWER";
  Extents before{pads[0], pads[1]}, after{pads[2], pads[3]}, out{};
  for (std::size_t i = 0; i < 2; ++i) {
    const std::int64_t whole = stride[i] * (in[i] - 1) + extra[i] + (kernel[i] - 1) * dilation[i] + 1;
    if (mode == "VALID") before[i] = after[i] = 0;
    if (view.has_attribute("output_shape") || same) {
      const std::int64_t target = view.has_attribute("output_shape") ? wanted[i] : in[i] * stride[i];
      const std::int64_t total = whole - target;
      if (total < 0) view.unsupported("an output larger than the transposed convolution's own");
      before[i] = mode == "SAME_UPPER" ? total / 2 : total - total / 2;
      after[i] = total - before[i];
    }
    out[i] = whole - before[i] - after[i];
    if (out[i] < 1 || before[i] > kLimit || after[i] > kLimit) {
      view.fail(fmt::format("expected an output extent of at least 1, got {}", out[i]));
    }
  }
  return {make_window(stride, dilation, before, after), out};
}

}  // namespace obz::onnx
