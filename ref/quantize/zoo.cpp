#include "ref/quantize/zoo.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "ref/base/error.hpp"
#include "ref/base/suggest.hpp"
#include "ref/quantize/zoo_builder.hpp"

namespace obz {
namespace {

/// K. He et al., Deep Residual Learning (2015). Where a bottleneck unit halves the image: in its first 1x1 convolution
/// (v1, as HAWQ-V3 counts), or in its 3x3 (v1.5).
struct ResNet {
  std::array<int, 4> units;
  bool bottleneck = true, stride_in_3x3 = false;
};

int basic_unit(ZooBuilder& b, const std::string& name, int x, std::int64_t width, std::int64_t stride) {
  int y = b.conv_relu(name + ".conv1", x, square(width, 3, stride));
  y = b.conv(name + ".conv2", y, square(width, 3));
  const bool same = stride == 1 && b.channels(x) == width;
  const int shortcut = same ? x : b.conv(name + ".identity", x, square(width, 1, stride));
  return b.relu(b.add(name + ".add", y, shortcut));
}

int bottleneck_unit(ZooBuilder& b, const std::string& name, int x, std::int64_t width, std::int64_t stride,
                    bool stride_in_3x3) {
  int y = b.conv_relu(name + ".conv1", x, square(width, 1, stride_in_3x3 ? 1 : stride));
  y = b.conv_relu(name + ".conv2", y, square(width, 3, stride_in_3x3 ? stride : 1));
  y = b.conv(name + ".conv3", y, square(4 * width, 1));
  const bool same = stride == 1 && b.channels(x) == 4 * width;
  const int shortcut = same ? x : b.conv(name + ".identity", x, square(4 * width, 1, stride));
  return b.relu(b.add(name + ".add", y, shortcut));
}

int resnet(ZooBuilder& b, const ResNet& r) {
  int x = b.max_pool(b.conv_relu("conv0", b.input(), square(64, 7, 2)), 3, 2, 1);
  std::int64_t width = 64;
  for (std::size_t stage = 0; stage < r.units.size(); ++stage, width *= 2) {
    for (int unit = 0; unit < r.units[stage]; ++unit) {
      const std::string name = fmt::format("stage{}.unit{}", stage + 1, unit + 1);
      const std::int64_t stride = stage > 0 && unit == 0 ? 2 : 1;
      x = r.bottleneck ? bottleneck_unit(b, name, x, width, stride, r.stride_in_3x3)
                       : basic_unit(b, name, x, width, stride);
    }
  }
  return b.dense("fc", b.global_pool(x), 1000);
}

/// The CIFAR networks of the same paper, shortcuts without weights (option A).
int cifar_resnet(ZooBuilder& b, int units) {
  int x = b.conv_relu("conv0", b.input(), square(16, 3));
  std::int64_t width = 16;
  for (int stage = 0; stage < 3; ++stage, width *= 2) {
    for (int unit = 0; unit < units; ++unit) {
      const std::string name = fmt::format("stage{}.unit{}", stage + 1, unit + 1);
      const std::int64_t stride = stage > 0 && unit == 0 ? 2 : 1;
      int y = b.conv_relu(name + ".conv1", x, square(width, 3, stride));
      y = b.conv(name + ".conv2", y, square(width, 3));
      const int shortcut = stride == 1 ? x : b.pad_shortcut(name, x, width);
      x = b.relu(b.add(name + ".add", y, shortcut));
    }
  }
  return b.dense("fc", b.global_pool(x), 10);
}

/// M. Sandler et al., MobileNetV2 (2018), width 1.
int mobilenet_v2(ZooBuilder& b) {
  constexpr float six = 6;
  struct Stage {
    std::int64_t expand, width;
    int units;
    std::int64_t stride;
  };
  constexpr Stage stages[] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                              {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
  int x = b.relu(b.conv("conv0", b.input(), square(32, 3, 2)), six);
  for (std::size_t s = 0; s < std::size(stages); ++s) {
    for (int unit = 0; unit < stages[s].units; ++unit) {
      const std::string name = fmt::format("stage{}.unit{}", s + 1, unit + 1);
      const std::int64_t stride = unit == 0 ? stages[s].stride : 1, wide = b.channels(x) * stages[s].expand;
      int y = x;
      if (stages[s].expand > 1) y = b.relu(b.conv(name + ".expand", y, square(wide, 1)), six);
      ConvShape depthwise = square(wide, 3, stride);
      depthwise.groups = wide;
      y = b.relu(b.conv(name + ".depthwise", y, depthwise), six);
      y = b.conv(name + ".project", y, square(stages[s].width, 1));
      x = stride == 1 && b.channels(x) == stages[s].width ? b.add(name + ".add", x, y) : y;
    }
  }
  x = b.relu(b.conv("last", x, square(1280, 1)), six);
  return b.dense("fc", b.global_pool(x), 1000);
}

/// C. Szegedy et al., Rethinking the Inception Architecture (2015), as deployed: no auxiliary head.
class Inception {
 public:
  explicit Inception(ZooBuilder& b) : b_(b) {}

  int build() {
    int x = c("stem.conv1", b_.input(), square(32, 3, 2, 0));
    x = c("stem.conv2", x, square(32, 3, 1, 0));
    x = b_.max_pool(c("stem.conv3", x, square(64, 3)), 3, 2, 0);
    x = c("stem.conv4", x, square(80, 1));
    x = b_.max_pool(c("stem.conv5", x, square(192, 3, 1, 0)), 3, 2, 0);
    x = a("a1", x, 32);
    x = a("a2", x, 64);
    x = a("a3", x, 64);
    x = reduce_a("b1", x);
    x = sevens("c1", x, 128);
    x = sevens("c2", x, 160);
    x = sevens("c3", x, 160);
    x = sevens("c4", x, 192);
    x = reduce_b("d1", x);
    x = e("e1", x);
    x = e("e2", x);
    return b_.dense("fc", b_.global_pool(x), 1000);
  }

 private:
  int c(const std::string& name, int x, const ConvShape& s) { return b_.conv_relu(name, x, s); }
  static ConvShape row(std::int64_t outputs, std::int64_t k) { return {outputs, 1, k, 1, 0, k / 2, 1}; }
  static ConvShape column(std::int64_t outputs, std::int64_t k) { return {outputs, k, 1, 1, k / 2, 0, 1}; }
  int pooled(const std::string& n, int x, std::int64_t outputs) {
    return c(n + ".pool.conv", b_.avg_pool(x, 3, 1, 1), square(outputs, 1));
  }

  int a(const std::string& n, int x, std::int64_t pool) {
    const int one = c(n + ".b1.conv1", x, square(64, 1));
    const int five = c(n + ".b5.conv2", c(n + ".b5.conv1", x, square(48, 1)), square(64, 5));
    const int three =
        c(n + ".b3.conv3", c(n + ".b3.conv2", c(n + ".b3.conv1", x, square(64, 1)), square(96, 3)), square(96, 3));
    return b_.concat(n + ".concat", {one, five, three, pooled(n, x, pool)});
  }
  int reduce_a(const std::string& n, int x) {
    const int three = c(n + ".b3.conv1", x, square(384, 3, 2, 0));
    const int twice = c(n + ".b33.conv3", c(n + ".b33.conv2", c(n + ".b33.conv1", x, square(64, 1)), square(96, 3)),
                        square(96, 3, 2, 0));
    return b_.concat(n + ".concat", {three, twice, b_.max_pool(x, 3, 2, 0)});
  }
  int sevens(const std::string& n, int x, std::int64_t w) {
    const int one = c(n + ".b1.conv1", x, square(192, 1));
    int once = c(n + ".b7.conv2", c(n + ".b7.conv1", x, square(w, 1)), row(w, 7));
    once = c(n + ".b7.conv3", once, column(192, 7));
    int twice = c(n + ".b77.conv2", c(n + ".b77.conv1", x, square(w, 1)), column(w, 7));
    twice = c(n + ".b77.conv4", c(n + ".b77.conv3", twice, row(w, 7)), column(w, 7));
    twice = c(n + ".b77.conv5", twice, row(192, 7));
    return b_.concat(n + ".concat", {one, once, twice, pooled(n, x, 192)});
  }
  int reduce_b(const std::string& n, int x) {
    const int three = c(n + ".b3.conv2", c(n + ".b3.conv1", x, square(192, 1)), square(320, 3, 2, 0));
    int seven = c(n + ".b7.conv2", c(n + ".b7.conv1", x, square(192, 1)), row(192, 7));
    seven = c(n + ".b7.conv4", c(n + ".b7.conv3", seven, column(192, 7)), square(192, 3, 2, 0));
    return b_.concat(n + ".concat", {three, seven, b_.max_pool(x, 3, 2, 0)});
  }
  int e(const std::string& n, int x) {
    const int one = c(n + ".b1.conv1", x, square(320, 1));
    const int three = c(n + ".b3.conv1", x, square(384, 1));
    const int twice = c(n + ".b33.conv2", c(n + ".b33.conv1", x, square(448, 1)), square(384, 3));
    return b_.concat(n + ".concat", {one, c(n + ".b3.conv2", three, row(384, 3)),
                                     c(n + ".b3.conv3", three, column(384, 3)), c(n + ".b33.conv3", twice, row(384, 3)),
                                     c(n + ".b33.conv4", twice, column(384, 3)), pooled(n, x, 192)});
  }

  ZooBuilder& b_;
};

int build(ZooBuilder& b, std::string_view name) {
  if (name == "resnet18") return resnet(b, {{2, 2, 2, 2}, false});
  if (name == "resnet34") return resnet(b, {{3, 4, 6, 3}, false});
  if (name == "resnet50") return resnet(b, {{3, 4, 6, 3}});
  if (name == "resnet50v1.5") return resnet(b, {{3, 4, 6, 3}, true, true});
  if (name == "resnet101") return resnet(b, {{3, 4, 23, 3}});
  if (name == "resnet20-cifar") return cifar_resnet(b, 3);
  if (name == "resnet32-cifar") return cifar_resnet(b, 5);
  if (name == "resnet56-cifar") return cifar_resnet(b, 9);
  if (name == "mobilenetv2") return mobilenet_v2(b);
  return Inception(b).build();
}

}  // namespace

std::span<const ZooEntry> zoo() {
  static constexpr ZooEntry all[] = {
      {"resnet18", "basic units 2-2-2-2", 224},
      {"resnet34", "basic units 3-4-6-3", 224},
      {"resnet50", "bottlenecks 3-4-6-3, stride in the first 1x1 (v1, as HAWQ-V3 counts)", 224},
      {"resnet50v1.5", "the same with the stride in the 3x3", 224},
      {"resnet101", "bottlenecks 3-4-23-3, v1", 224},
      {"inceptionv3", "factorized convolutions, concatenations, average pools", 299},
      {"mobilenetv2", "inverted residuals, depthwise convolutions, ReLU6", 224},
      {"resnet20-cifar", "three stages of three units, shortcuts without weights", 32},
      {"resnet32-cifar", "three stages of five units", 32},
      {"resnet56-cifar", "three stages of nine units", 32},
  };
  return all;
}

FloatNet make_zoo_net(std::string_view name, std::uint64_t seed, std::int64_t side) {
  std::vector<std::string_view> names;
  for (const ZooEntry& e : zoo()) names.push_back(e.name);
  const auto it = std::find(names.begin(), names.end(), name);
  if (it == names.end()) {
    throw Error(fmt::format("zoo: no architecture \"{}\"{}; there are {}", name, did_you_mean(name, names),
                            fmt::join(names, ", ")));
  }
  const std::int64_t own = zoo()[static_cast<std::size_t>(it - names.begin())].side;
  constexpr std::int64_t most = 4096;
  if (side < 0 || side > most)
    throw Error(fmt::format("zoo: expected an image of at most {} pixels a side, got {}", most, side));
  ZooBuilder b(std::string(name), seed, side == 0 ? own : side);
  return b.finish(build(b, name));
}

}  // namespace obz
