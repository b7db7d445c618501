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

/// Row `row` of group 0 of sample `sample` starts at `to`; the other groups follow at group_size().
template <class T>
void Image<T>::fill_row(const Tensor& x, const View4& in, std::int64_t sample, std::int64_t row, T* to) const {
  const ImageShape& s = shape_;
  const std::int64_t h = row - s.pad_top;
  const std::int64_t inside = h < 0 || h >= in.h ? 0 : std::clamp<std::int64_t>(s.columns - s.pad_left, 0, in.w);
  const std::int64_t left = inside == 0 ? s.columns : s.pad_left;
  const std::int64_t depth = s.channels / s.repeat;
  const auto padding = static_cast<T>(s.padding);
  for (std::int64_t g = 0; g < s.groups; ++g, to += s.group_size()) {
    std::fill_n(to, left * s.pixel, padding);
    std::fill(to + (left + inside) * s.pixel, to + s.row_size(), padding);
    if (inside == 0) continue;
    T* const first = to + left * s.pixel;
    const std::int32_t* from = x.data.data() + in.at(sample, h, 0, g * depth);
    if (in.sc == 1 && in.sw == s.channels && s.pixel == s.channels) {  // the row is contiguous on both sides
      narrow_values(from, inside * s.channels, s.offset, first);
    } else if (in.sc == 1 && s.repeat == 1) {
      for (std::int64_t w = 0; w < inside; ++w) narrow_values(from + w * in.sw, depth, s.offset, first + w * s.pixel);
    } else {
      for (std::int64_t c = 0; c < s.channels; ++c) {
        const std::int32_t* channel = from + c / s.repeat * in.sc;
        for (std::int64_t w = 0; w < inside; ++w) {
          first[w * s.pixel + c] = static_cast<T>(channel[w * in.sw] - s.offset);
        }
      }
    }
  }
}

template <class T>
void Image<T>::fill(const Tensor& x, std::int64_t first, std::int64_t samples) {
  const View4 in(x.shape, shape_.layout);
  const std::int64_t grain = kGrainElements / std::max<std::int64_t>(shape_.groups * shape_.row_size(), 1) + 1;
  for_ranges(samples * shape_.rows, grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t sample = i / shape_.rows, row = i % shape_.rows;
      T* to = values_.get() + sample * shape_.sample_size() + row * shape_.row_size();
      fill_row(x, in, first + sample, row, to);
    }
  });
}

template class Image<std::int16_t>;
template class Image<std::uint8_t>;

}  // namespace obz::fast
