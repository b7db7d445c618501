// Windows of convolutions and pools from ONNX attributes: strides, dilations, pads, auto_pad, ceil_mode.
#pragma once

#include <array>

#include "ref/ops/window.hpp"
#include "ref/read/onnx/node_view.hpp"

namespace obz::onnx {

using Extents = std::array<std::int64_t, 2>;  ///< height, width

/// Kernel extents of a pool.
Extents kernel_of(const NodeView& view);

/// Window over an input of these spatial extents. ceil_mode becomes padding behind, which a pool must not count.
Window window_of(const NodeView& view, Extents in, Extents kernel, bool counts_padding = false);

/// Window and output extents of a ConvTranspose.
struct TransposedWindow {
  Window window;
  Extents out;
};
TransposedWindow transposed_window_of(const NodeView& view, Extents in, Extents kernel);

}  // namespace obz::onnx
