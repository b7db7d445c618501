// The operators of CMSIS-NN in our terms. Its conventions: X is the width and Y the height, input and filter
// offsets are minus the zero point, a positive shift goes left, weights are [O, H, W, I] (depthwise [1, H, W, O]).
#include <algorithm>

#include "ref/base/error.hpp"
#include "ref/read/fill.hpp"
#include "ref/read/tables.hpp"
#include "tests/vectors/cmsis_net.hpp"

namespace obz::test {
namespace {

// In cases of two generations the arrays of the first one are the complete set, so their names come first.
constexpr CmsisCase::Names kInput{"input", "input_tensor"};
constexpr CmsisCase::Names kWeights{"weights", "input_weights"};
constexpr CmsisCase::Names kBias{"biases", "bias", "input_bias"};
constexpr CmsisCase::Names kMultipliers{"output_mult", "output_multiplier"};
constexpr CmsisCase::Names kShifts{"output_shift"};
constexpr CmsisCase::Names kOutputMultiplier{"OUTPUT_MULTIPLIER", "OUTPUT_MULT"};
constexpr CmsisCase::Names kLo{"OUT_ACTIVATION_MIN", "ACTIVATION_MIN"};
constexpr CmsisCase::Names kHi{"OUT_ACTIVATION_MAX", "ACTIVATION_MAX"};

const Profile& plain_profile() { return find_profile("cmsis-nn/double"); }

std::int32_t zero_point_of(const CmsisCase& c, CmsisCase::Names offset) {
  return static_cast<std::int32_t>(-c.number(offset, 0));
}

/// Layers of a network have no input array; those networks are int8.
IntType input_type(const CmsisCase& c) { return c.has_array(kInput) ? c.type(kInput) : kInt8; }

/// A null bias does not show its width: the cases with 32-bit bias are named so.
bool bias_is_64_bit(const CmsisCase& c) {
  if (c.has_array(kBias)) return c.type(kBias).bits == 64;
  return c.name.find("xint32") == std::string::npos;
}

std::vector<std::int64_t> bias_of(const CmsisCase& c) {
  return c.has_array(kBias) ? c.values(kBias) : std::vector<std::int64_t>{};
}

Tensor weights_of(const CmsisCase& c, const Shape& shape) {
  const bool packed = c.name.find("int4") != std::string::npos;
  return packed ? c.int4_tensor(kWeights, shape) : c.tensor(kWeights, shape);
}

/// What the layer's output needs behind the last input pixel follows from the output's extent.
std::int32_t pad_after(std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride,
                       std::int64_t dilation, std::int64_t pad_before) {
  return static_cast<std::int32_t>(
      std::max<std::int64_t>(0, (out - 1) * stride + (kernel - 1) * dilation + 1 - in - pad_before));
}

Window window_of(const CmsisCase& c, std::int64_t kernel_h, std::int64_t kernel_w) {
  Window w{.stride_h = c.small({"STRIDE_Y", "STRIDE_H"}), .stride_w = c.small({"STRIDE_X", "STRIDE_W"})};
  w.dilation_h = static_cast<std::int32_t>(c.number({"DILATION_Y"}, 1));
  w.dilation_w = static_cast<std::int32_t>(c.number({"DILATION_X"}, 1));
  w.pad_top = c.small({"PAD_Y", "PAD_H", "PADDING_H"});
  w.pad_left = c.small({"PAD_X", "PAD_W", "PADDING_W"});
  const std::int64_t in_h = c.number({"INPUT_H"}), in_w = c.number({"INPUT_W"});
  w.pad_bottom = pad_after(in_h, c.number({"OUTPUT_H"}), kernel_h, w.stride_h, w.dilation_h, w.pad_top);
  w.pad_right = pad_after(in_w, c.number({"OUTPUT_W"}), kernel_w, w.stride_w, w.dilation_w, w.pad_left);
  return w;
}

Requant per_channel_requant(const CmsisCase& c, const Profile& profile) {
  return cmsis_requant(profile, c.values(kMultipliers), c.values(kShifts), c.number({"OUTPUT_OFFSET"}), c.number(kLo),
                       c.number(kHi));
}

Requant per_tensor_requant(const CmsisCase& c, const Profile& profile) {
  return cmsis_requant(profile, {c.number(kOutputMultiplier)}, {c.number({"OUTPUT_SHIFT"})},
                       c.number({"OUTPUT_OFFSET"}), c.number(kLo), c.number(kHi));
}

/// A value on its way, clamped by nothing but its 32-bit register.
Requant internal_requant(std::int64_t multiplier, std::int64_t shift) {
  return cmsis_requant(plain_profile(), {multiplier}, {shift}, 0, kInt32.min(), kInt32.max());
}

/// [..., channels] to [channels, ...].
Tensor channels_first(const Tensor& t, std::int64_t channels) {
  const std::int64_t others = t.elems() / channels;
  Tensor y(Shape{channels, others}, t.type);
  run(Transpose{Shape{1, 0}}, Tensor(Shape{others, channels}, t.type, t.data), y);
  return y;
}

void finish_conv2d(const CmsisCase& c, Conv2d& op) {
  const Shape& w = op.filter.weights.shape;
  op.filter.bias = bias_of(c);
  op.window = window_of(c, w[1], w[2]);
  op.x_zero_point = zero_point_of(c, {"INPUT_OFFSET"});
  const Profile& profile = cmsis_profile(input_type(c), bias_is_64_bit(c));
  op.accumulator = fill_accumulator(profile);
  op.requant = per_channel_requant(c, profile);
}

}  // namespace

const Profile& cmsis_profile(IntType x, bool bias_is_64_bit) {
  return find_profile(x.bits == 16 && bias_is_64_bit ? "cmsis-nn/int16" : "cmsis-nn/double");
}

Requant cmsis_requant(const Profile& profile, const std::vector<std::int64_t>& multipliers,
                      const std::vector<std::int64_t>& shifts, std::int64_t zero_point, std::int64_t lo,
                      std::int64_t hi) {
  if (multipliers.size() != shifts.size()) throw Error("multipliers and shifts differ in number");
  Requant r{profile.recipe, {}};
  for (std::size_t i = 0; i < multipliers.size(); ++i) {
    Channel channel{.multiplier = multipliers[i], .shift = static_cast<std::int32_t>(31 - shifts[i])};
    if (profile.scale.reduce_to_16) {  // REDUCE_MULTIPLIER of arm_nnsupportfunctions.h
      const bool rounds_up_to_2_15 = channel.multiplier >= 0x7FFF0000;
      channel.multiplier = rounds_up_to_2_15 ? 0x7FFF : (channel.multiplier + (1 << 15)) >> 16;
      channel.shift -= 16;
    }
    channel.zero_point = static_cast<std::int32_t>(zero_point);
    channel.lo = lo;
    channel.hi = hi;
    r.channels.push_back(channel);
  }
  return r;
}

Conv2d cmsis_conv2d(const CmsisCase& c) {
  const std::int64_t out = c.number({"OUT_CH"}), in = c.number({"IN_CH"});
  const std::int64_t kernel_h = c.number({"FILTER_Y"}), kernel_w = c.number({"FILTER_X"});
  Conv2d op;
  op.filter.weights = weights_of(c, Shape{out, kernel_h, kernel_w, in});
  finish_conv2d(c, op);
  return op;
}

Conv2d cmsis_depthwise(const CmsisCase& c) {
  const std::int64_t out = c.number({"OUT_CH"}), kernel_h = c.number({"FILTER_Y"}), kernel_w = c.number({"FILTER_X"});
  const Tensor stored = weights_of(c, Shape{kernel_h, kernel_w, out});
  Conv2d op;
  op.groups = c.number({"IN_CH"});
  op.filter.weights = channels_first(stored, out);
  op.filter.weights.shape = Shape{out, kernel_h, kernel_w, 1};
  finish_conv2d(c, op);
  return op;
}

ConvTranspose2d cmsis_conv_transpose2d(const CmsisCase& c) {
  const Profile& profile = plain_profile();
  ConvTranspose2d op;
  op.filter.weights =
      weights_of(c, Shape{c.number({"OUT_CH"}), c.number({"FILTER_Y"}), c.number({"FILTER_X"}), c.number({"IN_CH"})});
  op.filter.bias = bias_of(c);
  op.window = {.stride_h = c.small({"STRIDE_Y"}), .stride_w = c.small({"STRIDE_X"})};
  op.window.pad_top = c.small({"PAD_Y"});
  op.window.pad_left = c.small({"PAD_X"});
  op.out_h = c.number({"OUTPUT_H"});
  op.out_w = c.number({"OUTPUT_W"});
  op.x_zero_point = zero_point_of(c, {"INPUT_OFFSET"});
  op.accumulator = fill_accumulator(profile);
  op.requant = per_channel_requant(c, profile);
  return op;
}

Dense cmsis_dense(const CmsisCase& c, std::int64_t depth) {
  // arm_fully_connected_s16 knows 64-bit bias only. Where there is OUTPUT_MULTIPLIER, arrays of that name are
  // another generation's per-channel test.
  const Profile& profile = cmsis_profile(input_type(c), true);
  const std::int64_t out = c.has_number({"ACCUMULATION_DEPTH"}) ? c.number({"OUT_CH"}) : c.elems(kWeights) / depth;
  Dense op;
  op.filter.weights = weights_of(c, Shape{out, depth});
  op.filter.bias = bias_of(c);
  op.filter.zero_points = {zero_point_of(c, {"FILTER_OFFSET"})};
  op.x_zero_point = zero_point_of(c, {"INPUT_OFFSET"});
  op.accumulator = fill_accumulator(profile);
  op.requant = c.has_number(kOutputMultiplier) ? per_tensor_requant(c, profile) : per_channel_requant(c, profile);
  return op;
}

MatMul cmsis_matmul(const CmsisCase& c) {
  // Without bias: arm_batch_matmul_s16 calls the kernel of the fully connected layer, hence 64 bits.
  const Profile& profile = cmsis_profile(c.type({"lhs_input_tensor"}), true);
  MatMul op;
  op.transpose_a = c.number({"ADJ_X"}) != 0;
  op.transpose_b = c.number({"ADJ_Y"}) != 0;
  op.a_zero_points = {zero_point_of(c, {"LHS_OFFSET"})};
  op.b_zero_points = {zero_point_of(c, {"RHS_OFFSET"})};
  op.accumulator = fill_accumulator(profile);
  op.requant = per_tensor_requant(c, profile);
  return op;
}

Add cmsis_add(const CmsisCase& c) {
  Add op;
  op.a_zero_point = zero_point_of(c, {"INPUT1_OFFSET"});
  op.b_zero_point = zero_point_of(c, {"INPUT2_OFFSET"});
  op.left_shift = c.small({"LEFT_SHIFT"});
  op.branch_a = internal_requant(c.number({"INPUT1_MULT"}), c.number({"INPUT1_SHIFT"}));
  op.branch_b = internal_requant(c.number({"INPUT2_MULT"}), c.number({"INPUT2_SHIFT"}));
  op.accumulator = fill_accumulator(plain_profile());
  op.out = per_tensor_requant(c, plain_profile());
  return op;
}

Mul cmsis_mul(const CmsisCase& c) {
  Mul op;
  op.a_zero_point = zero_point_of(c, {"INPUT1_OFFSET"});
  op.b_zero_point = zero_point_of(c, {"INPUT2_OFFSET"});
  op.accumulator = fill_accumulator(plain_profile());
  op.requant = per_tensor_requant(c, plain_profile());
  return op;
}

AvgPool cmsis_avg_pool(const CmsisCase& c) {
  AvgPool op;
  op.kernel_h = c.small({"FILTER_H"});
  op.kernel_w = c.small({"FILTER_W"});
  op.window = window_of(c, op.kernel_h, op.kernel_w);
  op.by = AverageBy::division;
  op.rounding = Rounding::half_away;
  op.requant.channels[0].lo = c.number(kLo);
  op.requant.channels[0].hi = c.number(kHi);
  return op;
}

MaxPool cmsis_max_pool(const CmsisCase& c) {
  MaxPool op;
  op.kernel_h = c.small({"FILTER_H"});
  op.kernel_w = c.small({"FILTER_W"});
  op.window = window_of(c, op.kernel_h, op.kernel_w);
  op.lo = c.small(kLo);
  op.hi = c.small(kHi);
  return op;
}

Softmax cmsis_softmax(const CmsisCase& c, IntType x) {
  Softmax op;
  op.difference = internal_requant(c.number({"INPUT_MULT", "MULT"}), c.number({"INPUT_LEFT_SHIFT", "SHIFT"}));
  if (x.bits == 16) {
    op.exp_table = softmax_exp_table();
    op.reciprocal_table = softmax_reciprocal_table();
  } else {
    op.diff_min = c.number({"DIFF_MIN"});
  }
  return op;
}

}  // namespace obz::test
