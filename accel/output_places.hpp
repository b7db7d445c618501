// Where outputs stand in the outputs' scratchpad: raise() of lower.hpp the other way round.
#pragma once

#include <optional>

#include "accel/lower.hpp"

namespace obz::accel {

/// What each program leaves there when the layer's output is `y`: y_bytes() each, lanes that hold no output 0.
std::vector<std::vector<std::uint8_t>> output_bytes(const LayerJob& job, const std::vector<LayerProgram>& programs,
                                                    const Tensor& y);

/// The element of the layer's output, in its own order, at a bit of a program's outputs; nullopt: none stands there.
std::optional<std::size_t> output_element(const LayerJob& job, const std::vector<LayerProgram>& programs,
                                          std::size_t program, std::int64_t bit);

}  // namespace obz::accel
