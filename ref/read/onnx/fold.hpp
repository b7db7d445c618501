// Folds constants: the few operators exporters leave between constants and the inputs that must be constant
// (shape arithmetic, transposed weights, sqrt(variance)).
#pragma once

#include <optional>
#include <vector>

#include "ref/read/onnx/node_view.hpp"

namespace obz::onnx {

/// Values of the node's outputs; nullopt when they are not constant or the operator is not one of the few.
std::optional<std::vector<ConstantPtr>> fold(const NodeView& view);

}  // namespace obz::onnx
