// Into the network: nodes, constants, inputs, and the movements behind them.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "ref/arith/foreign/float_requantize.hpp"
#include "ref/read/onnx/chain.hpp"
#include "ref/read/onnx/fill_deferred.hpp"
#include "ref/read/onnx/lowering.hpp"

namespace obz::onnx {
namespace {

/// The integer a quantizer with this output gives to a real value.
std::int64_t quantized(float v, const OutputQuant& out) {
  if (std::isinf(v)) return v > 0 ? out.type.max() : out.type.min();
  const std::int64_t rounded = foreign::round_half_even(static_cast<double>(v / out.scale));
  return saturate(rounded + out.zero_point, out.type.min(), out.type.max());
}

/// One more ReLU or Clip behind those the clamp holds already: quantizing is monotone, so it may come first. A later
/// clip has the last word: it moves both ends.
void clamp_by(const ChainStep& clip, OutputQuant& out) {
  const std::int64_t lowest = quantized(clip.values[0], out), highest = quantized(clip.values[1], out);
  out.lo = std::min(std::max(out.lo, lowest), highest);
  out.hi = std::min(std::max(out.hi, lowest), highest);
}

bool on_grid(float v, const OutputQuant& out) {
  return std::isinf(v) || static_cast<float>(quantized(v, out) - out.zero_point) * out.scale == v;
}

OutputQuant whole_range(const Operand& o) {
  return {.scale = o.quant.scale(),
          .zero_point = o.quant.zero_point(),
          .lo = o.type.min(),
          .hi = o.type.max(),
          .type = o.type};
}

}  // namespace

std::string Lowering::fresh_id(const std::string& id) const {
  std::string fresh = id;
  for (int i = 2; builder_.has_id(fresh); ++i) fresh = fmt::format("{}#{}", id, i);
  return fresh;
}

int Lowering::place(const Operand& o) {
  if (o.tensor >= 0) return o.tensor;
  return builder_.add_constant(fresh_id(o.id), *o.constant, o.quant.affine.scales[0], o.quant.zero_point());
}

/// Tells people what the integers of a tensor mean, when the model says so only where it reads them.
void Lowering::annotate(int tensor, const Quant& quant) {
  if (tensor < 0 || !quant.per_tensor()) return;
  TensorInfo& info = builder_.net().tensors[static_cast<std::size_t>(tensor)];
  if (info.scale != 0) return;
  info.scale = quant.affine.scales[0];
  info.zero_point = quant.zero_point();
}

Operand Lowering::emit_node(const NodeDef& node, Operator op, const std::vector<Operand>& operands,
                            const std::string& id, IntType type, const Quant& quant) {
  std::vector<int> inputs;
  for (const Operand& o : operands) inputs.push_back(place(o));
  TensorInfo info{.id = fresh_id(id), .name = id, .type = type};
  if (quant.per_tensor()) {
    info.scale = quant.affine.scales[0];
    info.zero_point = quant.zero_point();
  }
  const std::string origin = node.op_type.substr(node.op_type.rfind('.') + 1);  // without its domain
  const int tensor = builder_.add_node(node.name, origin, std::move(op), std::move(inputs), std::move(info));
  return {.tensor = tensor, .shape = builder_.info(tensor).shape, .type = type, .quant = quant, .id = id};
}

Operand Lowering::emit_moves(Operand x, const std::vector<Move>& moves, const std::string& last_id, Padding padding) {
  for (std::size_t i = 0; i < moves.size(); ++i) {
    const Move& move = moves[i];
    Operator op = move.op;
    if (auto* pool = std::get_if<MaxPool>(&op)) {
      pool->lo = static_cast<std::int32_t>(x.type.min());
      pool->hi = static_cast<std::int32_t>(x.type.max());
    }
    if (auto* pad = std::get_if<Pad>(&op)) {
      const OutputQuant own = whole_range(x);
      if (padding == Padding::exact && !on_grid(move.padding, own)) {
        throw Unsupported(fmt::format("{}: not supported: padding with {}, no multiple of the scale {} in reach",
                                      where_of(*move.node), move.padding, own.scale));
      }
      pad->value = static_cast<std::int32_t>(quantized(move.padding, own));
    }
    x = emit_node(*move.node, std::move(op), {x}, i + 1 == moves.size() ? last_id : move.id, x.type, x.quant);
  }
  return x;
}

/// Integers to integers of another meaning; nothing when it is the same one.
Operand Lowering::emit_rescale(const NodeDef& node, const Operand& x, const OutputQuant& out, const Quant& quant,
                               const std::string& id) {
  const bool same = x.type == out.type && x.quant.scale() == out.scale && x.quant.zero_point() == out.zero_point;
  if (same && out.lo <= x.type.min() && out.hi >= x.type.max()) return x;
  Rescale op;
  op.x_zero_point = static_cast<std::int32_t>(x.quant.zero_point());
  if (same) {
    op.requant = identity_requant(out.type);
    Channel& c = op.requant.channels[0];
    c.zero_point = static_cast<std::int32_t>(out.zero_point);
    c.lo = out.lo;
    c.hi = out.hi;
  } else {
    const double ratio = static_cast<double>(x.quant.scale()) / static_cast<double>(out.scale);
    op.requant = fill_factor(quantizer_profile_, ratio, out, where_of(node));
  }
  return emit_node(node, op, {x}, id, out.type, quant);
}

/// The layer with its arithmetic for this output.
Operand Lowering::emit_layer(const NodeDef& quantizer, const Deferred& d, const OutputQuant& out, const Quant& quant,
                             const std::string& id, const Profile& profile) {
  if (!std::holds_alternative<MinMax>(d.op)) {
    return emit_node(*d.node, fill(d, profile, out, quant.is_float16, where_of(*d.node)), d.operands, id, out.type,
                     quant);
  }
  const Operand& own = d.operands[0];  // a maximum has no arithmetic: what changes the scale comes behind it
  const bool same = own.type == out.type && own.quant.scale() == out.scale &&
                    own.quant.zero_point() == out.zero_point && out.lo <= own.type.min() && out.hi >= own.type.max();
  const Operand chosen = emit_node(*d.node, d.op, d.operands, same ? id : d.id, own.type, own.quant);
  return emit_rescale(quantizer, chosen, out, quant, id);
}

/// The value as integers of this output quantization.
Operand Lowering::emit_quantized(const NodeDef& quantizer, Real value, OutputQuant out, const Quant& quant,
                                 const std::string& id, Padding padding) {
  absorb_bias(value, false);
  for (const ChainStep& step : value.chain) {
    if (step.kind != ChainStep::Kind::clip) {
      throw Unsupported(
          fmt::format("{}: not supported: float arithmetic between a layer and its quantizer \"{}\"; fold it into the "
                      "layer, or quantize its input",
                      where_of(*step.node), quantizer.name));
    }
    clamp_by(step, out);
  }
  const Deferred* d = value.deferred();
  const std::string& source_id = value.moves.empty() ? id : value.moves.front().node->inputs[0];
  const Operand q = d != nullptr ? emit_layer(quantizer, *d, out, quant, source_id, quantizer_profile_)
                                 : emit_rescale(quantizer, *value.operand(), out, quant, source_id);
  return emit_moves(q, value.moves, id, padding);
}

/// A layer's plain accumulators, emitted once.
Operand Lowering::emit_sums(Deferred& d) {
  if (d.sums.tensor >= 0) return d.sums;
  if (preserves_values(d)) {
    const Operand& own = d.operands[0];
    d.sums = emit_layer(*d.node, d, whole_range(own), own.quant, d.id, quantizer_profile_);
    return d.sums;
  }
  std::optional<Sums> sums = sums_of(d, profile_);
  if (!sums) {
    throw Unsupported(
        fmt::format("{}: not supported: its result as a sum of integers; equal scales and windows of one size are",
                    where_of(*d.node)));
  }
  Quant quant;
  quant.affine.scales = sums->scales;
  quant.affine.zero_points.assign(sums->scales.size(), 0);
  quant.affine.axis = std::max<std::int64_t>(sums->axis, 0);
  d.sums = emit_node(*d.node, std::move(sums->op), d.operands, d.id, kInt32, quant);
  return d.sums;
}

/// The integers in front of the float operations.
Operand Lowering::emit_source(Real& value, const std::string& where) {
  if (value.input() != nullptr) {
    throw Unsupported(
        fmt::format("{}: not supported: arithmetic on the float input \"{}\"", where, value.input()->name));
  }
  if (value.deferred() != nullptr) return emit_sums(*value.deferred());
  Operand x = *value.operand();
  x.tensor = place(x);
  return x;
}

/// A float graph input meets its quantizer: the network's input is the integer behind it, described by `q`.
Operand Lowering::emit_input(const View& view, const Real& value, InputBorder border, Operand q) {
  const FloatInput& input = *value.input();
  const QuantizeBy border_by = border.by;
  border.name = input.name;
  for (const ChainStep& step : value.chain) {
    if (step.kind == ChainStep::Kind::clip) {
      // Behind a clip nothing may change the values any more: then it is part of the quantizer's clamp.
      const bool last = std::all_of(&step, value.chain.data() + value.chain.size(),
                                    [](const ChainStep& s) { return s.kind == ChainStep::Kind::clip; });
      const OutputQuant own{.scale = q.quant.scale(), .zero_point = q.quant.zero_point(), .type = q.type};
      const bool exact =
          border.by == QuantizeBy::affine || (on_grid(step.values[0], own) && on_grid(step.values[1], own));
      if (!last || !exact || border.by == QuantizeBy::bipolar || border.by == QuantizeBy::dynamic ||
          !q.quant.per_tensor()) {
        view.unsupported(fmt::format("{} \"{}\" on a float input", step.node->op_type, step.node->name));
      }
      OutputQuant out = own;
      out.lo = border.lo;
      out.hi = border.hi;
      clamp_by(step, out);
      border.lo = out.lo;
      border.hi = out.hi;
      continue;
    }
    if (step.per_channel() || step.kind == ChainStep::Kind::subtract_from || border.by == QuantizeBy::dynamic) {
      view.unsupported(fmt::format("{} \"{}\" on a float input: additions and multiplications with one constant are",
                                   step.node->op_type, step.node->name));
    }
    constexpr FloatStep::Kind kinds[] = {FloatStep::Kind::add, FloatStep::Kind::sub, FloatStep::Kind::add,
                                         FloatStep::Kind::mul, FloatStep::Kind::div};
    border.steps.push_back({kinds[static_cast<std::size_t>(step.kind)], static_cast<double>(step.values[0])});
  }
  for (const Move& move : value.moves) {  // a range that is measured must be measured behind what changes it
    const bool keeps_all = std::holds_alternative<Reshape>(move.op) || std::holds_alternative<Transpose>(move.op);
    if (border_by == QuantizeBy::dynamic && !keeps_all) {
      view.unsupported(fmt::format("dynamic quantization behind {} \"{}\"", move.node->op_type, move.node->name));
    }
  }
  if (!value.moves.empty() && !q.quant.per_tensor())
    view.unsupported("a float input moved in front of a quantizer with several scales");
  border.affine = q.quant.affine;
  const std::string id = q.id;
  q.shape = input.shape;
  TensorInfo info{
      .id = fresh_id(value.moves.empty() ? id : input.name), .name = input.name, .shape = q.shape, .type = q.type};
  if (q.quant.per_tensor() && border_by != QuantizeBy::dynamic) {
    info.scale = q.quant.affine.scales[0];
    info.zero_point = q.quant.zero_point();
  }
  q.tensor = builder_.add_tensor(std::move(info));
  network_inputs_[q.tensor] = input_order_.at(input.name);
  border.tensor = q.tensor;
  builder_.net().input_borders.push_back(std::move(border));
  return emit_moves(q, value.moves, id, border_by == QuantizeBy::affine ? Padding::rounded : Padding::exact);
}

}  // namespace obz::onnx
