// Real values: how float operations and movements gather behind a source until a quantizer comes.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "ref/execute/naive.hpp"
#include "ref/net/validate.hpp"
#include "ref/read/onnx/chain.hpp"
#include "ref/read/onnx/fill_deferred.hpp"
#include "ref/read/onnx/lowering.hpp"
#include "ref/read/onnx/movement.hpp"

namespace obz::onnx {
namespace {

constexpr std::size_t kLongest = 256;  // each operation copies what stands in front of it

bool same_float(float a, float b) { return a == b || (std::isnan(a) && std::isnan(b)); }

/// Whether doing the step before the movements gives the same as doing it behind them.
bool commutes(const ChainStep& step, const std::vector<Move>& moves) {
  if (step.per_channel()) return moves.empty();
  return std::all_of(moves.begin(), moves.end(), [&](const Move& move) {
    if (std::holds_alternative<Pad>(move.op)) return same_float(apply_step(step, move.padding, 0), move.padding);
    return !std::holds_alternative<MaxPool>(move.op) || is_rising(step);
  });
}

/// Constant integers moved at once; a scale per channel follows its axis.
Operand moved_constant(const NodeView& view, const Operand& o, const Move& move, const Shape& shape) {
  if (std::holds_alternative<Pad>(move.op) || std::holds_alternative<MaxPool>(move.op)) {
    view.unsupported(fmt::format("{} of constants", view.node().op_type));
  }
  auto moved = std::make_shared<Tensor>(shape, o.type);
  const Tensor* const inputs[] = {o.constant.get()};
  run_naive(Node{.op = move.op}, inputs, *moved);
  Operand result{.constant = std::move(moved), .shape = shape, .type = o.type, .quant = o.quant, .id = move.id};
  if (!o.quant.per_tensor()) {
    const std::int64_t axis = o.quant.affine.block > 0 ? -1 : moved_axis(move.op, o.quant.affine.axis, o.shape, shape);
    if (axis < 0) view.unsupported("a movement that mixes differently scaled weights");
    result.quant.affine.axis = axis;
  }
  return result;
}

}  // namespace

void Lowering::define_layer(const View& view, Layer layer) {
  Shape shape = layer->shape;
  define_real(view, Real{std::move(layer), {}, {}, std::move(shape)});
}

void Lowering::append_step(const View& view, Real& value, ChainStep step) {
  for (const float v : step.values) {
    if (std::isnan(v)) view.fail("expected constants that are numbers, got NaN");
  }
  if (value.is_constant()) view.unsupported("arithmetic between quantized constants");
  if (value.chain.size() >= kLongest) view.unsupported(fmt::format("more than {} float operations in a row", kLongest));
  if (!commutes(step, value.moves)) {
    // The movements have to happen first: on the integers, where nothing else stands in front of them.
    const bool on_integers =
        value.chain.empty() && (value.operand() != nullptr || (is_qonnx_ && value.deferred() != nullptr));
    if (!on_integers) {
      view.unsupported(fmt::format("{} behind {}", view.node().op_type, value.moves.back().node->op_type));
    }
    const Operand source = emit_source(value, view.where());
    if (!source.quant.per_tensor()) view.unsupported("movements of sums with one scale per channel");
    const std::vector<Move> moves = std::move(value.moves);
    value.moves.clear();
    value.source = emit_moves(source, moves, moves.back().id, Padding::exact);
  }
  value.chain.push_back(std::move(step));
}

/// Output = input x combined with the constant input.
void Lowering::append_constant(const View& view, std::size_t x, std::size_t constant, ChainStep::Kind kind) {
  Real value = real(view, x);
  const Shape& shape = *shape_of(view.in(constant));
  const std::optional<std::int64_t> axis =
      shape.rank() <= value.shape.rank() ? broadcast_axis(shape, value.shape) : std::nullopt;
  if (!axis)
    view.unsupported(fmt::format("a constant of {} against {}: one value, or one per index of one axis, is",
                                 shape.text(), value.shape.text()));
  std::vector<float> values = view.floats(constant, "constant");
  append_step(view, value,
              {.kind = kind,
               .values = std::move(values),
               .axis = *axis,
               .constant = view.name(constant),
               .node = &view.node()});
  define_real(view, std::move(value));
}

void Lowering::append_move(const View& view, Real value, Move move) {
  const Shape shape = infer_shape(move.op, {&value.shape, 1}, view.where());
  if (value.is_constant()) {
    const Operand moved = moved_constant(view, *value.operand(), move, shape);
    define(move.id, Real{moved, {}, {}, shape});
    return;
  }
  if (value.operand() != nullptr && !value.operand()->quant.per_tensor())
    view.unsupported("moving values with more than one scale");
  if (value.moves.size() >= kLongest) view.unsupported(fmt::format("more than {} movements in a row", kLongest));
  std::string id = move.id;
  value.shape = shape;
  value.moves.push_back(std::move(move));
  define(id, std::move(value));
}

/// The value as integers with their meaning, emitting what is needed; the value then is those integers.
Operand Lowering::materialise(const std::string& name, Real& value, const std::string& where) {
  const auto refuse = [&]() -> Unsupported {
    return Unsupported(
        fmt::format("{}: not supported: input \"{}\", a float that no QuantizeLinear and DequantizeLinear make integer",
                    where, name));
  };
  const bool keeps = value.deferred() != nullptr && preserves_values(*value.deferred());
  if (value.operand() == nullptr && !keeps) throw refuse();
  if (value.is_constant() || (value.operand() != nullptr && value.is_plain())) return *value.operand();
  const Operand& own = keeps ? value.deferred()->operands[0] : *value.operand();
  if (!own.quant.per_tensor()) throw refuse();
  const Quant quant = own.quant;
  OutputQuant out{.scale = quant.scale(),
                  .zero_point = quant.zero_point(),
                  .lo = own.type.min(),
                  .hi = own.type.max(),
                  .type = own.type};
  for (const ChainStep& step : value.chain) {  // a ReLU keeps the values on their grid
    const auto on_grid = [&](float v) {
      return std::isinf(v) || (std::fabs(v / out.scale) < 1e9F && std::nearbyint(v / out.scale) * out.scale == v);
    };
    if (step.kind != ChainStep::Kind::clip || !on_grid(step.values[0]) || !on_grid(step.values[1])) throw refuse();
    const auto real = [&](std::int64_t q) { return static_cast<float>(q - out.zero_point) * out.scale; };
    if (step.values[0] > real(out.type.max()) || step.values[1] < real(out.type.min())) throw refuse();  // off the type
  }
  const NodeDef& node = !value.moves.empty()   ? *value.moves.back().node
                        : !value.chain.empty() ? *value.chain.back().node
                                               : *value.deferred()->node;
  const Operand result = emit_quantized(node, value, out, quant, name, Padding::exact);
  value = Real{result, {}, {}, value.shape};
  return result;
}

}  // namespace obz::onnx
