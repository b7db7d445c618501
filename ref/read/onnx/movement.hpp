// Operators that only move values, from their ONNX attributes and constant inputs.
#pragma once

#include <string_view>
#include <vector>

#include "ref/read/onnx/node_view.hpp"

namespace obz::onnx {

/// Reshape, Flatten, Squeeze, Unsqueeze, Transpose, Slice, Pad.
bool is_movement(std::string_view op_type);

/// The movement of a value of shape x. Unsupported for what no movement operator expresses (reflecting pads).
Move movement_of(const NodeView& view, const Shape& x);

/// One slice per output of a Split.
std::vector<Move> split_of(const NodeView& view, const Shape& x);

/// Where `axis` of `from` is found after the movement; -1 when it is not kept whole.
std::int64_t moved_axis(const Operator& op, std::int64_t axis, const Shape& from, const Shape& to);

/// Executes a movement on values of any kind by their positions: element i of the result is element [i] of x.
std::vector<std::int32_t> positions(const Operator& op, const Shape& x, const Shape& y);

}  // namespace obz::onnx
