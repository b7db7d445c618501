// Chains of float32 operations with constants, evaluated one operation after the other, each rounded to float32.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ref/read/onnx/value.hpp"

namespace obz::onnx {

/// One value through one step; `channel` counts along the step's axis.
float apply_step(const ChainStep& step, float v, std::int64_t channel);
float apply_chain(const std::vector<ChainStep>& chain, float v, std::int64_t channel);

/// The axis the per-channel steps share: -1 when there is none, nullopt when they differ.
std::optional<std::int64_t> common_axis(const std::vector<ChainStep>& chain);

/// A larger input never gives a smaller output.
bool is_rising(const ChainStep& step);

/// A constant of shape `c` against a value of shape `x`: the axis along which it varies, -1 for one value;
/// nullopt when it varies along several axes or would make x larger.
std::optional<std::int64_t> broadcast_axis(const Shape& c, const Shape& x);

}  // namespace obz::onnx
