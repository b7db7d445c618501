// Writes ResNet-50 v1 (batch 1, 224 x 224, NHWC) with bell-shaped weights of its own under hawq-v3/exact, to be timed:
//   resnet50_net out.obz [8|4]       bits of weights and activations (default 8)
// Its answers mean nothing; its shapes, ranges and cost are those of the real network.
#include <fmt/format.h>

#include "ref/base/error.hpp"
#include "ref/net/save_load.hpp"
#include "ref/net/validate.hpp"
#include "ref/read/fill.hpp"
#include "tests/bench/bell.hpp"

namespace obz {
namespace {

class Maker {
 public:
  explicit Maker(int bits)
      : type_{static_cast<std::uint8_t>(bits), true}, weights_{static_cast<std::uint8_t>(bits), true} {
    net_.name = fmt::format("resnet50-int{}", bits);
    net_.profile = "hawq-v3/exact";
  }

  IntNet make() {
    int x = tensor(Shape{1, 224, 224, 3});
    net_.inputs = {x};
    x = conv(x, 64, 7, 2, true);
    MaxPool pool{.kernel_h = 3, .kernel_w = 3};
    pool.window = {.stride_h = 2, .stride_w = 2, .pad_top = 1, .pad_left = 1, .pad_bottom = 1, .pad_right = 1};
    pool.lo = 0;
    pool.hi = static_cast<std::int32_t>(type_.max());
    x = add(pool, {x});
    constexpr std::int64_t blocks[] = {3, 4, 6, 3};
    for (int stage = 0; stage < 4; ++stage) {
      const std::int64_t width = std::int64_t{64} << stage;
      for (std::int64_t b = 0; b < blocks[stage]; ++b) {
        const std::int32_t stride = b == 0 && stage > 0 ? 2 : 1;
        const int skip = b == 0 ? conv(x, 4 * width, 1, stride, false) : x;
        int y = conv(x, width, 1, stride, true);
        y = conv(y, width, 3, 1, true);
        y = conv(y, 4 * width, 1, 1, false);
        OutputQuant out = quant(1.0F);
        out.lo = 0;
        x = add(fill_add(profile_, {0.6F, 0, type_}, {0.7F, 0, type_}, out, false, "add"), {y, skip});
      }
    }
    Mean mean{.axes = Shape{1, 2}};
    fill_mean(profile_, mean, 49, 0.5F, quant(0.25F), "mean");
    x = add(mean, {x});
    Dense dense;
    dense.filter.weights = bell_weights(Shape{1000, 2048}, weights_, random_);
    dense.accumulator = fill_accumulator(profile_);
    dense.requant = fill_requant(profile_, 0.1F, scales(1000), true, quant(0.1F * 0.03F * 400), "dense");
    net_.outputs = {add(dense, {x})};
    validate(net_, net_.name);
    return std::move(net_);
  }

 private:
  OutputQuant quant(float scale) const {
    return {.scale = scale, .zero_point = 0, .lo = type_.min(), .hi = type_.max(), .type = type_};
  }
  int tensor(const Shape& shape) {
    net_.tensors.push_back({.id = std::to_string(net_.tensors.size()), .shape = shape, .type = type_});
    return static_cast<int>(net_.tensors.size()) - 1;
  }
  int add(Operator op, std::vector<int> inputs) {
    std::vector<Shape> shapes;
    for (const int i : inputs) shapes.push_back(net_.tensors[static_cast<std::size_t>(i)].shape);
    const int y = tensor(infer_shape(op, shapes, net_.name));
    net_.nodes.push_back({.name = fmt::format("op{:03}_{}", net_.nodes.size(), operator_name(op)),
                          .inputs = std::move(inputs),
                          .outputs = {y},
                          .op = std::move(op)});
    return y;
  }
  std::vector<float> scales(std::int64_t count) const {
    std::vector<float> s;
    for (std::int64_t i = 0; i < count; ++i) s.push_back(0.01F + 0.0001F * static_cast<float>(i % 97));
    return s;
  }
  int conv(int x, std::int64_t out, std::int32_t kernel, std::int32_t stride, bool relu) {
    const std::int64_t in = net_.tensors[static_cast<std::size_t>(x)].shape[3];
    const std::int32_t pad = kernel / 2;
    Conv2d op;
    op.filter.weights = bell_weights(Shape{out, kernel, kernel, in}, weights_, random_);
    op.filter.bias.assign(static_cast<std::size_t>(out), 100);
    op.window = {
        .stride_h = stride, .stride_w = stride, .pad_top = pad, .pad_left = pad, .pad_bottom = pad, .pad_right = pad};
    op.accumulator = fill_accumulator(profile_);
    OutputQuant q = quant(0.1F * 0.005F * std::sqrt(static_cast<float>(kernel * kernel * in)) *
                          static_cast<float>(weights_.max()) / 2);
    if (relu) q.lo = 0;
    op.requant = fill_requant(profile_, 0.1F, scales(out), true, q, "conv");
    return add(std::move(op), {x});
  }

  IntNet net_;
  IntType type_, weights_;
  const Profile& profile_ = find_profile("hawq-v3/exact");
  std::mt19937 random_{1};
};

}  // namespace
}  // namespace obz

int main(int argc, char** argv) {
  const std::string bits = argc > 2 ? argv[2] : "8";
  if (argc < 2 || (bits != "8" && bits != "4")) {
    fmt::print(stderr, "usage: resnet50_net out.obz [8|4]\n");
    return 2;
  }
  try {
    obz::save_net(obz::Maker(std::stoi(bits)).make(), argv[1]);
  } catch (const obz::Error& e) {
    fmt::print(stderr, "resnet50_net: {}\n", e.what());
    return 2;
  }
  return 0;
}
