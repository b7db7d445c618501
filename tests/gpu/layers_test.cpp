// Pools, mean, addition, concatenation and rescaling: the compiled kernels against ref/ops, every lane and all padding.
#include <gtest/gtest.h>

#include "ref/ops/add.hpp"
#include "ref/ops/avg_pool.hpp"
#include "ref/ops/concat.hpp"
#include "ref/ops/max_pool.hpp"
#include "ref/ops/mean.hpp"
#include "ref/ops/rescale.hpp"
#include "tests/gpu/device.hpp"
#include "tests/gpu/random_recipes.hpp"

namespace obz {
namespace {

using namespace test;
using testing::random_tensor;

constexpr int kLayers = 150;

TEST(LayerKernels, max_pool_is_the_reference) {
  Device device("layers");
  Random r(1);
  for (int i = 0; i < kLayers; ++i) {
    const IntType type = random_type(r);
    const std::int64_t channels = r.between(1, 40);
    const RandomWindow w(r, channels, 4);
    MaxPool op{.kernel_h = w.kernel_h, .kernel_w = w.kernel_w, .window = w.window};
    op.lo = static_cast<std::int32_t>(r.one_in(2) ? type.min() : std::min<std::int64_t>(type.max(), 1));
    op.hi = static_cast<std::int32_t>(r.one_in(2) ? type.max() : std::min<std::int64_t>(type.max(), 100));
    const Tensor x = random_tensor(r, w.x, type);
    Tensor y(w.y(channels), type);
    run(op, x, y);
    gpu::MaxPoolArgs args{.x = device.upload(x, channels, "x"), .y = device.output(y, channels), .g = w.geometry()};
    args.lo = op.lo;
    args.hi = op.hi;
    device.launch_quads("max_pool", args.y, args);
    ASSERT_EQ(device.lanes(args.y), padded(args.y, y)) << "layer " << i;
  }
}

TEST(LayerKernels, avg_pool_is_the_reference) {
  Device device("layers");
  Random r(2);
  for (int i = 0; i < 2 * kLayers; ++i) {
    const AverageBy by = r.pick({AverageBy::division, AverageBy::requant});
    const IntType tx = random_type(r), ty = by == AverageBy::division ? tx : random_type(r);
    const std::int64_t channels = r.between(1, 40);
    const RandomWindow w(r, channels, 4);
    AvgPool op{.kernel_h = w.kernel_h, .kernel_w = w.kernel_w, .window = w.window};
    op.count_includes_pad = r.one_in(2);
    op.x_zero_point = static_cast<std::int32_t>(r.value(tx));
    op.by = by;
    op.rounding = r.pick(kRoundings);
    op.requant = random_requant(r, 44, ty, op.by == AverageBy::division ? 1 : w.kernel_h * w.kernel_w);
    op.accumulator = random_register(r, by == AverageBy::division ? Recipe{} : op.requant.recipe);
    const Tensor x = random_tensor(r, w.x, tx);
    Tensor y(w.y(channels), ty);
    run(op, x, y);
    gpu::AvgPoolArgs args{.x = device.upload(x, channels, "x"), .y = device.output(y, channels), .g = w.geometry()};
    args.channels = device.upload(dyadic(op.requant), "channels");
    args.requant = on_device(op.requant, op.accumulator);
    args.count_includes_pad = op.count_includes_pad ? 1 : 0;
    args.by_division = op.by == AverageBy::division ? 1 : 0;
    args.rounding = op.rounding;
    args.x_zero_point = op.x_zero_point;
    device.launch_quads("avg_pool", args.y, args);
    ASSERT_EQ(device.lanes(args.y), padded(args.y, y)) << "layer " << i;
  }
}

TEST(LayerKernels, mean_is_the_reference) {
  Device device("layers");
  Random r(3);
  for (int i = 0; i < kLayers; ++i) {
    const IntType tx = random_type(r), ty = random_type(r);
    const std::int64_t channels = r.between(1, 40);
    const Shape shape{r.between(1, 3), r.between(1, 50), channels};
    Mean op{.axes = Shape{1}, .x_zero_point = static_cast<std::int32_t>(r.value(tx))};
    op.requant = random_requant(r, 40, ty, 1);
    op.accumulator = random_register(r, op.requant.recipe);
    const Tensor x = random_tensor(r, shape, tx);
    Tensor y(Shape{shape[0], channels}, ty);
    run(op, x, y);
    gpu::MeanArgs args{.x = device.upload(x, channels, "x"), .y = device.output(y, channels)};
    args.channel = dyadic(op.requant)[0];
    args.requant = on_device(op.requant, op.accumulator);
    args.rows_per_mean = static_cast<std::int32_t>(shape[1]);
    args.x_zero_point = op.x_zero_point;
    device.launch_quads("mean", args.y, args);
    ASSERT_EQ(device.lanes(args.y), padded(args.y, y)) << "layer " << i;
  }
}

TEST(LayerKernels, add_is_the_reference) {
  Device device("layers");
  Random r(4);
  for (int i = 0; i < 3 * kLayers; ++i) {
    const IntType ta = random_operand(r), tb = random_operand(r), ty = random_type(r);
    const std::int64_t channels = r.between(1, 40);
    const Shape shape{r.between(1, 20), channels};
    Add op{.subtract = r.one_in(2)};
    op.a_zero_point = static_cast<std::int32_t>(r.value(ta));
    op.b_zero_point = static_cast<std::int32_t>(r.value(tb));
    op.left_shift = static_cast<std::int32_t>(r.between(0, 14));
    const IntType branch{static_cast<std::uint8_t>(r.between(8, 28)), true};
    op.branch_a = random_requant(r, 32, branch, 1);
    op.branch_b = random_requant(r, 32, branch, 1);
    op.out = random_requant(r, 32, ty, 1);
    op.accumulator = random_register(r, op.out.recipe);
    const Tensor a = random_tensor(r, shape, ta), b = random_tensor(r, shape, tb);
    Tensor y(shape, ty);
    run(op, a, b, y);
    gpu::AddArgs args{.a = device.upload(a, channels, "a"), .y = device.output(y, channels)};
    args.with.other = device.upload(b, channels, "b");
    args.with.branch_a = on_device(op.branch_a);
    args.with.branch_b = on_device(op.branch_b);
    args.with.out = on_device(op.out, op.accumulator);
    args.with.a = dyadic(op.branch_a)[0];
    args.with.b = dyadic(op.branch_b)[0];
    args.with.sum = dyadic(op.out)[0];
    args.with.a_zero_point = op.a_zero_point;
    args.with.b_zero_point = op.b_zero_point;
    args.with.left_shift = op.left_shift;
    args.with.subtract = op.subtract ? 1 : 0;
    device.launch_quads("add", args.y, args);
    ASSERT_EQ(device.lanes(args.y), padded(args.y, y)) << "layer " << i;
  }
}

TEST(LayerKernels, concat_is_the_reference) {
  Device device("layers");
  Random r(5);
  for (int i = 0; i < kLayers; ++i) {
    const IntType ty = random_type(r);
    const std::int64_t rows = r.between(1, 12), count = r.between(1, gpu::ConcatArgs::kParts);
    Concat op{.axis = 1};
    std::vector<Tensor> parts;
    gpu::ConcatArgs args;
    args.parts = static_cast<std::int32_t>(count);
    for (std::int64_t p = 0; p < count; ++p) {
      const IntType type = random_type(r);
      const std::int64_t channels = r.one_in(2) ? 4 * r.between(1, 3) : r.between(1, 12);
      parts.push_back(random_tensor(r, Shape{rows, channels}, type));
      op.x_zero_points.push_back(r.value(type));
      op.requants.push_back(random_requant(r, type.bits + 1, ty, 1));
      const auto at = static_cast<std::size_t>(p);
      args.x[p] = device.upload(parts.back(), channels, "x");
      args.begin[p + 1] = args.begin[p] + static_cast<std::int32_t>(channels);
      args.x_zero_point[p] = static_cast<std::int32_t>(op.x_zero_points[at]);
      args.channels[p] = device.upload(dyadic(op.requants[at]), "channels");
      args.requant[p] = on_device(op.requants[at]);
    }
    Tensor y(Shape{rows, args.begin[count]}, ty);
    std::vector<const Tensor*> pointers;
    for (const Tensor& part : parts) pointers.push_back(&part);
    run(op, pointers, y);
    args.y = device.output(y, y.shape[1]);
    device.launch_quads("concat", args.y, args);
    ASSERT_EQ(device.lanes(args.y), padded(args.y, y)) << "layer " << i;
  }
}

TEST(LayerKernels, concat_of_one_part_rescales_each_channel) {
  Device device("layers");
  Random r(6);
  for (int i = 0; i < kLayers; ++i) {
    const IntType tx = random_type(r), ty = random_type(r);
    const std::int64_t rows = r.between(1, 12), channels = r.between(2, 40);
    Rescale op{.x_zero_point = static_cast<std::int32_t>(r.value(tx)), .axis = 1};
    op.requant = random_requant(r, tx.bits + 1, ty, channels);
    const Tensor x = random_tensor(r, Shape{rows, channels}, tx);
    Tensor y(x.shape, ty);
    run(op, x, y);
    gpu::ConcatArgs args;
    args.y = device.output(y, channels);
    args.per_channel = 1;
    args.x[0] = device.upload(x, channels, "x");
    args.begin[1] = static_cast<std::int32_t>(channels);
    args.x_zero_point[0] = op.x_zero_point;
    args.channels[0] = device.upload(dyadic(op.requant), "channels");
    args.requant[0] = on_device(op.requant);
    device.launch_quads("concat", args.y, args);
    ASSERT_EQ(device.lanes(args.y), padded(args.y, y)) << "layer " << i;
  }
}

}  // namespace
}  // namespace obz
