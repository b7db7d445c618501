#include "tests/gpu/mutants/layers.hpp"

#include <limits>
#include <utility>

#include <fmt/format.h>

#include "gpu/engine.hpp"
#include "gpu/lower/move.hpp"
#include "ref/base/error.hpp"
#include "tests/gpu/mutants/endings.hpp"
#include "tests/gpu/mutants/net.hpp"

namespace obz::test {
namespace {

using testing::random_tensor;

/// The kernel alone, from one width to another: x transposed and stored as `to`.
Trial move_trial(std::uint64_t seed, const Shape& shape, const gpu::Order& order, IntType from, IntType to) {
  Random r(seed);
  auto net = std::make_shared<Net>();
  net->input(r, shape, from);
  net->tensor(shape, to);
  return {fmt::format("{} bits to {}", int{from.bits}, int{to.bits}),
          [net, order](std::unique_ptr<gpu::PtxDevice> device) {
            gpu::Builder builder(*device, net->net);
            const gpu::Placed x = builder.get(0, builder.order_of(0)), y = builder.make(1, order);
            gpu::move(builder, x, y, gpu::transposed(x.storage, y.storage));
            builder.set(1, y);
            const auto program = builder.finish();
            gpu::run_program(*device, *program, [&](int) -> const Tensor& { return net->inputs[0]; });
            return gpu::value_of(*device, *program, 1).data == net->inputs[0].data;
          }};
}

std::vector<Trial> depthwise_trials() {
  std::vector<Trial> trials;
  std::uint64_t seed = 100;
  const auto add = [&](IntType x, std::int64_t channels, const Ending& e) {
    Random r(++seed);
    Net net{.net = {}, .inputs = {}, .options = {.tensor_cores = false}, .kernel = "depthwise"};
    Conv2d op;
    op.groups = channels;
    op.window = {.stride_h = 2,
                 .stride_w = 1,
                 .dilation_h = 1,
                 .dilation_w = 2,
                 .pad_top = 1,
                 .pad_left = 3,
                 .pad_bottom = 2,
                 .pad_right = 4};
    op.filter.weights =
        random_tensor(r, Shape{channels, 3, r.pick<std::int64_t>({7, 6, 5, 4}), 1}, seed % 2 == 0 ? kInt8 : kUInt8);
    for (std::int64_t o = 0; o < channels; ++o) op.filter.bias.push_back(r.between(-200, 200));
    op.x_zero_point = static_cast<std::int32_t>(x.min() + 2);
    op.accumulator = e.accumulator;
    op.requant = ending_requant(r, e, x.bits + 10, channels, false);
    if (seed % 3 == 0) {
      for (std::int32_t& v : op.filter.weights.data) v = std::clamp(v, -1, 1);
      op.filter.bias.clear();
      op.requant = quiet_requant(r, e, channels);
    }
    const int at = net.input(r, Shape{2, 5, 9, channels}, x);
    if (seed % 3 == 0) net.quieten(op.x_zero_point);
    net.node(std::move(op), {at}, e.y);
    trials.push_back(std::move(net).trial(fmt::format("depthwise {}", e.name)));
  };
  const IntType types[] = {kInt8, kUInt8, kInt4, kUInt4, kInt16, kUInt16};
  std::size_t at = 0;
  std::vector<Ending> all = neighbours();
  for (int i = 0; i < 6; ++i) all.insert(all.end(), known_endings().begin(), known_endings().end());
  for (const auto* endings : {&known_endings(), &other_endings(), &std::as_const(all)}) {
    for (const Ending& e : *endings)
      add(types[at % 6], at % 4 == 3 ? 2 : 5 + static_cast<std::int64_t>(at % 9), e), ++at;
  }
  for (const std::int64_t channels : {1, 2, 7}) {
    for (const IntType type : {kInt8, kInt16, kInt32, kInt4}) {
      Ending e = known_endings()[0];
      e.y = type;
      add(type.bits == 32 ? IntType{20, true} : type, channels, e);
    }
  }
  Random r(78);
  for (int i = 0; i < 60; ++i) add(types[static_cast<std::size_t>(i) % 6], r.between(1, 9), random_ending(r));
  return trials;
}

std::vector<Trial> add_trials() {
  std::vector<Trial> trials;
  std::uint64_t seed = 200;
  const IntType types[] = {kInt8, kUInt8, kInt4, kUInt4, kInt16, kUInt16, kInt32};
  const auto add = [&](IntType ta, IntType tb, Ending a, Ending b, const Ending& out, std::int64_t channels) {
    a.y = b.y = seed % 2 == 0 ? kInt16 : kInt8;
    Random r(++seed);
    Net net{.net = {}, .inputs = {}, .options = {}, .kernel = "add"};
    Add op{.subtract = seed % 2 == 0,
           .a_zero_point = seed % 3 == 0 ? 2 : -3,
           .b_zero_point = tb.is_signed ? -1 : 1,
           .left_shift = static_cast<std::int32_t>(seed % 3)};
    op.branch_a = ending_requant(r, a, std::min<int>(ta.bits, 20), 1, false);
    if (r.one_in(2)) op.branch_a = quiet_requant(r, a, 1);
    op.branch_b = ending_requant(r, b, std::min<int>(tb.bits, 20), 1, false);
    if (r.one_in(2)) op.branch_b = quiet_requant(r, b, 1);
    op.out = ending_requant(r, out, seed % 5 < 2 ? 9 : 15, 1, false);
    if (r.one_in(2)) op.out = quiet_requant(r, out, 1);
    for (Requant* q : {&op.branch_a, &op.branch_b}) {
      q->channels[0].lo = seed % 5 < 2 ? -500 : -100000;
      q->channels[0].hi = seed % 5 < 2 ? 500 : 100000;
      q->channels[0].zero_point = 3;
    }
    op.accumulator = out.accumulator;
    const Shape shape{3, 7, channels};
    const int x = net.input(r, shape, ta.bits == 32 ? IntType{20, true} : ta),
              y = net.input(r, shape, tb.bits == 32 ? IntType{20, true} : tb);
    net.node(std::move(op), {x, y}, out.y);
    trials.push_back(std::move(net).trial(fmt::format("add {} {} {}", a.name, b.name, out.name)));
  };
  std::vector<Ending> all = known_endings();
  all.insert(all.end(), other_endings().begin(), other_endings().end());
  for (const Ending& e : neighbours()) all.push_back(e);
  for (std::size_t i = 0; i < 27; ++i) {
    const Ending narrow{"sums of six bits", all[i % 3].recipe, {6, Overflow::saturate}, kInt16};
    add(kInt8, kInt8, all[i / 3 % 3], all[i / 9], narrow, 9);
  }
  for (std::size_t i = 0; i < 180; ++i) {
    add(kInt8, kInt8, all[i % 3], all[(i + 1 + i / 3) % 3], all[i % 5], 9);
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    add(types[i % 7], types[(i * 3 + 1) % 7], all[i], all[(i + 1) % 3], all[(i + 2) % all.size()],
        5 + static_cast<std::int64_t>(i % 13));
    add(types[(i + 3) % 7], types[i % 7], all[(i + 2) % 3], all[i], all[i % 3], i % 3 == 0 ? 1 : i % 3 == 1 ? 2 : 9);
  }
  Random r(79);
  for (int i = 0; i < 80; ++i) {
    const Ending a = i % 4 == 0 ? all[static_cast<std::size_t>(i) % 3] : random_ending(r),
                 b = i % 4 == 1 ? all[static_cast<std::size_t>(i) % 3] : random_ending(r);
    add(types[r.between(0, 6)], types[r.between(0, 6)], a, b,
        i % 4 == 2 ? all[static_cast<std::size_t>(i) % 3] : random_ending(r), r.between(1, 9));
  }
  return trials;
}

std::vector<Trial> avg_pool_trials() {
  std::vector<Trial> trials;
  std::uint64_t seed = 300;
  const IntType types[] = {kInt8, kUInt8, kInt4, kUInt4, kInt16, kUInt16, kInt32};
  const auto add = [&](IntType x, std::int64_t channels, const Ending& e, AverageBy by, Rounding rounding) {
    Random r(++seed);
    Net net{.net = {}, .inputs = {}, .options = {}, .kernel = "avg_pool"};
    AvgPool op{.kernel_h = 3,
               .kernel_w = static_cast<std::int32_t>(r.pick({7, 6, 5, 4})),
               .count_includes_pad = seed % 2 == 0,
               .x_zero_point = x.is_signed ? -2 : 1,
               .by = by,
               .rounding = rounding};
    op.window = {.stride_h = 1,
                 .stride_w = 2,
                 .dilation_h = 2,
                 .dilation_w = 1,
                 .pad_top = 3,
                 .pad_left = 3,
                 .pad_bottom = 1,
                 .pad_right = 4};
    op.accumulator = e.accumulator;
    op.requant = ending_requant(r, e, x.bits + 2, by == AverageBy::requant ? 3 * op.kernel_w : 1, false);
    if (seed % 3 == 0 && by == AverageBy::requant) op.requant = quiet_requant(r, e, 3 * op.kernel_w);
    const int at = net.input(r, Shape{2, 6, 9 + static_cast<std::int64_t>(seed % 2), channels}, x);
    if (seed % 3 == 0) net.quieten(op.x_zero_point);
    net.node(std::move(op), {at}, e.y);
    trials.push_back(std::move(net).trial(fmt::format("avg_pool {}", e.name)));
  };
  std::size_t at = 0;
  std::vector<Ending> all = neighbours();
  for (int i = 0; i < 8; ++i) all.insert(all.end(), known_endings().begin(), known_endings().end());
  for (const auto* endings : {&known_endings(), &other_endings(), &std::as_const(all)}) {
    for (const Ending& e : *endings) {
      add(types[at % 6], at % 4 == 3 ? 2 : 5 + static_cast<std::int64_t>(at % 9), e, AverageBy::requant,
          Rounding::half_up);
      ++at;
    }
  }
  for (const Rounding rounding : kRoundings) {
    for (const IntType type : {kInt8, kUInt4, kInt16, kInt32}) {
      const Ending e{"by division", {}, {type.bits == 32 ? std::uint8_t{40} : std::uint8_t{32}, Overflow::wrap}, type};
      for (const std::int64_t channels : {1, 2, 6}) add(type, channels, e, AverageBy::division, rounding);
    }
  }
  for (const std::int64_t channels : {8, 20}) {
    for (int i = 0; i < 8; ++i) add(kInt32, channels, known_endings()[0], AverageBy::requant, Rounding::half_up);
    Ending at_the_rails = known_endings()[0];
    at_the_rails.accumulator = {10, Overflow::saturate};
    add(kInt8, channels, at_the_rails, AverageBy::requant, Rounding::half_up);
  }
  Random r(80);
  for (int i = 0; i < 80; ++i) {
    const bool divides = i % 4 == 0;
    Ending e = random_ending(r);
    if (!divides && e.recipe.first_bits == 0 && i % 3 == 0) e.accumulator = {48, Overflow::saturate};
    add(types[r.between(0, 6)], r.between(1, 9), e, divides ? AverageBy::division : AverageBy::requant,
        r.pick(kRoundings));
  }
  return trials;
}

std::vector<Trial> move_trials() {
  std::vector<Trial> trials;
  std::uint64_t seed = 400;
  const auto add = [&](const std::string& name, const Shape& shape, IntType type, Operator op) {
    Random r(++seed);
    Net net{.net = {}, .inputs = {}, .options = {}, .kernel = "move"};
    const int x = net.input(r, shape, type);
    net.node(std::move(op), {x}, type);
    trials.push_back(std::move(net).trial(name));
  };
  for (const IntType type : {kInt8, kUInt8, kInt4, kUInt4, kInt16, kUInt16, kInt32}) {
    add("transpose", Shape{2, 3, 4, 5}, type, Transpose{.permutation = Shape{3, 1, 0, 2}});
    add("transpose to one channel", Shape{2, 1, 3}, type, Transpose{.permutation = Shape{0, 2, 1}});
    add("to two channels", Shape{2, 9}, type, Transpose{.permutation = Shape{1, 0}});
    add("pad", Shape{2, 3, 5}, type, Pad{.before = Shape{1, 0, 2}, .after = Shape{0, 2, 3}, .value = 3});
    add("slice backwards", Shape{4, 5, 9}, type,
        Slice{.begin = Shape{3, 1, 8}, .step = Shape{-2, 1, -3}, .extent = Shape{2, 3, 3}, .shape = Shape{2, 3, 3}});
    add("reshape", Shape{6, 10}, type, Reshape{.shape = Shape{4, 3, 5}});
    add("six axes", Shape{2, 3, 2, 3, 2, 5}, type, Transpose{.permutation = Shape{4, 2, 5, 0, 1, 3}});
    add("six axes to four", Shape{2, 3, 2, 3, 2, 5}, type, Reshape{.shape = Shape{5, 4, 3, 6}});
    add("pad six axes", Shape{2, 1, 2, 2, 1, 3}, type,
        Pad{.before = Shape{1, 0, 2, 0, 1, 1}, .after = Shape{0, 1, 0, 1, 0, 2}, .value = 1});
    add("pad five axes", Shape{2, 1, 2, 2, 3}, type,
        Pad{.before = Shape{0, 2, 0, 1, 2}, .after = Shape{1, 0, 1, 0, 4}, .value = 1});
  }
  for (const IntType type : {kInt4, kInt8, kInt16, kUInt4, kUInt8, kUInt16}) {
    for (const IntType to : {kInt32, kInt16, kInt8}) {
      if (to.bits > type.bits || to == type) trials.push_back(move_trial(++seed, Shape{3, 4, 5}, {2, 0, 1}, type, to));
    }
  }
  return trials;
}

std::vector<Trial> requantize_trials() {
  std::vector<Trial> trials;
  std::vector<Ending> all = known_endings();
  all.insert(all.end(), other_endings().begin(), other_endings().end());
  for (const Ending& e : neighbours()) all.push_back(e);
  if (all.size() % 2 == 0) all.push_back(all[0]);
  const std::vector<Ending> once = all;  // an odd number: once as they come, once with small sums
  all.insert(all.end(), once.begin(), once.end());
  Random mixtures(81);
  for (int i = 0; i < 120; ++i) all.push_back(random_ending(mixtures));
  std::uint64_t seed = 500;
  for (const Ending& e : all) {
    Random r(++seed);
    auto cases = std::make_shared<std::vector<RequantCase>>();
    const bool quiet = seed % 2 == 0;
    const Requant channels = quiet ? quiet_requant(r, e, 300) : ending_requant(r, e, 18, 300, false);
    for (const Channel& c : channels.channels) {
      const std::int64_t acc = quiet          ? r.between(-5, 5)
                               : r.one_in(12) ? std::int64_t{std::numeric_limits<std::int32_t>::min()}
                                              : r.of_any_size(17) * (r.one_in(2) ? -1 : 1);
      cases->push_back({acc, c});
      if (quiet || !r.one_in(6)) continue;
      Channel plain = c;  // sums of more than 32 bits, and those that leave them with the zero point
      plain.addend = 0;
      plain.multiplier = 3;
      plain.shift = e.recipe.first_bits > 0 ? e.recipe.first_bits : static_cast<std::int32_t>(r.between(0, 1));
      const std::int64_t rail = r.pick({kInt32.min(), kInt32.max()});
      cases->push_back({e.recipe.first_bits > 0 ? rail : rail * 5, plain});
    }
    std::vector<std::int64_t> want;
    for (const RequantCase& c : *cases)
      want.push_back(static_cast<std::int32_t>(requantize(c.acc, e.recipe, c.channel)));
    trials.push_back({e.name, [cases, want, e](std::unique_ptr<gpu::PtxDevice> device) {
                        const auto engine = gpu::make_kernel_engine("ptx", std::move(device));
                        return engine->run(RequantJob{.recipe = e.recipe, .out = e.y, .cases = *cases}) == want;
                      }});
  }
  return trials;
}

}  // namespace

std::vector<Trial> trials_for(const std::string& kernel) {
  if (kernel.starts_with("conv_")) return conv_trials(kernel);
  if (kernel == "depthwise") return depthwise_trials();
  if (kernel == "add") return add_trials();
  if (kernel == "avg_pool") return avg_pool_trials();
  if (kernel == "move") return move_trials();
  if (kernel == "requantize_cases") return requantize_trials();
  return pointwise_trials(kernel);
}

}  // namespace obz::test
