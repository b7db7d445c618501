// Puts a seeded float network together, layer by layer. Internal to ref/quantize: zoo*.cpp.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ref/real/float_net.hpp"

namespace obz {

struct ConvShape {
  std::int64_t outputs = 1, kernel_h = 1, kernel_w = 1, stride = 1, pad_h = 0, pad_w = 0, groups = 1;
};

inline ConvShape square(std::int64_t outputs, std::int64_t kernel, std::int64_t stride = 1, std::int64_t pad = -1) {
  const std::int64_t p = pad < 0 ? kernel / 2 : pad;
  return {outputs, kernel, kernel, stride, p, p, 1};
}

class ZooBuilder {
 public:
  ZooBuilder(std::string name, std::uint64_t seed, std::int64_t side);

  int input() const { return net_.input; }
  std::int64_t channels(int x) const { return shape(x)[1]; }
  const Shape& shape(int x) const { return net_.values[static_cast<std::size_t>(x)].shape; }

  /// Convolution and BatchNormalization; node "name", and "name.bn".
  int conv(const std::string& name, int x, const ConvShape& s);
  int relu(int x, float most = 0);  ///< most 0: no upper bound
  int conv_relu(const std::string& name, int x, const ConvShape& s) { return relu(conv(name, x, s)); }
  int add(const std::string& name, int a, int b);
  int concat(const std::string& name, std::vector<int> parts);
  int max_pool(int x, std::int32_t kernel, std::int32_t stride, std::int32_t pad);
  int avg_pool(int x, std::int32_t kernel, std::int32_t stride, std::int32_t pad);
  int global_pool(int x);
  /// Every second pixel, and zero channels before and after (ResNet's option A).
  int pad_shortcut(const std::string& name, int x, std::int64_t outputs);
  int dense(const std::string& name, int x, std::int64_t outputs);

  /// Statistics from one image through the network, then the network.
  FloatNet finish(int output);

 private:
  int emit(const std::string& name, FloatOp op, std::vector<int> inputs);

  FloatNet net_;
  std::uint64_t seed_, layers_ = 0;
};

}  // namespace obz
