#include "accel/output_places.hpp"

#include "ref/ops/window.hpp"

namespace obz::accel {
namespace {

struct Places {
  std::int64_t channels = 1;
  View4 view{Shape{1, 1, 1, 1}, Layout::nhwc};  ///< of one program's outputs

  explicit Places(const LayerJob& job, std::int64_t pixels) {
    const Shape& y = job.output->shape;
    if (const auto* conv = std::get_if<Conv2d>(&job.node->op)) {
      view = View4(y, conv->layout);
      channels = view.c;
    } else {
      channels = y[y.rank() - 1];
      view = View4(Shape{pixels, 1, 1, channels}, Layout::nhwc);
    }
  }
  std::size_t element(std::int64_t pixels_before, std::int64_t pixel, std::int64_t channel) const {
    const std::int64_t rows = view.h * view.w;
    return static_cast<std::size_t>(pixels_before * channels) +
           view.at(pixel / rows, pixel / view.w % view.h, pixel % view.w, channel);
  }
};

}  // namespace

std::vector<std::vector<std::uint8_t>> output_bytes(const LayerJob& job, const std::vector<LayerProgram>& programs,
                                                    const Tensor& y) {
  std::vector<std::vector<std::uint8_t>> all;
  std::int64_t before = 0;
  for (const LayerProgram& program : programs) {
    const std::int64_t bits = std::int64_t{1} << program.y_lane;
    const Places places(job, program.pixels);
    std::vector<std::uint8_t> bytes(static_cast<std::size_t>(program.y_bytes()));
    for (std::int64_t pixel = 0; pixel < program.pixels; ++pixel) {
      for (std::int64_t channel = 0; channel < places.channels; ++channel) {
        const auto value = static_cast<std::uint32_t>(y.data[places.element(before, pixel, channel)]);
        for (std::int64_t i = 0; i < bits; ++i) {
          const std::int64_t at = pixel * program.y_stride * 8 + channel * bits + i;
          bytes[static_cast<std::size_t>(at / 8)] |= static_cast<std::uint8_t>((value >> i & 1U) << (at % 8));
        }
      }
    }
    all.push_back(std::move(bytes));
    before += program.pixels;
  }
  return all;
}

std::optional<std::size_t> output_element(const LayerJob& job, const std::vector<LayerProgram>& programs,
                                          std::size_t program, std::int64_t bit) {
  const LayerProgram& p = programs.at(program);
  const std::int64_t stride = std::int64_t{p.y_stride} * 8, pixel = bit / stride, channel = bit % stride >> p.y_lane;
  const Places places(job, p.pixels);
  if (pixel >= p.pixels || channel >= places.channels) return std::nullopt;
  std::int64_t before = 0;
  for (std::size_t i = 0; i < program; ++i) before += programs[i].pixels;
  return places.element(before, pixel, channel);
}

}  // namespace obz::accel
