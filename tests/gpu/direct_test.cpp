// Convolutions and matrix products without the tensor core: the compiled kernels against ref/ops.
#include <gtest/gtest.h>

#include "ref/ops/conv2d.hpp"
#include "ref/ops/matmul.hpp"
#include "tests/gpu/device.hpp"
#include "tests/gpu/random_recipes.hpp"

namespace obz {
namespace {

using namespace test;
using testing::random_filter;
using testing::random_tensor;

constexpr int kLayers = 150;

/// A convolution with everything but its arithmetic's fields set on both sides.
struct Convolution {
  Conv2d op;
  Tensor x, y;
  gpu::DirectArgs args;

  Convolution(Random& r, Device& device, IntType tx, IntType tw, std::int64_t groups, std::int64_t depth,
              std::int64_t outputs) {
    const std::int64_t out = groups * outputs;
    const RandomWindow w(r, groups * depth, 3);
    const IntType ty = random_type(r);
    op.groups = groups;
    op.window = w.window;
    op.filter = random_filter(r, Shape{out, w.kernel_h, w.kernel_w, depth}, tw);
    op.x_zero_point = static_cast<std::int32_t>(r.value(tx));
    op.requant = random_requant(r, std::min(40, tx.bits + tw.bits + 6), ty, out);
    op.accumulator = random_register(r, op.requant.recipe);
    x = random_tensor(r, w.x, tx);
    y = Tensor(w.y(out), ty);
    run(op, x, y);
    std::vector<gpu::DyadicChannel> channels = dyadic(op.requant);
    for (std::int64_t o = 0; o < out; ++o) channels[static_cast<std::size_t>(o)].bias = op.filter.bias_of(o);
    args.x = device.upload(x, groups * depth, "x");
    args.y = device.output(y, out);
    args.g = w.geometry();
    args.channels = device.upload(channels, "channels");
    args.requant = on_device(op.requant, op.accumulator);
    args.groups = static_cast<std::int32_t>(groups);
    args.x_zero_point = op.x_zero_point;
  }

