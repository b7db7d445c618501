// Layers to programs of the layer unit, and its bytes back to tensors.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "accel/layer_program.hpp"
#include "golden/engines/engine.hpp"

namespace obz::accel {

/// Conv2d (any groups), Dense and MatMul whose operands have at most 16 bits. A MatMul is one program a batch, others
/// are one. Otherwise the reason why the unit cannot run it, a clause: wider operands, sums beyond 32 bits in a
/// register that does not wrap there, a recipe that obz_requant has not, more than its scratchpads hold.
using Lowered = std::variant<std::vector<LayerProgram>, std::string>;
Lowered lower(const LayerJob& job, const Scratchpads& pads = {});

/// Whether the layer is one of these at all.
bool multiplies(const LayerJob& job);

/// The reason alone; cheap enough to ask for every layer.
std::string refusal(const LayerJob& job, const Scratchpads& pads = {});

/// `bytes`: what each program left in the outputs' scratchpad, y_bytes() each.
Tensor raise(const LayerJob& job, const std::vector<LayerProgram>& programs,
             const std::vector<std::vector<std::uint8_t>>& bytes);

}  // namespace obz::accel
