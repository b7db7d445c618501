// Convolutions: tiles, windows, edges, depths, endings, and what joins behind them.
#include <fmt/format.h>

#include "tests/gpu/mutants/endings.hpp"
#include "tests/gpu/mutants/layers.hpp"
#include "tests/gpu/mutants/net.hpp"

namespace obz::test {
namespace {

/// What the name of a conv_* kernel says.
struct ConvKernel {
  IntType x, w;
  gpu::TileSize tile = gpu::TileSize::medium;
  bool narrow = false;
  int sum_bits = 18;

  explicit ConvKernel(const std::string& name) {
    const auto has = [&](const char* part) { return name.find(part) != std::string::npos; };
    narrow = has("stem");
    if (has("large")) tile = gpu::TileSize::large;
    if (has("small")) tile = gpu::TileSize::small;
    const bool x_signed = name[5] == 's', four = has("conv_s4") || has("conv_u4");
    if (has("planes")) {
      x = {static_cast<std::uint8_t>(has("planes_2x") ? 2 : 1), true};
      w = {static_cast<std::uint8_t>(has("x2") ? 2 : 1), true};
      sum_bits = 9;
    } else if (has("x1") || has("x2")) {
      x = {static_cast<std::uint8_t>(has("_2x") ? 16 : 8), x_signed};
      w = {static_cast<std::uint8_t>(has("x2") ? 13 : 8), true};
      sum_bits = x.bits + w.bits + 3;
    } else {
      x = {static_cast<std::uint8_t>(four ? 4 : 8), x_signed};
      w = {x.bits, !has(four ? "4u4" : "8u8")};
      sum_bits = 2 * x.bits + 3;
    }
  }
};

struct ConvShape {
  Shape x;
  std::int64_t outputs, kernel_h, kernel_w;
  Window window;
};

/// `other`: of that type a tensor joins behind it.
Trial conv_trial(const std::string& kernel, std::uint64_t seed, const ConvShape& shape, const Ending& e,
                 const Ending* join = nullptr, IntType other = kInt8, bool hwnc = false, bool quiet = false) {
  Random r(seed);
  const ConvKernel k(kernel);
  Net net{.net = {}, .inputs = {}, .options = {.tile = k.tile, .hwnc = hwnc}, .kernel = kernel};
  const bool large = k.tile == gpu::TileSize::large;
  Conv2d op;
  op.window = shape.window;
  op.filter.weights = testing::random_tensor(r, Shape{shape.outputs, shape.kernel_h, shape.kernel_w, shape.x[3]}, k.w);
  for (std::int64_t o = 0; o < shape.outputs; ++o) op.filter.bias.push_back(r.between(-200, 200));
  op.x_zero_point = static_cast<std::int32_t>(seed % 3 == 0 ? k.x.min() : k.x.is_signed ? -1 : 1);
  op.accumulator = e.accumulator;
  // The tensor core's sums have 32 bits and wrap; wide operands leave them.
  if (k.sum_bits > 24)
    op.accumulator = {static_cast<std::uint8_t>(std::min<int>(e.accumulator.bits, 32)), Overflow::wrap};
  op.requant = ending_requant(r, e, std::min(k.sum_bits, 31), shape.outputs, large);
  const int x = net.input(r, shape.x, k.x);
  if (quiet) {
    op.x_zero_point = 0;
    for (std::int64_t& bias : op.filter.bias) bias = r.between(-2, 2);
    for (std::int32_t& v : op.filter.weights.data) v = std::clamp(v, k.w.is_signed ? -1 : 0, k.w.bits == 1 ? 0 : 1);
    op.filter.weights.data[0] = static_cast<std::int32_t>(k.w.bits > 8 ? 200 : k.w.max());
    op.requant = quiet_requant(r, e, shape.outputs);
    if (large) op.requant.channels.assign(op.requant.channels.size(), op.requant.channels[0]);
  }
  if (other.bits == 32) other = {20, true};
  for (Channel& c : op.requant.channels) {  // what is joined leaves room for the multiplier
    if (join == nullptr || e.y.bits < 32) continue;
    c.lo = -(1 << 24);
    c.hi = 1 << 24;
  }
  const int b = join == nullptr ? -1 : net.input(r, infer(op, shape.x, "conv"), other);
  if (quiet) net.quieten(0);
  const int y = net.node(std::move(op), {x}, e.y);
  if (join != nullptr) {
    Add add{.subtract = seed % 2 == 0,
            .a_zero_point = seed % 3 == 0 ? 2 : -3,
            .b_zero_point = other.is_signed ? -1 : 1,
            .left_shift = static_cast<std::int32_t>(seed % 3)};
    Ending branch = *join;
    branch.y = kInt16;
    add.branch_a = ending_requant(r, branch, std::min<int>(e.y.bits, 24), 1, false);
    add.branch_b = ending_requant(r, branch, other.bits, 1, false);
    add.out = ending_requant(r, *join, seed % 5 < 2 ? 9 : 15, 1, false);
    if (quiet) {
      add.branch_a = quiet_requant(r, *join, 1);
      add.branch_b = quiet_requant(r, *join, 1);
      add.out = quiet_requant(r, *join, 1);
    }
    for (Requant* q : {&add.branch_a, &add.branch_b}) {
      q->channels[0].lo = seed % 5 < 2 ? -500 : -100000;
      q->channels[0].hi = seed % 5 < 2 ? 500 : 100000;
      q->channels[0].zero_point = 3;
    }
    add.accumulator = join->accumulator;
    net.node(std::move(add), {y, b}, join->y);
  }
  return std::move(net).trial(fmt::format("{}, {}", e.name, shape.x.text()));
}

/// Sums that leave 32 bits: before the accumulator, or with the zero point.
Trial rails_trial(const std::string& kernel, std::uint64_t seed, const ConvShape& shape, const Ending& e, bool joins) {
  Random r(seed);
  const ConvKernel k(kernel);
  Net net{.net = {}, .inputs = {}, .options = {.tile = k.tile}, .kernel = kernel};
  Conv2d op;
  op.filter.weights = testing::random_tensor(r, Shape{shape.outputs, 1, 1, shape.x[3]}, k.w);
  op.window = shape.window;
  op.accumulator = k.sum_bits > 24 ? Accumulator{} : e.accumulator;
  op.requant.recipe = e.recipe;
  op.requant.channels.clear();
  const std::int64_t rail = e.accumulator.bits > 32 ? std::int64_t{1} << 33 : kInt32.max();
  for (std::int64_t o = 0; o < shape.outputs; ++o) {
    op.filter.bias.push_back(o % 2 == 0 ? rail - 100 : -rail + 100);
    op.requant.channels.push_back({.multiplier = 3,
                                   .shift = e.recipe.first_bits > 0 ? 31 : static_cast<std::int32_t>(o % 2),
                                   .zero_point = static_cast<std::int32_t>(o % 2 == 0 ? 1 << 28 : -(1 << 28)),
                                   .lo = kInt32.min(),
                                   .hi = kInt32.max()});
  }
  const int x = net.input(r, shape.x, k.x);
  const int y = net.node(std::move(op), {x}, e.y);
  if (joins) {
    const Shape same = net.net.tensors[static_cast<std::size_t>(y)].shape;
    const int b = net.input(r, same, {20, true});
    Add add;
    const Channel far{.multiplier = 1 << 30,
                      .shift = 31,
                      .zero_point = static_cast<std::int32_t>(kInt32.max() - 100),
                      .lo = kInt32.min(),
                      .hi = kInt32.max()};
    add.branch_a = add.branch_b = add.out = {.recipe = e.recipe, .channels = {far}};
    net.node(std::move(add), {y, b}, kInt32);
  }
  return std::move(net).trial(e.name);
}

/// Padding on all sides, stride 2 one way, two images, ragged channels; the depth has at least three slices.
ConvShape padded_shape(const ConvKernel& k) {
  const std::int64_t outputs = k.tile == gpu::TileSize::large ? 70 : 20;
  const Window w{.stride_h = 1, .stride_w = 2, .pad_top = 1, .pad_left = 2, .pad_bottom = 1, .pad_right = 1};
  if (k.narrow) return {Shape{2, 5, 6, 32 / k.x.bits - (k.x.bits == 16 ? 0 : 1)}, outputs, 5, 6, w};
  return {Shape{2, 4, 5, k.x.bits <= 2 ? 150 : k.x.bits == 16 ? 20 : k.x.bits == 4 ? 70 : 40}, outputs, 3, 3, w};
}

ConvShape strided_shape(const ConvKernel& k) {
  Window w{.stride_h = 2,
           .stride_w = 1,
           .dilation_h = 1,
           .dilation_w = 2,
           .pad_top = 0,
           .pad_left = 1,
           .pad_bottom = 2,
           .pad_right = 3};
  if (k.narrow) return {Shape{1, 5, 9, 1}, 7, 2, 5, w};
  return {Shape{1, 5, 7, 17}, 7, 2, 3, w};
}

}  // namespace

std::vector<Trial> conv_trials(const std::string& kernel) {
  const ConvKernel k(kernel);
  std::vector<Trial> trials;
  std::uint64_t seed = 1;
  const auto add = [&](const ConvShape& s, const Ending& e, const Ending* join = nullptr, IntType other = kInt8,
                       bool hwnc = false) { trials.push_back(conv_trial(kernel, ++seed, s, e, join, other, hwnc)); };
  for (const Ending& e : known_endings()) add(padded_shape(k), e);
  add(strided_shape(k), known_endings()[0]);
  ConvShape more_rows = padded_shape(k);
  more_rows.outputs = k.tile == gpu::TileSize::large ? 131 : 66;
  more_rows.x = Shape{3, 9, 9, more_rows.x[3]};  // two row tiles or more
  add(more_rows, known_endings()[1], nullptr, kInt8, true);
  ConvShape more_channels = strided_shape(k);
  more_channels.outputs = 131;
  add(more_channels, known_endings()[0]);
  for (const Ending& e : {known_endings()[0], known_endings()[3]}) {
    ConvShape all_around = padded_shape(k);
    all_around.x = Shape{2, 6, 7, k.narrow ? all_around.x[3] : 17};
    all_around.outputs = 9;
    all_around.window = {.pad_top = 2, .pad_left = 2, .pad_bottom = 2, .pad_right = 2};
    add(all_around, e);
  }
  ConvShape point = strided_shape(k);  // a slice and less
  point.kernel_h = point.kernel_w = 1;
  add(point, known_endings()[2]);
  if (k.tile != gpu::TileSize::large) {
    for (const Ending& e : other_endings()) add(strided_shape(k), e);
  }
  // Every row of a tile is once the first behind the last row of y, and once above the first line of x.
  for (const std::int64_t rows : {8, 24, 40, 56, 72, 88, 104, 120}) {
    point.x = Shape{rows, 1, 1, point.x[3]};
    point.window = {};
    add(point, known_endings()[0]);
  }
  point.x = Shape{20, 1, 1, point.x[3]};
  ConvShape wide = padded_shape(k);
  wide.x = Shape{1, 1, 130, k.narrow ? 1 : 17};
  wide.outputs = 5;
  wide.kernel_h = wide.kernel_w = 3;
  wide.window = {.pad_top = 1, .pad_left = 1, .pad_bottom = 1, .pad_right = 3};
  add(wide, known_endings()[0]);
  ConvShape tall = wide;
  tall.x = Shape{1, 140, 1, wide.x[3]};
  tall.window = {.pad_left = 2, .pad_right = 2};
  add(tall, known_endings()[0]);
  for (const auto* endings : {&known_endings(), &other_endings()}) {
    for (const Ending& e : *endings) {
      if (k.tile == gpu::TileSize::large && endings == &other_endings()) continue;
      trials.push_back(conv_trial(kernel, ++seed, point, e, nullptr, kInt8, false, true));
    }
  }
  if (k.tile != gpu::TileSize::large) {
    Ending wide_sums{"sums of 40 bits", {}, {40, Overflow::wrap}, kInt32};
    Ending rails{"sums at the rails", two(Rounding::half_up, Rounding::half_even), {}, kInt32};
    rails.recipe.zero_point = ZeroPointAt::before_scaling;
    for (int i = 0; i < 4; ++i) {
      wide_sums.recipe.rounding = i % 2 == 0 ? Rounding::half_up : Rounding::half_even;
      for (const Ending& e : {wide_sums, rails})
        trials.push_back(rails_trial(kernel, ++seed, point, e, i >= 2 && e.recipe.first_bits > 0));
    }
  }
  const int mixtures = k.x.bits <= 2 ? 25 : 60;  // bit planes take longer
  Random r(77);
  for (int i = 0; i < mixtures && k.tile != gpu::TileSize::large; ++i) add(point, random_ending(r));
  std::size_t turn = 0;
  for (const Ending& e : neighbours()) {
    if (k.tile != gpu::TileSize::large) add(point, e);
    const Ending& known = known_endings()[turn % 5];
    const bool quiet = e.recipe.first_bits > 0 || turn % 2 == 0;
    ++turn;
    trials.push_back(conv_trial(kernel, ++seed, point, known, &e, random_type(r), false, quiet));
  }
  for (const auto* endings : {&known_endings(), &other_endings()}) {
    for (const Ending& e : *endings) {
      trials.push_back(conv_trial(kernel, ++seed, point, known_endings()[0], &e, kInt4, false, true));
    }
  }
  point.outputs = 20;
  for (int i = 0; i < mixtures; ++i) {
    const Ending join = random_ending(r);
    trials.push_back(conv_trial(kernel, ++seed, point, known_endings()[static_cast<std::size_t>(i) % 5], &join,
                                random_type(r), false, i % 2 == 0));
  }
  const auto& others = other_endings();
  const IntType types[] = {kInt8, kUInt8, kInt4, kUInt4, kInt16, kUInt16, kInt32};
  std::size_t at = 0;
  for (const Ending& e : others) add(strided_shape(k), known_endings()[at % 5], &e, types[at % 7]), ++at;
  // Rows of four bytes: fewer channels than a quad has.
  for (const IntType type : {kInt16, kInt32, kInt8}) {
    ConvShape few = strided_shape(k);
    few.outputs = type.bits == 32 ? 1 : 2;
    Ending e = known_endings()[0];
    e.y = type;
    add(few, e, &e, type);
  }
  return trials;
}

Trial deep_trial(const std::string& kernel) {
  return conv_trial(kernel, 1, padded_shape(ConvKernel(kernel)), known_endings()[0]);
}

}  // namespace obz::test
