// Operators that move values: at once on integers, waiting on floats.
#include "ref/net/validate.hpp"
#include "ref/read/onnx/lowering.hpp"
#include "ref/read/onnx/movement.hpp"

namespace obz::onnx {

void Lowering::move_value(const View& view, Move move) {
  if (!std::holds_alternative<Integer>(view.in(0))) {
    append_move(view, real(view, 0), std::move(move));
    return;
  }
  const Operand x = integer_operand(view, 0, Quant());
  const std::string id = move.id;
  const Operand y = emit_moves(x, {std::move(move)}, id, Padding::exact);
  const TensorInfo& from = builder_.info(x.tensor);
  TensorInfo& to = builder_.net().tensors[static_cast<std::size_t>(y.tensor)];
  to.scale = from.scale;
  to.zero_point = from.zero_point;
  define(id, Integer{y.tensor, y.shape, y.type});
}

void Lowering::movement(const View& view) {
  const Shape* x = shape_of(view.in(0));
  move_value(view, movement_of(view, *x));
}

void Lowering::split(const View& view) {
  const Shape* x = shape_of(view.in(0));
  for (Move& part : split_of(view, *x)) {
    if (!part.id.empty()) move_value(view, std::move(part));
  }
}

/// Identity, and Dropout, which does nothing outside training.
void Lowering::identity(const View& view) {
  if (view.has(2) && view.integers(2, "training mode") != std::vector<std::int64_t>{0}) view.unsupported("training");
  Value value = view.in(0);
  for (std::size_t i = 1; i < view.node().outputs.size(); ++i) {
    if (!view.node().outputs[i].empty())
      define(view.node().outputs[i], Outside{view.where() + ": its second output is a mask of training"});
  }
  define(view.output(), std::move(value));
}

}  // namespace obz::onnx
