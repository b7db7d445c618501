#include "tests/execute/random_layers.hpp"

#include <algorithm>
#include <cmath>

#include "ref/read/tables.hpp"

namespace obz::testing {

Tensor random_tensor(Random& random, const Shape& shape, IntType type) {
  Tensor t(shape, type);
  for (std::int32_t& v : t.data) v = static_cast<std::int32_t>(random.value(type));
  return t;
}

IntNet single(const std::string& name, Operator op, const std::vector<std::pair<Shape, IntType>>& inputs, IntType out) {
  IntNet net{.name = name};
  Node node{.name = "node", .op = std::move(op)};
  std::vector<Shape> shapes;
  for (const auto& [shape, type] : inputs) {
    const auto index = static_cast<int>(net.tensors.size());
    net.tensors.push_back({.id = "x" + std::to_string(index), .shape = shape, .type = type});
    net.inputs.push_back(index);
    node.inputs.push_back(index);
    shapes.push_back(shape);
  }
  const Shape y = infer_shape(node.op, shapes, name);
  node.outputs = net.outputs = {static_cast<int>(inputs.size())};
  net.tensors.push_back({.id = "y", .shape = y, .type = out});
  net.nodes = {std::move(node)};
  validate(net, name);
  return net;
}

IntNet draw(Random& random, const std::function<IntNet(Random&)>& make) {
  for (int tries = 0; tries < 200; ++tries) {
    try {
      return make(random);
    } catch (const Error&) {
      continue;
    }
  }
  throw Error("no layer in 200 draws");
}

OutputQuant random_output(Random& r, const Profile& p, float scale, IntType type) {
  OutputQuant out{.scale = scale,
                  .zero_point = p.has_zero_point ? r.between(std::max(type.min(), std::int64_t{-300}),
                                                             std::min(type.max(), std::int64_t{300}))
                                                 : 0,
                  .lo = type.min(),
                  .hi = type.max(),
                  .type = type};
  if (r.one_in(3)) out.lo = std::clamp(out.zero_point, type.min(), type.max());  // a fused ReLU
  return out;
}

Accumulator random_accumulator(Random& r, const Profile& p) {
  if (!r.one_in(4)) return fill_accumulator(p);
  return {static_cast<std::uint8_t>(r.pick({12, 18, 24, 31, 32, 32, 40, 48, 64})),
          r.pick({Overflow::wrap, Overflow::saturate})};
}

Filter random_filter(Random& r, const Shape& shape, IntType type) {
  Filter f{random_tensor(r, shape, type), {}, {}};
  if (r.one_in(4)) std::fill(f.weights.data.begin(), f.weights.data.end(), static_cast<std::int32_t>(type.max()));
  if (!r.one_in(5)) {
    for (std::int64_t o = 0; o < shape[0]; ++o)
      f.bias.push_back(r.between(-1, 1) * r.of_any_size(r.one_in(10) ? 33 : 18));
  }
  const std::int64_t zero_points = r.pick<std::int64_t>({0, 0, 1, shape[0]});
  for (std::int64_t o = 0; o < zero_points; ++o) f.zero_points.push_back(r.between(type.min(), type.max()));
  return f;
}

std::int64_t random_channels(Random& r) { return r.pick<std::int64_t>({1, 2, 3, 5, 8, 16, 17, 31, 64}); }

IntNet random_conv(Random& r, const Profile& p) {
  const LayerTypes t(r);
  Conv2d op;
  op.layout = r.pick({Layout::nhwc, Layout::nhwc, Layout::nchw});
  const int kind = static_cast<int>(r.between(0, 3));  // 0, 1: ordinary, 2: grouped, 3: depthwise
  op.groups = kind == 2 ? r.between(2, 4) : kind == 3 ? random_channels(r) : 1;
  const std::int64_t depth = kind == 3 ? 1 : kind == 2 ? r.between(1, 9) : random_channels(r);
  const std::int64_t out = op.groups * (kind == 3   ? r.between(1, 3)
                                        : kind == 2 ? r.between(1, 20)
                                                    : random_channels(r));
  const std::int64_t kernel_h = r.pick({1, 1, 3, 3, 5, 7}), kernel_w = r.one_in(4) ? r.pick({1, 2, 3, 5}) : kernel_h;
  op.filter = random_filter(r, Shape{out, kernel_h, kernel_w, depth}, t.w);
  const auto small = [&](std::int64_t lo, std::int64_t hi) { return static_cast<std::int32_t>(r.between(lo, hi)); };
  op.window = {.stride_h = small(1, 3), .stride_w = small(1, 3)};
  if (r.one_in(3)) op.window.dilation_h = small(1, 3), op.window.dilation_w = small(1, 3);
  if (!r.one_in(3)) {
    op.window.pad_top = small(0, 3), op.window.pad_bottom = small(0, 4);
    op.window.pad_left = small(0, 3), op.window.pad_right = small(0, 4);
  }
  op.x_zero_point = static_cast<std::int32_t>(r.one_in(4) ? 0 : r.value(t.x));
  if (t.x.bits == 16 && !r.one_in(4)) op.x_zero_point = 0;
  op.accumulator = random_accumulator(r, p);
  const Scales s(r, p, r.one_in(4) ? 1 : out, t.typical_sum(kernel_h * kernel_w * depth), t.y);
  op.requant = fill_requant(p, s.x, s.w, s.w.size() > 1, random_output(r, p, s.y, t.y), "conv");
  const Shape x = shape4(op.layout, r.between(1, 3), r.between(1, 14), r.between(1, 14), depth * op.groups);
  if (infer(op, x, "conv").elems() == 0 && !r.one_in(50)) throw Error("empty: draw again");
  return single("conv", std::move(op), {{x, t.x}}, t.y);
}

IntNet random_dense(Random& r, const Profile& p) {
  const LayerTypes t(r);
  const std::int64_t depth = r.pick<std::int64_t>({1, 3, 17, 64, 100, 777}), out = random_channels(r);
  Dense op;
  op.filter = random_filter(r, Shape{out, depth}, t.w);
  op.x_zero_point = static_cast<std::int32_t>(t.x.bits == 16 ? 0 : r.value(t.x));
  op.keep_dims = r.one_in(2);
  op.accumulator = random_accumulator(r, p);
  const Scales s(r, p, out, t.typical_sum(depth), t.y);
  op.requant = fill_requant(p, s.x, s.w, true, random_output(r, p, s.y, t.y), "dense");
  return single("dense", std::move(op), {{Shape{r.between(1, 3), r.between(1, 5), depth}, t.x}}, t.y);
}

IntNet random_matmul(Random& r, const Profile& p) {
  const LayerTypes t(r);
  const std::int64_t m = r.between(1, 20), k = r.pick<std::int64_t>({1, 5, 16, 33, 130}), n = random_channels(r);
  MatMul op{.transpose_a = r.one_in(2), .transpose_b = r.one_in(2)};
  const auto zero_points = [&](IntType type, std::int64_t count) {
    std::vector<std::int64_t> z;
    for (std::int64_t i = 0; i < count; ++i) z.push_back(type.bits == 16 ? 0 : r.value(type));
    return z;
  };
  op.a_zero_points = zero_points(t.x, r.pick<std::int64_t>({1, m}));
  op.b_zero_points = zero_points(t.w, r.pick<std::int64_t>({1, n}));
  op.accumulator = random_accumulator(r, p);
  const Scales s(r, p, r.pick<std::int64_t>({1, n}), t.typical_sum(k), t.y);
  op.requant = fill_requant(p, s.x, s.w, true, random_output(r, p, s.y, t.y), "matmul");
  const auto shape = [&](bool transposed, std::int64_t rows, std::int64_t cols, std::int64_t batch) {
    if (transposed) std::swap(rows, cols);
    return batch == 0 ? Shape{rows, cols} : Shape{batch, rows, cols};
  };
  const std::int64_t batch = r.between(0, 2);
  return single("matmul", op,
                {{shape(op.transpose_a, m, k, batch), t.x},
                 {shape(op.transpose_b, k, n, r.pick<std::int64_t>({0, 1, batch})), t.w}},
                t.y);
}

IntNet random_add(Random& r, const Profile& p) {
  const IntType ta = r.pick({kInt8, kUInt8, kInt4, kInt16}), tb = r.one_in(2) ? ta : r.pick({kInt8, kUInt8}),
                ty = r.pick({kInt8, kUInt8, kInt16});
  const bool two = p.scale.power_of_two_only;
  const float sa = two ? 0.125F : 0.11F, sb = two ? 0.25F : 0.31F, sy = two ? 0.5F : 0.43F;
  const Add op =
      fill_add(p, {sa, r.value(ta), ta}, {sb, r.value(tb), tb}, random_output(r, p, sy, ty), r.one_in(3), "add");
  const Shape a{r.pick<std::int64_t>({1, 2}), r.pick<std::int64_t>({3, 40}), 17, 33};
  const Shape b = r.one_in(3) ? Shape{17, 1} : r.one_in(3) ? Shape{1} : a;
  return single("add", op, {{a, ta}, {b, tb}}, ty);
}

IntNet random_mul(Random& r, const Profile& p) {
  const IntType ta = r.pick({kInt8, kUInt8, kInt16}), tb = r.pick({kInt8, kUInt8}),
                ty = r.pick({kInt8, kUInt8, kInt16});
  Mul op{.a_zero_point = static_cast<std::int32_t>(r.value(ta)),
         .b_zero_point = static_cast<std::int32_t>(r.value(tb))};
  op.accumulator = random_accumulator(r, p);
  const Scales s(r, p, 1, static_cast<double>(ta.max() * tb.max()), ty);
  op.requant = fill_requant(p, s.x, s.w, true, random_output(r, p, s.y, ty), "mul");
  const Shape a{r.pick<std::int64_t>({3, 41}), 17, 33};
  return single("mul", op, {{a, ta}, {r.one_in(2) ? a : Shape{33}, tb}}, ty);
}

IntNet random_rescale(Random& r, const Profile& p) {
  const IntType tx = r.pick({kInt8, kUInt8, kInt4, kInt16}), ty = r.pick({kInt8, kUInt8, kInt16});
  Rescale op{.x_zero_point = static_cast<std::int32_t>(r.value(tx)), .axis = r.between(0, 2)};
  const Shape x{7, 20, 96};
  const std::int64_t channels = r.one_in(2) ? 1 : x[static_cast<std::size_t>(op.axis)];
  const Scales s(r, p, channels, static_cast<double>(tx.max()), ty);
  op.requant = fill_requant(p, s.x, s.w, channels > 1, random_output(r, p, s.y, ty), "rescale");
  return single("rescale", op, {{x, tx}}, ty);
}

IntNet random_mean(Random& r, const Profile& p) {
  const IntType tx = r.pick({kInt8, kUInt8, kInt16}), ty = kInt8;
  Mean op{.axes = r.pick({Shape{1, 2}, Shape{2, 3}, Shape{3}, Shape{0, 2}, Shape{2, 1}}),
          .keep_dims = r.one_in(2),
          .x_zero_point = static_cast<std::int32_t>(r.value(tx))};
  const Shape x = p.scale.power_of_two_only ? Shape{2, 4, 8, 16} : Shape{2, 5, 7, 19};
  std::int64_t count = 1;
  for (const std::int64_t axis : op.axes) count *= x[static_cast<std::size_t>(axis)];
  const float sx = p.scale.power_of_two_only ? 0.5F : 0.3F;
  fill_mean(p, op, count, sx, random_output(r, p, 0.5F, ty), "mean");
  return single("mean", op, {{x, tx}}, ty);
}

IntNet random_concat(Random& r, const Profile& p) {
  const IntType ty = r.pick({kInt8, kUInt8, kInt16});
  Concat op{.axis = r.between(0, 3)};
  std::vector<std::pair<Shape, IntType>> parts;
  const OutputQuant out = random_output(r, p, 0.5F, ty);
  for (int i = 0; i < 3; ++i) {
    const IntType type = r.one_in(8) ? kInt16 : r.pick({kInt8, kUInt8});
    Shape shape{2, 4, 6, 10};
    shape[static_cast<std::size_t>(op.axis)] = r.between(2, 9);
    parts.push_back({shape, type});
    op.x_zero_points.push_back(r.value(type));
    op.requants.push_back(fill_factor(p, std::ldexp(1.0, static_cast<int>(r.between(-3, 1))), out, "concat"));
  }
  return single("concat", op, parts, ty);
}

IntNet random_max_pool(Random& r, const Profile&) {
  const IntType type = r.pick({kInt8, kUInt8, kInt32});
  const auto small = [&](std::int64_t lo, std::int64_t hi) { return static_cast<std::int32_t>(r.between(lo, hi)); };
  MaxPool op{.layout = r.pick({Layout::nhwc, Layout::nchw}), .kernel_h = small(1, 4), .kernel_w = small(1, 4)};
  op.window = {small(1, 3), small(1, 3), small(1, 2), small(1, 2), small(0, 3), small(0, 3), small(0, 3), small(0, 3)};
  op.lo = static_cast<std::int32_t>(r.one_in(2) ? type.min() : 1);
  op.hi = static_cast<std::int32_t>(r.one_in(2) ? type.max() : 100);
  return single("max_pool", op,
                {{shape4(op.layout, r.between(1, 3), r.between(1, 12), r.between(1, 12), random_channels(r)), type}},
                type);
}

IntNet random_pad(Random& r, const Profile&) {
  Pad op{.value = static_cast<std::int32_t>(r.value(kInt8))};
  Shape x;
  for (std::int64_t axis = r.between(0, 3); axis >= 0; --axis) {
    x.push_back(r.between(1, 9));
    op.before.push_back(r.between(0, 3));
    op.after.push_back(r.between(0, 3));
  }
  return single("pad", op, {{x, kInt8}}, kInt8);
}

IntNet random_threshold(Random& r, const Profile&) {
  const IntType type = r.pick({kInt8, kUInt8, kInt16});
  const Shape x{2, 6, 40, 20};
  Threshold op{.axis = r.between(0, 3),
               .lo = static_cast<std::int32_t>(r.between(-8, 0)),
               .step = static_cast<std::int32_t>(r.pick({1, 2, -1}))};
  op.channels = r.one_in(2) ? 1 : x[static_cast<std::size_t>(op.axis)];
  for (std::int64_t c = 0; c < op.channels; ++c) {
    std::vector<std::int64_t> steps;
    for (int i = 0; i < 7; ++i) steps.push_back(r.value(type));
    std::sort(steps.begin(), steps.end());
    op.thresholds.insert(op.thresholds.end(), steps.begin(), steps.end());
    op.directions.push_back(r.pick({1, -1}));
  }
  return single("threshold", op, {{x, type}}, kInt8);
}

IntNet random_min_max(Random& r, const Profile&) {
  const IntType type = r.pick({kInt8, kUInt8, kInt16});
  const Shape a{33, 17, 40};
  return single("min_max", MinMax{.maximum = r.one_in(2)}, {{a, type}, {r.one_in(2) ? a : Shape{40}, type}}, type);
}

IntNet random_lookup(Random& r, const Profile&) {
  const IntType type = r.pick({kInt8, kUInt8, kInt4, kInt16, IntType{6, false}});
  Lookup op{.table = Tensor(Shape{std::int64_t{1} << type.bits}, type), .function = "random"};
  for (std::int32_t& v : op.table.data) v = static_cast<std::int32_t>(r.value(type));
  return single("lookup", op, {{Shape{r.between(1, 3), r.between(1, 7), r.between(1, 40)}, type}}, type);
}

IntNet random_softmax(Random& r, const Profile& p) {
  const bool tflite = p.add == AddRule::common_scale && p.is_dyadic();
  const Profile& profile = tflite ? p : find_profile("tflite/double");
  const OutputQuant differences{.lo = kInt32.min(), .hi = kInt32.max(), .type = kInt32};
  const IntType x = r.pick({kInt8, kUInt8, kInt16});
  const double scale =
      std::ldexp(static_cast<double>(r.between(1 << 20, 1 << 21)), static_cast<int>(r.between(-28, -20)));
  Softmax op;
  if (x == kInt16) {
    op.difference = fill_factor(profile, scale / 256 / (10.0 / 65535), differences, "softmax");
    op.exp_table = softmax_exp_table();
    op.reciprocal_table = softmax_reciprocal_table();
  } else {
    const double largest = std::ldexp(1.0, profile.recipe.first_bits == 0 ? 30 : 31) - 1;
    op.difference = fill_factor(profile, std::min(scale * std::ldexp(1.0, 26), largest), differences, "softmax");
    const int left_shift = 31 - op.difference.channels[0].shift;
    op.diff_min = -static_cast<std::int64_t>(std::floor(31 * std::ldexp(1.0, 26 - left_shift)));
  }
  const Shape shape{r.between(1, 3), r.between(1, 5), r.pick<std::int64_t>({1, 2, 5, 10, 33, 130, 300})};
  return single("softmax", op, {{shape, x}}, x == kInt16 ? kInt16 : r.pick({kInt8, kUInt8, kInt16}));
}

}  // namespace obz::testing
