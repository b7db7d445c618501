// The left operand of a convolution, as int16 or as bytes, with its padding in place:
// [sample][group][row][column][channel], whatever the layout of the tensor, so that every kernel window is a
// few contiguous stretches.
#pragma once

#include <cstdint>

#include <hwy/aligned_allocator.h>

#include "ref/execute/fast/kernel.hpp"
#include "ref/execute/fast/value.hpp"
#include "ref/ops/window.hpp"
#include "ref/tensor/tensor.hpp"

namespace obz::fast {

struct ImageShape {
  Layout layout = Layout::nhwc;
  std::int64_t groups = 1;
  std::int64_t channels = 1;           ///< per group, as stored: input channels x repeat
  std::int64_t repeat = 1;             ///< each input channel stands this often side by side (depthwise multiplier)
  std::int64_t rows = 0, columns = 0;  ///< what the windows touch, padding included
  std::int64_t pad_top = 0, pad_left = 0;
  std::int32_t offset = 0, padding = 0;  ///< stored: x - offset; outside x: padding
  std::int64_t pixel = 0;                ///< elements from a column to the next, at least `channels`

  std::int64_t row_size() const { return columns * pixel; }
  std::int64_t group_size() const { return rows * row_size(); }
  std::int64_t sample_size() const { return groups * group_size(); }
};

/// T: std::int16_t or std::uint8_t; every x - offset must fit.
template <class T>
class Image {
 public:
  /// Room for `samples` samples.
  Image(const ImageShape& shape, std::int64_t samples);

  /// Converts samples first .. first + samples - 1 of x.
  void fill(const Source& x, std::int64_t first, std::int64_t samples);
  const T* data() const { return values_.get(); }

 private:
  void fill_row(const Source& x, std::int64_t sample, std::int64_t row, T* to) const;
  void fill_pixels(const Source& x, std::int64_t from, std::int64_t pixels, T* to) const;

  ImageShape shape_;
  hwy::AlignedFreeUniquePtr<T[]> values_;
};

/// Elements that kernels may read behind the last one: the partner of an odd element, a panel of channels.
inline constexpr std::int64_t kSlack = 2 * kPanel;

}  // namespace obz::fast