  std::int64_t weight(std::int64_t o, std::int64_t at) const {
    const std::int64_t taps_and_depth = elems_between(op.filter.weights.shape, 1, 4);
    return op.filter.weights.data[static_cast<std::size_t>(o * taps_and_depth + at)] - op.filter.zero_point_of(o);
  }
};

TEST(DirectKernels, grouped_is_the_reference) {
  Device device("direct");
  Random r(11);
  for (int i = 0; i < kLayers; ++i) {
    const std::int64_t groups = r.between(1, 5), depth = r.pick({1, 2, 3, 4, 8, 7}), outputs = r.between(1, 8);
    Convolution c(r, device, random_operand(r), random_operand(r), groups, depth, outputs);
    std::vector<std::int32_t> weights;
    for (std::int64_t o = 0; o < groups * outputs; ++o) {
      for (std::int64_t at = 0; at < elems_between(c.op.filter.weights.shape, 1, 4); ++at) {
        weights.push_back(static_cast<std::int32_t>(c.weight(o, at)));
      }
    }
    c.args.weights = device.upload(weights, "weights");
    device.launch_quads("grouped", c.args.y, c.args);
    ASSERT_EQ(device.lanes(c.args.y), padded(c.args.y, c.y)) << "layer " << i;
  }
}

TEST(DirectKernels, depthwise_is_the_reference) {
  Device device("direct");
  Random r(12);
  for (int i = 0; i < kLayers; ++i) {
    const std::int64_t channels = r.between(1, 40);
    const IntType tx = random_operand(r), tw = r.pick({kInt8, kUInt8, kInt4, kUInt4, IntType{3, true}});
    Convolution c(r, device, tx, tw, channels, 1, 1);
    const std::int64_t taps = c.args.g.kernel_h * c.args.g.kernel_w;
    const std::int64_t lanes = (lanes_of(c.args.y) + 3) / 4 * 4;
    std::vector<std::int16_t> weights(static_cast<std::size_t>(taps * lanes));
    for (std::int64_t tap = 0; tap < taps; ++tap) {
      for (std::int64_t o = 0; o < channels; ++o) {
        weights[static_cast<std::size_t>(tap * lanes + o)] = static_cast<std::int16_t>(c.weight(o, tap));
      }
    }
    c.args.weights = device.upload(weights, "weights");
    device.launch_quads("depthwise", c.args.y, c.args);
    ASSERT_EQ(device.lanes(c.args.y), padded(c.args.y, c.y)) << "layer " << i;
  }
}

TEST(DirectKernels, matmul_is_the_reference) {
  Device device("direct");
  Random r(13);
  for (int i = 0; i < 2 * kLayers; ++i) {
    const IntType ta = random_operand(r), tb = random_operand(r), ty = random_type(r);
    const std::int64_t m = r.between(1, 9), k = r.between(1, 40), n = r.between(1, 40);
    const std::int64_t batch = r.between(1, 3), b_batch = r.one_in(2) ? 1 : batch;
    MatMul op{.transpose_a = r.one_in(2), .transpose_b = r.one_in(2)};
    const auto zero_points = [&](IntType type, std::int64_t count) {
      std::vector<std::int64_t> z;
      for (std::int64_t j = 0; j < count; ++j) z.push_back(r.value(type));
      return z;
    };
    op.a_zero_points = zero_points(ta, r.one_in(2) ? 1 : m);
    op.b_zero_points = zero_points(tb, r.one_in(2) ? 1 : n);
    op.requant = random_requant(r, std::min(40, ta.bits + tb.bits + 5), ty, n);
    op.accumulator = random_register(r, op.requant.recipe);
    const Tensor a = random_tensor(r, op.transpose_a ? Shape{batch, k, m} : Shape{batch, m, k}, ta);
    const Tensor b = random_tensor(r, op.transpose_b ? Shape{b_batch, n, k} : Shape{b_batch, k, n}, tb);
    Tensor y(Shape{batch, m, n}, ty);
    run(op, a, b, y);

    const auto all = [](const std::vector<std::int64_t>& z, std::int64_t count) {
      std::vector<std::int32_t> each;
      for (std::int64_t j = 0; j < count; ++j) {
        each.push_back(static_cast<std::int32_t>(z.size() == 1 ? z[0] : z[static_cast<std::size_t>(j)]));
      }
      return each;
    };
    const auto first_rows = [&](const Tensor& t) {
      std::vector<std::int32_t> rows;
      for (std::int64_t j = 0; j < batch; ++j) rows.push_back(static_cast<std::int32_t>(j % t.shape[0] * t.shape[1]));
      return rows;
    };
    gpu::MatMulArgs args{
        .a = device.upload(a, a.shape[2], "a"), .b = device.upload(b, b.shape[2], "b"), .y = device.output(y, n)};
    args.batch = static_cast<std::int32_t>(batch);
    args.m = static_cast<std::int32_t>(m);
    args.k = static_cast<std::int32_t>(k);
    args.n = static_cast<std::int32_t>(n);
    args.transpose_a = op.transpose_a ? 1 : 0;
    args.transpose_b = op.transpose_b ? 1 : 0;
    args.a_zero_points = device.upload(all(op.a_zero_points, m), "zero points of a");
    args.b_zero_points = device.upload(all(op.b_zero_points, n), "zero points of b");
    args.a_first_row = device.upload(first_rows(a), "first rows of a");
    args.b_first_row = device.upload(first_rows(b), "first rows of b");
    args.channels = device.upload(dyadic(op.requant), "channels");
    args.requant = on_device(op.requant, op.accumulator);
    device.launch_quads("matmul", args.y, args);
    ASSERT_EQ(device.lanes(args.y), padded(args.y, y)) << "layer " << i;
  }
}

}  // namespace
}  // namespace obz
