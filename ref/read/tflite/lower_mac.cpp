// Operators that multiply and accumulate.
#include <algorithm>

#include <fmt/format.h>

#include "ref/base/error.hpp"
#include "ref/read/tflite/lowering.hpp"

namespace obz::tflite {
namespace {

void require_rank4(const TensorDef& t, const std::string& where) {
  if (t.shape.rank() != 4) {
    throw Error(fmt::format("{}: tensor \"{}\": expected rank 4, got {}", where, t.name, t.shape.text()));
  }
}

}  // namespace

/// TFLite's SAME: the output is ceil(in / stride), what is missing is padded with the smaller half in front.
Window Lowering::window(std::int64_t in_h, std::int64_t in_w, std::int64_t kernel_h, std::int64_t kernel_w) const {
  const Options& o = op().options;
  Window w{.stride_h = o.stride_h, .stride_w = o.stride_w, .dilation_h = o.dilation_h, .dilation_w = o.dilation_w};
  check_window(w, where());
  if (!o.same_padding) return w;
  const auto total = [](std::int64_t in, std::int64_t kernel, std::int64_t stride, std::int64_t dilation) {
    const std::int64_t out = (in + stride - 1) / stride;
    return std::max<std::int64_t>(0, (out - 1) * stride + (kernel - 1) * dilation + 1 - in);
  };
  const std::int64_t h = total(in_h, kernel_h, w.stride_h, w.dilation_h);
  const std::int64_t v = total(in_w, kernel_w, w.stride_w, w.dilation_w);
  w.pad_top = static_cast<std::int32_t>(h / 2);
  w.pad_bottom = static_cast<std::int32_t>(h - h / 2);
  w.pad_left = static_cast<std::int32_t>(v / 2);
  w.pad_right = static_cast<std::int32_t>(v - v / 2);
  return w;
}

std::vector<std::int64_t> Lowering::bias_of(std::size_t i, std::int64_t channels) const {
  if (!has_input(i)) return {};
  std::vector<std::int64_t> bias = int_list(i);
  if (static_cast<std::int64_t>(bias.size()) != channels) {
    throw Error(fmt::format("{}: expected {} bias values, got {}", where(), channels, bias.size()));
  }
  return bias;
}

Filter Lowering::filter(const Shape& shape, Tensor weights, std::size_t weights_input, std::size_t bias_input) const {
  const TensorDef& def = in(weights_input);
  weights.shape = shape;
  Filter f{std::move(weights), bias_of(bias_input, shape[0]), {}};
  const bool all_zero =
      std::all_of(def.zero_points.begin(), def.zero_points.end(), [](std::int64_t z) { return z == 0; });
  if (!all_zero) f.zero_points = def.zero_points;
  return f;
}

/// 16-bit activations with 64-bit bias take TFLite's int64 accumulator and 16-bit multiplier.
const Profile& Lowering::mac_profile(std::size_t x, std::size_t bias_input) const {
  const bool tflite_family = profile_.add == AddRule::common_scale && profile_.is_dyadic();
  const bool wide = in(x).type == Type::int16 && has_input(bias_input) && in(bias_input).type == Type::int64;
  if (!wide || !tflite_family) return profile_;
  return find_profile(profile_.id.starts_with("cmsis-nn/") ? "cmsis-nn/int16" : "tflite/int16");
}

Requant Lowering::mac_requant(std::size_t x, std::size_t w, std::int64_t channels, const Profile& profile) const {
  const TensorDef& weights = in(w);
  if (weights.has_custom_quantization) unsupported("blockwise or custom weight quantization");
  const auto count = static_cast<std::int64_t>(weights.scales.size());
  if (count != 1 && count != channels) {
    throw Error(fmt::format("{}: expected 1 or {} weight scales, got {}", where(), channels, count));
  }
  // TFLite forms per-channel scales in double for every signed convolution, even with one scale; the legacy uint8
  // path and the fully connected layer with one scale multiply in float32 first.
  const bool convolution = op().name != "FULLY_CONNECTED" && op().name != "BATCH_MATMUL";
  const bool per_channel = count > 1 || (convolution && in(x).type != Type::uint8);
  return fill_requant(profile, scale(in(x)), weights.scales, per_channel, output(op().options.activation), where());
}

void Lowering::conv2d() {
  require_inputs(2, 3);
  const TensorDef &x = in(0), &w = in(1);
  require_rank4(x, where());
  require_rank4(w, where());
  const std::int64_t channels = w.shape[0];
  const Profile& profile = mac_profile(0, 2);
  Conv2d node;
  node.filter = filter(w.shape, constant_of(w), 1, 2);
  node.groups = w.shape[3] > 0 && x.shape[3] % w.shape[3] == 0 ? x.shape[3] / w.shape[3] : 1;
  node.window = window(x.shape[1], x.shape[2], w.shape[1], w.shape[2]);
  node.x_zero_point = static_cast<std::int32_t>(zero_point(x));
  node.accumulator = fill_accumulator(profile);
  node.requant = mac_requant(0, 1, channels, profile);
  emit(std::move(node), {value(0)});
}

void Lowering::depthwise_conv2d() {
  require_inputs(2, 3);
  const TensorDef &x = in(0), &w = in(1);
  require_rank4(x, where());
  require_rank4(w, where());
  const std::int64_t kernel_h = w.shape[1], kernel_w = w.shape[2], channels = w.shape[3];
  if (w.shape[0] != 1 || x.shape[3] < 1 || channels % x.shape[3] != 0) {
    throw Error(fmt::format("{}: weights {} do not fit {} input channels", where(), w.shape.text(), x.shape[3]));
  }
  const Tensor stored = constant_of(w);  // [1, KH, KW, O] in the file, [O, KH, KW, 1] here
  Tensor weights = stored;
  for (std::int64_t k = 0; k < kernel_h * kernel_w; ++k) {
    for (std::int64_t o = 0; o < channels; ++o) {
      weights.data[static_cast<std::size_t>(o * kernel_h * kernel_w + k)] =
          stored.data[static_cast<std::size_t>(k * channels + o)];
    }
  }
  const Profile& profile = mac_profile(0, 2);
  Conv2d node;
  node.filter = filter(Shape{channels, kernel_h, kernel_w, 1}, std::move(weights), 1, 2);
  node.groups = x.shape[3];
  node.window = window(x.shape[1], x.shape[2], kernel_h, kernel_w);
  node.x_zero_point = static_cast<std::int32_t>(zero_point(x));
  node.accumulator = fill_accumulator(profile);
  node.requant = mac_requant(0, 1, channels, profile);
  emit(std::move(node), {value(0)});
}

void Lowering::transpose_conv() {
  require_inputs(3, 4);  // output shape, weights, x, bias
  const TensorDef &w = in(1), &x = in(2), &y = out();
  require_rank4(x, where());
  require_rank4(w, where());
  require_rank4(y, where());
  const Profile& profile = mac_profile(2, 3);
  ConvTranspose2d node;
  node.filter = filter(w.shape, constant_of(w), 1, 3);
  node.window = window(y.shape[1], y.shape[2], w.shape[1], w.shape[2]);  // the padding of the forward convolution
  node.out_h = y.shape[1];
  node.out_w = y.shape[2];
  node.x_zero_point = static_cast<std::int32_t>(zero_point(x));
  node.accumulator = fill_accumulator(profile);
  node.requant = mac_requant(2, 1, w.shape[0], profile);
  emit(std::move(node), {value(2)});
}

void Lowering::fully_connected() {
  require_inputs(2, 3);
  const TensorDef &x = in(0), &w = in(1);
  if (op().options.weights_format != 0) unsupported("shuffled weights");
  if (w.data.empty()) unsupported("weights that are not constant");
  if (w.shape.rank() != 2) throw Error(fmt::format("{}: expected weights of rank 2, got {}", where(), w.shape.text()));
  const Profile& profile = mac_profile(0, 2);
  Dense node;
  node.filter = filter(w.shape, constant_of(w), 1, 2);
  node.keep_dims = op().options.keep_num_dims;
  node.x_zero_point = static_cast<std::int32_t>(zero_point(x));
  node.accumulator = fill_accumulator(profile);
  node.requant = mac_requant(0, 1, w.shape[0], profile);
  emit(std::move(node), {value(0)});
}

void Lowering::batch_matmul() {
  require_inputs(2, 2);
  const TensorDef &a = in(0), &b = in(1);
  MatMul node;
  node.transpose_a = op().options.adj_x;
  node.transpose_b = op().options.adj_y;
  node.a_zero_points = {zero_point(a)};
  node.b_zero_points = {zero_point(b)};
  const bool tflite_family = profile_.add == AddRule::common_scale && profile_.is_dyadic();
  const bool wide = a.type == Type::int16 && tflite_family;
  const Profile& profile =
      wide ? find_profile(profile_.id.starts_with("cmsis-nn/") ? "cmsis-nn/int16" : "tflite/int16") : profile_;
  node.accumulator = fill_accumulator(profile);
  const float sb = scale(b);
  node.requant = fill_requant(profile, scale(a), {&sb, 1}, false, output(Activation::none), where());
  emit(std::move(node), {value(0), value(1)});
}

}  // namespace obz::tflite
