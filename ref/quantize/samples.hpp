// Calibration data: float inputs, or photographs as bytes.
#pragma once

#include <string>
#include <vector>

#include "ref/border/border.hpp"
#include "ref/real/float_net.hpp"
#include "ref/tensor/npy.hpp"

namespace obz {

class FloatSamples {
 public:
  /// `array`: float32 [N, C, H, W] (or any shape with the input's behind a sample axis), or uint8 [N, H, W, C] with the
  /// border's image mean and deviation. Error, opening with `name`, when it fits neither.
  FloatSamples(const FloatNet& net, NpyArray array, InputBorder border, std::string name);

  std::int64_t count() const { return array_.shape[0]; }
  FloatTensor operator()(std::int64_t i) const;

 private:
  Shape one_;
  NpyArray array_;
  InputBorder border_;
  std::string name_;
};

}  // namespace obz
