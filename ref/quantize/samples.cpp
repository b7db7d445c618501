#include "ref/quantize/samples.hpp"

#include <cmath>

#include <fmt/format.h>

#include "ref/base/error.hpp"
#include "ref/border/convert.hpp"

namespace obz {
namespace {

bool ends_with(const Shape& whole, const Shape& part, std::size_t skip) {
  if (whole.rank() + skip != part.rank() + 1) return false;
  for (std::size_t i = skip; i < part.rank(); ++i) {
    if (whole[i + 1 - skip] != part[i]) return false;
  }
  return true;
}

}  // namespace

FloatSamples::FloatSamples(const FloatNet& net, NpyArray array, InputBorder border, std::string name)
    : one_(net.values[static_cast<std::size_t>(net.input)].shape),
      array_(std::move(array)),
      border_(std::move(border)),
      name_(std::move(name)) {
  const bool image = array_.kind == 'u' && array_.item_bytes == 1;
  if (!image && array_.kind != 'f') {
    throw Error(fmt::format("{}: expected float32 or uint8 images, got {}", name_, array_.dtype()));
  }
  if (image && border_.image_mean.empty()) {
    throw Error(fmt::format("{}: images of bytes need --mean and --std, one number per channel", name_));
  }
  Shape one = one_;
  if (image) {
    const auto channels = static_cast<std::int64_t>(border_.image_mean.size());
    if (one_.rank() != 4 || one_[1] != channels) {
      throw Error(
          fmt::format("{}: --mean and --std have {} numbers, the network's input is {}", name_, channels, one_.text()));
    }
    one = Shape{1, one_[2], one_[3], one_[1]};
  }
  const bool leading_one = one.rank() > 0 && one[0] == 1;
  if (!ends_with(array_.shape, one, leading_one ? 1 : 0)) {
    throw Error(fmt::format("{}: expected samples of {}, got {}", name_, one.text(), array_.shape.text()));
  }
  if (array_.shape[0] == 0) throw Error(fmt::format("{}: no samples", name_));
}

FloatTensor FloatSamples::operator()(std::int64_t i) const {
  const NpyArray one = npy_sample(array_, i);
  if (one.kind == 'u') return image_to_floats(border_, one.bytes, one_[2], one_[3]);
  FloatTensor x = npy_to_floats(one, name_);
  x.shape = one_;
  for (std::size_t e = 0; e < x.data.size(); ++e) {
    if (std::isfinite(x.data[e])) continue;
    throw Error(fmt::format("{}: sample {}: element {} is {}, expected a finite number", name_, i, e, x.data[e]));
  }
  return x;
}

}  // namespace obz
