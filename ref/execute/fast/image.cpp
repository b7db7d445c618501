#include "ref/execute/fast/image.hpp"

#include <algorithm>

#include "ref/execute/fast/convert.hpp"
#include "ref/execute/fast/parallel.hpp"

namespace obz::fast {
namespace {

/// Rows of a task: converting is quick, so tasks are coarse.
constexpr std::int64_t kGrainElements = 1 << 15;

}  // namespace

template <class T>
Image<T>::Image(const ImageShape& shape, std::int64_t samples)
    : shape_(shape),
      values_(hwy::AllocateAligned<T>(static_cast<std::size_t>(samples * shape.sample_size() + kSlack))) {
  // Between the channels and the next column nothing is written later.
  const std::int64_t written = shape.pixel == shape.channels ? samples * shape.sample_size() : 0;
  std::fill_n(values_.get() + written, samples * shape.sample_size() + kSlack - written, T{0});
}

/// `pixels` neighbours in a row of x, all channels of one group, from element `from` on.
template <class T>
void Image<T>::fill_pixels(const Source& x, std::int64_t from, std::int64_t pixels, T* to) const {
  const ImageShape& s = shape_;
  const std::int64_t depth = s.channels / s.repeat;
  const std::int32_t shift = x.base - s.offset;  // of bytes
  const auto narrow = [&](std::int64_t at, std::int64_t count, T* first) {
    if (x.words != nullptr) return narrow_values(x.words + at, count, s.offset, first);
    shift_values(x.bytes + at, count, shift, first);
  };
  if (x.sc == 1 && s.repeat == 1 && x.sw == s.pixel && (x.sw == s.channels || x.bytes != nullptr)) {
    return narrow(from, (pixels - 1) * s.pixel + depth, to);  // contiguous on both sides
  }
  if (x.sc == 1 && s.repeat == 1) {
    for (std::int64_t w = 0; w < pixels; ++w) narrow(from + w * x.sw, depth, to + w * s.pixel);
    return;
  }
  for (std::int64_t c = 0; c < s.channels; ++c) {
    const std::int64_t channel = from + c / s.repeat * x.sc;
    for (std::int64_t w = 0; w < pixels; ++w) {
      const std::int64_t at = channel + w * x.sw;
      const std::int32_t value = x.words != nullptr ? x.words[at] - s.offset : x.bytes[at] + shift;
      to[w * s.pixel + c] = static_cast<T>(value);
    }
  }
}

/// Row `row` of group 0 of sample `sample` starts at `to`; the other groups follow at group_size().
template <class T>
void Image<T>::fill_row(const Source& x, std::int64_t sample, std::int64_t row, T* to) const {
  const ImageShape& s = shape_;
  const std::int64_t h = row - s.pad_top;
  const std::int64_t inside = h < 0 || h >= x.h ? 0 : std::clamp<std::int64_t>(s.columns - s.pad_left, 0, x.w);
  const std::int64_t left = inside == 0 ? s.columns : s.pad_left;
  const auto padding = static_cast<T>(s.padding);
  for (std::int64_t g = 0; g < s.groups; ++g, to += s.group_size()) {
    std::fill_n(to, left * s.pixel, padding);
    std::fill(to + (left + inside) * s.pixel, to + s.row_size(), padding);
    if (inside > 0) fill_pixels(x, x.at(sample, h, 0, g * s.channels / s.repeat), inside, to + left * s.pixel);
  }
}

template <class T>
void Image<T>::fill(const Source& x, std::int64_t first, std::int64_t samples) {
  const std::int64_t grain = kGrainElements / std::max<std::int64_t>(shape_.groups * shape_.row_size(), 1) + 1;
  for_ranges(samples * shape_.rows, grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t sample = i / shape_.rows, row = i % shape_.rows;
      T* to = values_.get() + sample * shape_.sample_size() + row * shape_.row_size();
      fill_row(x, first + sample, row, to);
    }
  });
}

template class Image<std::int16_t>;
template class Image<std::uint8_t>;

}  // namespace obz::fast
