#include "ref/quantize/zoo_builder.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "ref/base/philox.hpp"
#include "ref/quantize/zoo.hpp"
#include "ref/real/float_run.hpp"

namespace obz {
namespace {

/// Normal deviates by the sum of twelve uniforms: additions only, so the bits do not depend on a math library.
class Normal {
 public:
  Normal(std::uint64_t seed, std::uint64_t layer, std::uint32_t purpose) : random_(seed, layer, purpose) {}

  double operator()() {
    constexpr int terms = 12;
    std::uint64_t sum = 0;
    for (int i = 0; i < terms; ++i) sum += random_.bits32();
    return static_cast<double>(sum) / 4294967296.0 - terms / 2.0;
  }
  double uniform() { return static_cast<double>(random_.bits32()) / 4294967296.0; }

 private:
  CaseRandom random_;
};

/// 2^x for small x, by squaring 1 + x ln 2 / 1024: additions and products only, like Normal.
double power_of_two(double x) {
  constexpr double ln2 = 0.693147180559945309;
  double y = 1 + x * ln2 / 1024;
  for (int i = 0; i < 10; ++i) y *= y;
  return y;
}

FloatTensor drawn_weights(const Shape& shape, std::uint64_t seed, std::uint64_t layer) {
  constexpr std::uint32_t values = 1, spread = 2;
  Normal value(seed, layer, values), channel(seed, layer, spread);
  FloatTensor w{shape, std::vector<float>(static_cast<std::size_t>(shape.elems()))};
  const std::int64_t terms = shape.elems() / shape[0];
  const double deviation = std::sqrt(2.0 / static_cast<double>(terms));
  constexpr double quarter_in_bits = 0.25 / 0.693147180559945309;
  for (std::size_t i = 0; i < w.data.size();) {
    const double wide = deviation * power_of_two(channel() * quarter_in_bits);
    for (std::int64_t t = 0; t < terms; ++t) w.data[i++] = static_cast<float>(value() * wide);
  }
  return w;
}

/// Where a channel hardly varies (on a map of one pixel none does), a tenth of the layer's mean square stands for its
/// variance.
void settle(FloatBatchNorm& norm, const FloatTensor& x) {
  const std::size_t channels = norm.mean.size(), plane = x.data.size() / channels;
  std::vector<double> variances;
  double mean_square = 0;
  for (std::size_t c = 0; c < channels; ++c) {
    double sum = 0, squares = 0;
    for (std::size_t i = 0; i < plane; ++i) {
      const auto v = static_cast<double>(x.data[c * plane + i]);
      sum += v;
      squares += v * v;
    }
    const double mean = sum / static_cast<double>(plane);
    norm.mean[c] = static_cast<float>(mean);
    variances.push_back(squares / static_cast<double>(plane) - mean * mean);
    mean_square += squares / static_cast<double>(plane * channels);
  }
  constexpr double least = 1e-3, part = 0.1;
  for (std::size_t c = 0; c < channels; ++c) {
    norm.variance[c] = static_cast<float>(std::max({variances[c], part * mean_square, least}));
  }
}

}  // namespace

ZooBuilder::ZooBuilder(std::string name, std::uint64_t seed, std::int64_t side) : seed_(seed) {
  net_.name = std::move(name);
  net_.origin = fmt::format("obz zoo {} --seed {} --size {}", net_.name, seed, side);
  net_.values.push_back({"image", Shape{1, 3, side, side}});
}

int ZooBuilder::emit(const std::string& name, FloatOp op, std::vector<int> inputs) {
  std::vector<Shape> shapes;
  for (const int i : inputs) shapes.push_back(shape(i));
  const int y = static_cast<int>(net_.values.size());
  net_.values.push_back({name + ".out", infer(op, shapes, fmt::format("zoo {}: {}", net_.name, name))});
  net_.nodes.push_back({name, std::move(inputs), y, std::move(op)});
  return y;
}

int ZooBuilder::conv(const std::string& name, int x, const ConvShape& s) {
  const auto narrow = [](std::int64_t v) { return static_cast<std::int32_t>(v); };
  const std::uint64_t layer = layers_++;
  FloatConv op{.weights = drawn_weights(Shape{s.outputs, s.kernel_h, s.kernel_w, channels(x) / s.groups}, seed_, layer),
               .groups = s.groups};
  op.window = {.stride_h = narrow(s.stride),
               .stride_w = narrow(s.stride),
               .pad_top = narrow(s.pad_h),
               .pad_left = narrow(s.pad_w),
               .pad_bottom = narrow(s.pad_h),
               .pad_right = narrow(s.pad_w)};
  const int y = emit(name, std::move(op), {x});
  const auto count = static_cast<std::size_t>(s.outputs);
  constexpr std::uint32_t purpose = 3;
  constexpr float epsilon = 1e-5F;
  FloatBatchNorm norm{std::vector<float>(count), std::vector<float>(count), std::vector<float>(count),
                      std::vector<float>(count, 1.0F), epsilon};
  Normal draw(seed_, layer, purpose);
  for (std::size_t c = 0; c < count; ++c) {
    norm.gain[c] = static_cast<float>(0.4 + 0.9 * draw.uniform());
    norm.shift[c] = static_cast<float>(0.25 * draw());
  }
  return emit(name + ".bn", std::move(norm), {y});
}

int ZooBuilder::relu(int x, float most) {
  const std::string name = net_.nodes.back().name + ".relu";
  return emit(name, FloatClip{0, most > 0 ? most : std::numeric_limits<float>::infinity()}, {x});
}

int ZooBuilder::add(const std::string& name, int a, int b) { return emit(name, FloatAdd{}, {a, b}); }

int ZooBuilder::concat(const std::string& name, std::vector<int> parts) {
  return emit(name, FloatConcat{1}, std::move(parts));
}

int ZooBuilder::max_pool(int x, std::int32_t kernel, std::int32_t stride, std::int32_t pad) {
  const Window w{
      .stride_h = stride, .stride_w = stride, .pad_top = pad, .pad_left = pad, .pad_bottom = pad, .pad_right = pad};
  return emit(fmt::format("pool{}", net_.nodes.size()), FloatMaxPool{kernel, kernel, w}, {x});
}

int ZooBuilder::avg_pool(int x, std::int32_t kernel, std::int32_t stride, std::int32_t pad) {
  const Window w{
      .stride_h = stride, .stride_w = stride, .pad_top = pad, .pad_left = pad, .pad_bottom = pad, .pad_right = pad};
  return emit(fmt::format("pool{}", net_.nodes.size()), FloatAvgPool{kernel, kernel, w, true}, {x});
}

int ZooBuilder::global_pool(int x) {
  const auto h = static_cast<std::int32_t>(shape(x)[2]), w = static_cast<std::int32_t>(shape(x)[3]);
  const int pooled = emit("global_pool", FloatAvgPool{h, w, {}, false}, {x});
  return emit("flatten", Reshape{Shape{1, channels(pooled)}}, {pooled});
}

int ZooBuilder::pad_shortcut(const std::string& name, int x, std::int64_t outputs) {
  const Shape s = shape(x);
  const Shape half{1, s[1], (s[2] + 1) / 2, (s[3] + 1) / 2};
  const int sliced = emit(name + ".slice", Slice{Shape{0, 0, 0, 0}, Shape{1, 1, 2, 2}, half, half}, {x});
  const std::int64_t before = (outputs - s[1]) / 2, after = outputs - s[1] - before;
  return emit(name + ".pad", Pad{Shape{0, before, 0, 0}, Shape{0, after, 0, 0}, 0}, {sliced});
}

int ZooBuilder::dense(const std::string& name, int x, std::int64_t outputs) {
  const std::uint64_t layer = layers_++;
  FloatDense op{drawn_weights(Shape{outputs, shape(x)[1]}, seed_, layer),
                std::vector<float>(static_cast<std::size_t>(outputs))};
  constexpr std::uint32_t purpose = 3;
  Normal draw(seed_, layer, purpose);
  for (float& b : op.bias) b = static_cast<float>(0.1 * draw());
  return emit(name, std::move(op), {x});
}

FloatNet ZooBuilder::finish(int output) {
  net_.output = output;
  std::vector<int> left = use_counts(net_);
  std::vector<FloatTensor> values(net_.values.size());
  values[0] = zoo_image(seed_, shape(net_.input)[2]);
  for (FloatNode& node : net_.nodes) {
    std::vector<const FloatTensor*> inputs;
    for (const int i : node.inputs) inputs.push_back(&values[static_cast<std::size_t>(i)]);
    if (auto* norm = std::get_if<FloatBatchNorm>(&node.op)) settle(*norm, *inputs[0]);
    values[static_cast<std::size_t>(node.output)] = run_float(node, inputs, shape(node.output));
    for (const int i : node.inputs) {
      if (--left[static_cast<std::size_t>(i)] == 0) values[static_cast<std::size_t>(i)] = {};
    }
  }
  return std::move(net_);
}

FloatTensor zoo_image(std::uint64_t seed, std::int64_t side) {
  constexpr std::uint64_t image = 1ULL << 40;  // apart from every layer
  Normal draw(seed, image, 0);
  constexpr int waves = 6;
  FloatTensor x{Shape{1, 3, side, side}, std::vector<float>(static_cast<std::size_t>(3 * side * side))};
  std::size_t i = 0;
  for (int c = 0; c < 3; ++c) {
    double height[waves], across[waves], down[waves], phase[waves];
    for (int k = 0; k < waves; ++k) {
      height[k] = draw() * 0.5;
      across[k] = draw() * 2;
      down[k] = draw() * 2;
      phase[k] = draw.uniform();
    }
    for (std::int64_t h = 0; h < side; ++h) {
      for (std::int64_t w = 0; w < side; ++w) {
        double v = 0.1 * draw();
        for (int k = 0; k < waves; ++k) {
          const double turn = across[k] * static_cast<double>(w) / static_cast<double>(side) +
                              down[k] * static_cast<double>(h) / static_cast<double>(side) + phase[k];
          const double t = turn - std::floor(turn);
          v += height[k] * (std::abs(4 * t - 2) - 1);  // a triangle wave: no math library
        }
        x.data[i++] = static_cast<float>(v);
      }
    }
  }
  return x;
}

}  // namespace obz
