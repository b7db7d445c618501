// Matrix products of two activations: on the tensor core as a convolution of 1 x 1 pixels whose weights are moved into
// place, else by gpu/kernels/direct.cu.
#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

#include "gpu/lower/channels.hpp"
#include "gpu/lower/move.hpp"
#include "gpu/lower/products.hpp"

namespace obz::gpu {
namespace {

constexpr std::int64_t kChannelPad = 128, kPieceBytes = 16, kSliceBytes = 64;

std::int64_t round_up(std::int64_t v, std::int64_t to) { return (v + to - 1) / to * to; }

/// Each row of an operand's first matrix that meets matrix b of y.
std::vector<std::int32_t> first_rows(const Shape& operand, const Shape& y, std::int64_t batch) {
  const std::size_t outer = y.rank() - 2;
  Shape own;
  for (std::size_t i = 0; i + 2 < operand.rank(); ++i) own.push_back(operand[i]);
  Shape all;
  for (std::size_t i = 0; i < outer; ++i) all.push_back(y[i]);
  const std::vector<std::int64_t> strides = broadcast_strides(own, all), y_strides = strides_of(all);
  const std::int64_t rows = operand[operand.rank() - 2];
  std::vector<std::int32_t> first(static_cast<std::size_t>(batch));
  for (std::int64_t b = 0; b < batch; ++b) {
    std::int64_t index = 0;
    for (std::size_t i = 0; i < outer; ++i) index += b / y_strides[i] % all[i] * strides[i];
    first[static_cast<std::size_t>(b)] = static_cast<std::int32_t>(index * rows);
  }
  return first;
}

std::vector<std::int32_t> repeated(const std::vector<std::int64_t>& values, std::int64_t count) {
  std::vector<std::int32_t> out(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::int32_t>(values[values.size() == 1 ? 0 : i]);
  return out;
}

void matmul_direct(Builder& builder, const Node& node, const MatMul& op) {
  const auto shape = [&](int t) { return builder.net().tensors[static_cast<std::size_t>(t)].shape; };
  const Shape a = shape(node.inputs[0]), b = shape(node.inputs[1]), y = shape(node.outputs[0]);
  const Placed pa = builder.get(node.inputs[0], natural_order(a.rank()));
  const Placed pb = builder.get(node.inputs[1], natural_order(b.rank()));
  const Placed py = builder.make(node.outputs[0], natural_order(y.rank()));
  const std::int64_t m = y[y.rank() - 2], n = y[y.rank() - 1], batch = y.elems() / (m * n);
  MatMulArgs args{.a = pa.view(),
                  .b = pb.view(),
                  .y = py.view(),
                  .batch = static_cast<std::int32_t>(batch),
                  .m = static_cast<std::int32_t>(m),
                  .k = static_cast<std::int32_t>(depth(op, a)),
                  .n = static_cast<std::int32_t>(n),
                  .transpose_a = op.transpose_a ? 1 : 0,
                  .transpose_b = op.transpose_b ? 1 : 0,
                  .requant = requantizer_of(op.requant, op.accumulator)};
  DeviceMemory& memory = builder.memory();
  const std::string& layer = builder.layer();
  args.a_zero_points = memory.constant(repeated(op.a_zero_points, m), layer + ": zero points of a");
  args.b_zero_points = memory.constant(repeated(op.b_zero_points, n), layer + ": zero points of b");
  args.a_first_row = memory.constant(first_rows(a, y, batch), layer + ": first rows of a");
  args.b_first_row = memory.constant(first_rows(b, y, batch), layer + ": first rows of b");
  args.channels = memory.constant(channels_of(op.requant, n, n, [](std::int64_t) { return 0; }), layer + ": channels");
  builder.call("direct", "matmul", quads_of(args.y), args);
  builder.set(node.outputs[0], py);
}

/// Steps of an operand along y's batch axes, then along `row` and `column` of its matrices.
std::vector<std::int64_t> steps_of(const Shape& operand, const Shape& y, bool swapped) {
  Shape own, all;
  for (std::size_t i = 0; i + 2 < operand.rank(); ++i) own.push_back(operand[i]);
  for (std::size_t i = 0; i + 2 < y.rank(); ++i) all.push_back(y[i]);
  std::vector<std::int64_t> steps = broadcast_strides(own, all);
  const std::int64_t matrix = operand[operand.rank() - 2] * operand[operand.rank() - 1];
  for (std::int64_t& s : steps) s *= matrix;
  const std::int64_t row = operand[operand.rank() - 1];
  steps.push_back(swapped ? 1 : row);
  steps.push_back(swapped ? row : 1);
  return steps;
}

/// The operand as y's batches of [lanes][depth], zeros around it.
Placed gathered(Builder& builder, int t, const Shape& y, bool swapped, Shape matrix, std::int64_t lanes,
                std::int64_t depth, IntType type, const char* what) {
  const TensorInfo& info = builder.net().tensors[static_cast<std::size_t>(t)];
  const Placed from = builder.get(t, builder.order_of(t));
  Mapping m{.step = steps_of(info.shape, y, swapped)};
  Shape shape;
  for (std::size_t i = 0; i + 2 < y.rank(); ++i) {
    shape.push_back(y[i]);
    m.high.push_back(y[i]);
  }
  shape.push_back(lanes);
  shape.push_back(depth);
  m.high.insert(m.high.end(), matrix.begin(), matrix.end());
  m.low.assign(m.high.size(), 0);
  const Placed to = builder.scratch({shape, type, natural_order(shape.rank())}, what);
  move(builder, from, to, m);
  return to;
}

bool all_zero(const std::vector<std::int64_t>& values) {
  return std::all_of(values.begin(), values.end(), [](std::int64_t v) { return v == 0; });
}

/// False when this is not for the tensor core.
bool matmul_on_tensor_cores(Builder& builder, const Node& node, const MatMul& op) {
  const auto info = [&](int t) -> const TensorInfo& { return builder.net().tensors[static_cast<std::size_t>(t)]; };
  const TensorInfo &a = info(node.inputs[0]), &b = info(node.inputs[1]), &y = info(node.outputs[0]);
  const int widest = std::max(a.type.bits, b.type.bits);
  if (widest > 8 || !all_zero(op.a_zero_points) || !all_zero(op.b_zero_points)) return false;
  const std::int64_t m = y.shape[y.shape.rank() - 2], n = y.shape[y.shape.rank() - 1], k = depth(op, a.shape);
  const auto largest = [](IntType t) { return std::max(std::abs(t.min()), t.max()); };
  const bool wraps = op.accumulator.overflow == Overflow::wrap && op.accumulator.bits <= 32;
  if (!wraps && k * largest(a.type) * largest(b.type) > kInt32.max()) return false;

  const int bits = widest <= 4 ? 4 : 8;
  const IntType ta{static_cast<std::uint8_t>(bits), a.type.is_signed},
      tb{static_cast<std::uint8_t>(bits), b.type.is_signed};
  const std::int64_t piece = kPieceBytes * 8 / bits, slice = kSliceBytes * 8 / bits;
  const std::int64_t lanes = round_up(n, kChannelPad);
  const Placed x = gathered(builder, node.inputs[0], y.shape, op.transpose_a, Shape{m, k}, m, round_up(k, piece), ta,
                            "a, rows padded");
  const Placed w = gathered(builder, node.inputs[1], y.shape, !op.transpose_b, Shape{n, k}, lanes, round_up(k, slice),
                            tb, "b as weights");
  const Placed out = builder.make(node.outputs[0], natural_order(y.shape.rank()));

  ConvArgs args{.x = x.view(), .y = out.view(), .requant = requantizer_of(op.requant, op.accumulator)};
  args.x.rows = args.y.rows = static_cast<std::int32_t>(m);
  args.g.n = static_cast<std::int32_t>(m);
  const std::int64_t pieces = w.storage.row_bytes() / kPieceBytes;
  args.depth_chunks = static_cast<std::int32_t>(pieces);
  std::vector<Tap> taps(static_cast<std::size_t>(pieces), Tap{.offset_bytes = 0, .dy = 1 << 24, .dx = 0});
  for (std::int64_t i = 0; i < x.storage.row_bytes() / kPieceBytes; ++i) {
    taps[static_cast<std::size_t>(i)] = {.offset_bytes = static_cast<std::int32_t>(i * kPieceBytes), .dy = 0, .dx = 0};
  }
  args.taps = builder.memory().constant(taps, builder.layer() + ": taps");
  args.channels = builder.memory().constant(channels_of(op.requant, n, lanes, [](std::int64_t) { return 0; }),
                                            builder.layer() + ": channels");
  const std::string kernel =
      fmt::format("conv_{}{}{}_medium", ta.is_signed ? 's' : 'u', bits, tb.is_signed ? "" : fmt::format("u{}", bits));
  const auto tiles = [](std::int64_t v) { return static_cast<std::uint32_t>((v + 63) / 64); };
  const std::int64_t batch = y.shape.elems() / (m * n);
  for (std::int64_t i = 0; i < batch; ++i) {
    args.x.data = x.data + static_cast<Address>(i * m * x.storage.row_bytes());
    args.y.data = out.data + static_cast<Address>(i * m * out.storage.row_bytes());
    args.weights = w.data + static_cast<Address>(i * lanes * w.storage.row_bytes());
    builder.call_grid(bits == 4 ? "conv4" : "conv8", kernel, {tiles(m), tiles(out.storage.row_lanes()), 1}, 128, args);
  }
  builder.set(node.outputs[0], out);
  return true;
}

}  // namespace

void lower_matmul(Builder& builder, const Node& node, const MatMul& op, const LowerOptions& options) {
  require_dyadic(op.requant);
  const auto rank = [&](int t) { return builder.net().tensors[static_cast<std::size_t>(t)].shape.rank(); };
  if (rank(node.inputs[0]) < 2 || rank(node.inputs[1]) < 2) throw Unsupported("a product with a vector");
  if (options.tensor_cores && matmul_on_tensor_cores(builder, node, op)) return;
  matmul_direct(builder, node, op);
}

}  // namespace obz::gpu
