// Movement, bit planes and the requantizer alone: the compiled kernels against ref/ops and ref/arith.
#include "ref/ops/movement.hpp"

#include <gtest/gtest.h>

#include "ref/arith/requantize.hpp"
#include "tests/gpu/device.hpp"
#include "tests/gpu/random_recipes.hpp"

namespace obz {
namespace {

using namespace test;
using testing::random_tensor;

constexpr int kMoves = 100;

Shape random_shape(Random& r, std::int64_t rank) {
  Shape shape;
  for (std::int64_t d = 0; d < rank; ++d) shape.push_back(r.between(1, d + 1 == rank && r.one_in(2) ? 40 : 7));
  return shape;
}

std::int64_t last_of(const Shape& shape) { return shape[shape.rank() - 1]; }

/// y over all of its coordinates; every logical element of x lies where rows of its last axis put it.
gpu::MoveArgs move_args(Device& device, const Tensor& x, const Tensor& y) {
  gpu::MoveArgs args{.x = device.upload(x, last_of(x.shape), "x"), .y = device.output(y, last_of(y.shape))};
  args.axes = static_cast<std::int32_t>(y.shape.rank());
  for (std::size_t d = 0; d < y.shape.rank(); ++d) {
    args.extent[d] = args.high[d] = static_cast<std::int32_t>(y.shape[d]);
  }
  args.x_axes = 2;
  args.x_extent[0] = args.x.rows;
  args.x_extent[1] = args.x.channels;
  args.x_divisor[0] = args.x.channels;
  args.x_divisor[1] = 1;
  args.x_step[0] = lanes_of(args.x);
  args.x_step[1] = 1;
  return args;
}

void check(Device& device, const gpu::MoveArgs& args, const Tensor& y, int i) {
  device.launch_quads("move", args.y, args);
  ASSERT_EQ(device.lanes(args.y), padded(args.y, y)) << "move " << i;
}

TEST(MovementKernels, move_reshapes) {
  Device device("movement");
  Random r(21);
  for (int i = 0; i < kMoves; ++i) {
    const std::int64_t a = r.between(1, 20), b = r.between(1, 12), c = r.between(1, 12);
    const Tensor x = random_tensor(r, Shape{a * b, c}, random_type(r));
    Tensor y(Shape{a, b * c}, x.type);
    run(Reshape{.shape = y.shape}, x, y);
    gpu::MoveArgs args = move_args(device, x, y);
    args.step[0] = y.shape[1];
    args.step[1] = 1;
    check(device, args, y, i);
  }
}

TEST(MovementKernels, move_transposes) {
  Device device("movement");
  Random r(22);
  for (int i = 0; i < kMoves; ++i) {
    const Tensor x = random_tensor(r, random_shape(r, 4), random_type(r));
    Transpose op{.permutation = r.pick({Shape{0, 3, 1, 2}, Shape{0, 2, 3, 1}, Shape{3, 2, 1, 0}, Shape{0, 1, 3, 2}})};
    Tensor y(infer(op, x.shape, "transpose"), x.type);
    run(op, x, y);
    gpu::MoveArgs args = move_args(device, x, y);
    for (std::size_t d = 0; d < 4; ++d) args.step[d] = strides_of(x.shape)[static_cast<std::size_t>(op.permutation[d])];
    check(device, args, y, i);
  }
}

TEST(MovementKernels, move_pads) {
  Device device("movement");
  Random r(23);
  for (int i = 0; i < kMoves; ++i) {
    const std::int64_t rank = r.between(1, gpu::MoveArgs::kAxes);
    const Tensor x = random_tensor(r, random_shape(r, rank == 6 ? 4 : rank), random_type(r));
    Pad op{.value = static_cast<std::int32_t>(r.value(x.type))};
    for (std::size_t d = 0; d < x.shape.rank(); ++d) {
      op.before.push_back(r.between(0, 3));
      op.after.push_back(r.between(0, 3));
    }
    Tensor y(infer(op, x.shape, "pad"), x.type);
    run(op, x, y);
    gpu::MoveArgs args = move_args(device, x, y);
    args.fill = op.value;
    for (std::size_t d = 0; d < x.shape.rank(); ++d) {
      args.step[d] = strides_of(x.shape)[d];
      args.base -= op.before[d] * args.step[d];
      args.low[d] = static_cast<std::int32_t>(op.before[d]);
      args.high[d] = args.low[d] + static_cast<std::int32_t>(x.shape[d]);
    }
    check(device, args, y, i);
  }
}

TEST(MovementKernels, move_slices) {
  Device device("movement");
  Random r(24);
  for (int i = 0; i < kMoves; ++i) {
    const Tensor x = random_tensor(r, random_shape(r, r.between(1, 4)), random_type(r));
    Slice op;
    for (const std::int64_t extent : x.shape) {
      const std::int64_t count = r.between(1, extent), step = (extent - 1) / std::max<std::int64_t>(1, count - 1);
      const bool backwards = r.one_in(2);
      op.begin.push_back(backwards ? extent - 1 : 0);
      op.step.push_back(std::max<std::int64_t>(1, step) * (backwards ? -1 : 1));
      op.extent.push_back(count);
    }
    op.shape = op.extent;
    Tensor y(infer(op, x.shape, "slice"), x.type);
    run(op, x, y);
    gpu::MoveArgs args = move_args(device, x, y);
    for (std::size_t d = 0; d < x.shape.rank(); ++d) {
      args.step[d] = strides_of(x.shape)[d] * op.step[d];
      args.base += strides_of(x.shape)[d] * op.begin[d];
    }
    check(device, args, y, i);
  }
}

TEST(MovementKernels, move_reads_what_the_network_calls_nchw_from_rows_of_channels_and_changes_widths) {
  Device device("movement");
  Random r(25);
  for (int i = 0; i < kMoves; ++i) {
    const Shape nchw = random_shape(r, 4);
    const std::int64_t c = nchw[1], h = nchw[2], w = nchw[3];
    const Tensor logical = random_tensor(r, nchw, random_operand(r));
    Tensor stored(Shape{nchw[0], h, w, c}, logical.type);
    run(Transpose{.permutation = Shape{0, 2, 3, 1}}, logical, stored);
    const Tensor y(nchw, kInt32, logical.data);
    gpu::MoveArgs args = move_args(device, stored, y);
    const std::int64_t lanes = lanes_of(args.x), steps[] = {h * w * lanes, 1, w * lanes, lanes};
    args.x_axes = 4;
    for (std::size_t d = 0; d < 4; ++d) {
      args.x_divisor[d] = args.step[d] = strides_of(nchw)[d];
      args.x_extent[d] = static_cast<std::int32_t>(nchw[d]);
      args.x_step[d] = steps[d];
    }
    check(device, args, y, i);
  }
}

TEST(MovementKernels, planes_hold_every_bit_and_padding_is_zero) {
  Device device("movement");
  Random r(26);
  for (int i = 0; i < kMoves; ++i) {
    const IntType type = random_operand(r);
    const std::int64_t rows = r.between(1, 9), channels = r.between(1, 300);
    const Tensor x = random_tensor(r, Shape{rows, channels}, type);
    gpu::PlanesArgs args{.x = device.upload(x, channels, "x")};
    args.planes = type.bits;
    args.row_bytes = static_cast<std::int32_t>((channels + 127) / 128 * 16);
    args.plane_bytes = rows * args.row_bytes;
    const std::int64_t words = rows * args.row_bytes / 4, row_words = args.row_bytes / 4;
    args.planes_out = device.room(static_cast<std::size_t>(args.plane_bytes * type.bits), "planes");
    device.launch("planes", words, args);

    std::vector<std::uint32_t> expected(static_cast<std::size_t>(words * type.bits));
    for (std::int64_t at = 0; at < x.elems(); ++at) {
      const std::int64_t row = at / channels, channel = at % channels;
      for (std::int64_t p = 0; p < type.bits; ++p) {
        const auto bit = static_cast<std::uint32_t>(x.data[static_cast<std::size_t>(at)]) >> p & 1;
        expected[static_cast<std::size_t>(p * words + row * row_words + channel / 32)] |= bit << channel % 32;
      }
    }
    ASSERT_EQ(device.download<std::uint32_t>(args.planes_out, expected.size()), expected) << "planes " << i;
  }
}

TEST(RequantKernel, requantize_cases_is_the_normative_arithmetic) {
  Device device("requant");
  Random r(27);
  for (int i = 0; i < 4 * kMoves; ++i) {
    const IntType type = random_type(r);
    const Requant requant = random_requant(r, 32, type, r.between(1, 300));
    std::vector<std::int64_t> acc, expected;
    for (const Channel& channel : requant.channels) {
      acc.push_back(r.one_in(2) ? r.value(kInt32) : r.of_any_size(31) * r.pick({-1, 1}));
      expected.push_back(requantize(acc.back(), requant.recipe, channel));
    }
    gpu::RequantArgs args{.acc = device.upload(acc, "accumulators")};
    args.channels = device.upload(dyadic(requant), "channels");
    args.out = device.room(acc.size() * sizeof(std::int64_t), "out");
    args.cases = static_cast<std::int32_t>(acc.size());
    args.recipe = requant.recipe;
    device.launch("requantize_cases", args.cases, args, 256);
    ASSERT_EQ(device.download<std::int64_t>(args.out, acc.size()), expected) << "recipe " << i;
  }
}

}  // namespace
}  // namespace obz
