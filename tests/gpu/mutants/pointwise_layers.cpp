// Trials for the kernels of pointwise.cu and softmax.cu.
#include <cmath>

#include "ref/read/tables.hpp"
#include "tests/gpu/mutants/endings.hpp"
#include "tests/gpu/mutants/net.hpp"

namespace obz::test {
namespace {

constexpr IntType kWide{17, true};  ///< as 32 bits in memory
constexpr IntType kTypes[] = {kInt8, kUInt8, kInt4, kUInt4, kInt16, kUInt16, kWide};
constexpr std::int64_t kChannels[] = {1, 2, 3, 5, 9, 20};  ///< the first ones: rows of four bytes

/// add(x, y, channels) for all types of x, and of y those that follow it, so that widths mix.
template <class Add>
void for_types(Add add) {
  for (std::size_t x = 0; x < 7; ++x) {
    for (std::size_t c = 0; c < 6; ++c) {
      for (const std::size_t apart : {std::size_t{0}, c + 1}) add(kTypes[x], kTypes[(x + apart) % 7], kChannels[c]);
    }
  }
}

Net net_for(const char* kernel) { return {.net = {}, .inputs = {}, .options = {}, .kernel = kernel}; }

std::vector<Trial> extremum_trials() {
  std::vector<Trial> trials;
  std::uint64_t seed = 600;
  for_types([&](IntType x, IntType other, std::int64_t channels) {
    Random r(++seed);
    Net net = net_for("pair");
    const Shape shape{2, 5, channels};
    const int a = net.input(r, shape, x), b = net.input(r, shape, other);
    net.node(MinMax{.maximum = seed % 2 == 0}, {a, b}, x.bits >= other.bits ? x : other);
    trials.push_back(std::move(net).trial("extremum"));
  });
  return trials;
}

std::vector<Trial> lookup_trials() {
  std::vector<Trial> trials;
  std::uint64_t seed = 620;
  for_types([&](IntType x, IntType y, std::int64_t channels) {
    Random r(++seed);
    Net net = net_for("lookup");
    Lookup op{.table = testing::random_tensor(r, Shape{std::int64_t{1} << x.bits}, y), .function = "random"};
    net.node(std::move(op), {net.input(r, Shape{3, 7, channels}, x)}, y);
    trials.push_back(std::move(net).trial("lookup"));
  });
  return trials;
}

std::vector<Trial> threshold_trials() {
  std::vector<Trial> trials;
  std::uint64_t seed = 640;
  for_types([&](IntType x, IntType y, std::int64_t channels) {
    Random r(++seed);
    Net net = net_for("threshold");
    Threshold op{.axis = 2,
                 .channels = seed % 3 == 0 ? 1 : channels,
                 .lo = static_cast<std::int32_t>(y.min()),
                 .step = static_cast<std::int32_t>(r.pick({1, 2, -1}))};
    const std::int64_t count = r.pick<std::int64_t>({1, 2, 7, 16});
    for (std::int64_t c = 0; c < op.channels; ++c) {
      std::vector<std::int64_t> steps;
      for (std::int64_t t = 0; t < count; ++t) steps.push_back(r.value(x));
      std::sort(steps.begin(), steps.end());
      op.thresholds.insert(op.thresholds.end(), steps.begin(), steps.end());
      op.directions.push_back(r.pick({1, -1}));
    }
    net.node(std::move(op), {net.input(r, Shape{3, 7, channels}, x)}, y);
    trials.push_back(std::move(net).trial("threshold"));
  });
  return trials;
}

/// The difference's recipe: a known one, or one of every rounding, executed as data.
std::vector<Trial> softmax_trials() {
  std::vector<Trial> trials;
  std::uint64_t seed = 660;
  const OutputQuant differences{.lo = kInt32.min(), .hi = kInt32.max(), .type = kInt32};
  const auto add = [&](IntType x, IntType y, std::int64_t channels, int recipe) {
    Random r(++seed);
    Net net = net_for("softmax_rows");
    const char* profile = recipe == 0 ? "tflite/double" : "tflite/single";
    const double scale =
        std::ldexp(static_cast<double>(r.between(1 << 20, 1 << 21)), static_cast<int>(r.between(-28, -20)));
    Softmax op;
    if (x.bits == 16) {
      op.difference = fill_factor(find_profile(profile), scale / 256 / (10.0 / 65535), differences, "softmax");
      op.exp_table = softmax_exp_table();
      op.reciprocal_table = softmax_reciprocal_table();
    } else {
      op.difference =
          fill_factor(find_profile(profile), std::min(scale * std::ldexp(1.0, 26), 1e9), differences, "softmax");
      op.diff_min = r.pick<std::int64_t>({-1, -3, -9, -40, -200});
    }
    if (recipe > 0) op.difference.recipe = {.rounding = std::data(kRoundings)[recipe - 1]};
    const int at = net.input(r, Shape{2, 5, channels}, x);
    if (seed % 4 == 0) net.quieten(static_cast<std::int32_t>(x.max()));
    net.node(std::move(op), {at}, y);
    trials.push_back(std::move(net).trial("softmax"));
  };
  const int recipes = 1 + static_cast<int>(std::size(kRoundings));
  int recipe = 0;
  for (int again = 0; again < 3; ++again) {
    for_types([&](IntType x, IntType y, std::int64_t channels) {
      add(x, y == kWide ? kInt32 : y, channels, recipe++ % recipes);
    });
  }
  for (const std::int64_t channels : {40, 130, 300}) {
    for (const IntType x : {kInt8, kUInt8, kInt16}) add(x, x == kInt16 ? kInt16 : kInt8, channels, recipe++ % recipes);
  }
  return trials;
}

std::vector<Trial> product_trials() {
  std::vector<Trial> trials;
  std::uint64_t seed = 700;
  const IntType types[] = {kInt8, kUInt8, kInt4, kUInt4, kInt16, kUInt16, IntType{20, true}};
  const auto add = [&](IntType ta, IntType tb, const Ending& e, std::int64_t channels) {
    Random r(++seed);
    Net net{.net = {}, .inputs = {}, .options = {}, .kernel = "pair"};
    Mul op{.a_zero_point = seed % 3 == 0 || !ta.is_signed ? 2 : -3, .b_zero_point = tb.is_signed ? -1 : 1};
    op.accumulator = e.accumulator;
    op.requant = seed % 4 == 0 ? quiet_requant(r, e, 1) : ending_requant(r, e, ta.bits + tb.bits - 2, 1, false);
    const Shape shape{3, 7, channels};
    const int a = net.input(r, shape, ta), b = net.input(r, shape, tb);
    if (seed % 4 == 0) net.quieten(op.a_zero_point);
    net.node(std::move(op), {a, b}, e.y);
    trials.push_back(std::move(net).trial(fmt::format("product {}", e.name)));
  };
  std::vector<Ending> all = known_endings();
  all.insert(all.end(), other_endings().begin(), other_endings().end());
  for (const Ending& e : neighbours()) all.push_back(e);
  for (std::size_t i = 0; i < all.size(); ++i) {
    add(types[i % 6], types[(i * 3 + 1) % 6], all[i], i % 3 == 0 ? 2 : 5 + static_cast<std::int64_t>(i % 9));
  }
  for (std::size_t i = 0; i < 24; ++i) {
    Ending e = all[i % 3];
    e.accumulator = {static_cast<std::uint8_t>(8 + i % 5), i % 2 == 0 ? Overflow::saturate : Overflow::wrap};
    add(kInt8, kInt8, e, 8);
  }
  for (std::int64_t channels = 1; channels < 9; ++channels) {
    const Ending twice{"half up at bit 1, then again", {.first_bits = 1}, {}, kInt8};
    add(kInt8, kInt8, twice, channels);
  }
  Random r(82);
  for (int i = 0; i < 120; ++i) add(types[r.between(0, 6)], types[r.between(0, 5)], random_ending(r), r.between(1, 9));
  return trials;
}

}  // namespace

std::vector<Trial> pointwise_trials(const std::string& kernel) {
  if (kernel == "lookup") return lookup_trials();
  if (kernel == "threshold") return threshold_trials();
  if (kernel == "softmax_rows") return softmax_trials();
  OBZ_CHECK(kernel == "pair");
  std::vector<Trial> trials = extremum_trials();
  for (Trial& t : product_trials()) trials.push_back(std::move(t));
  return trials;
}

}  // namespace obz::test
