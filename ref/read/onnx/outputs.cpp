// The end of the network: which integers are its outputs, what they mean, and which float operators behind
// them were left out.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "ref/net/bounds.hpp"
#include "ref/read/onnx/chain.hpp"
#include "ref/read/onnx/fill_deferred.hpp"
#include "ref/read/onnx/lowering.hpp"

namespace obz::onnx {
namespace {

/// Real value of an integer behind a chain of per-tensor steps, as slope * q + offset; nullopt when it is not affine.
struct Affine {
  double slope = 1, offset = 0;
};

std::optional<Affine> affine_of(const std::vector<ChainStep>& chain, const Operand& x) {
  Affine f{x.quant.affine.scales[0], -x.quant.affine.scales[0] * static_cast<double>(x.quant.zero_point())};
  for (const ChainStep& step : chain) {
    if (step.per_channel() || step.kind == ChainStep::Kind::clip) return std::nullopt;
    const double c = static_cast<double>(step.values[0]);
    switch (step.kind) {
      case ChainStep::Kind::add: f.offset += c; break;
      case ChainStep::Kind::sub: f.offset -= c; break;
      case ChainStep::Kind::subtract_from: f = {-f.slope, c - f.offset}; break;
      case ChainStep::Kind::mul: f = {f.slope * c, f.offset * c}; break;
      case ChainStep::Kind::div: f = {f.slope / c, f.offset / c}; break;
      case ChainStep::Kind::clip: break;
    }
  }
  return f;
}

/// Scale and zero point that give every integer of the range the very float32 the chain gives; nullopt without any.
std::optional<Quant> exact_border(const std::vector<ChainStep>& chain, const Operand& x, const Affine& f, Range range) {
  const double zero = -f.offset / f.slope;
  if (!(f.slope > 0) || !std::isfinite(f.slope) || !(std::fabs(zero) < 1e9)) return std::nullopt;
  Quant quant;
  const auto scale = static_cast<float>(f.slope);
  const auto zero_point = static_cast<std::int64_t>(std::nearbyint(zero));
  quant.affine = AffineScale{{static_cast<double>(scale)}, {zero_point}};
  const ChainSource source{.scales = x.quant.affine.scales, .zero_point = x.quant.zero_point(), .range = range};
  constexpr std::int64_t samples = 1 << 16;
  const std::int64_t stride = std::max<std::int64_t>(1, (range.hi - range.lo) / samples);
  for (std::int64_t q = range.lo; q <= range.hi; q += stride) {
    if (static_cast<float>(q - zero_point) * scale != apply_chain(chain, source.real(q, 0), 0)) return std::nullopt;
  }
  return quant;
}

}  // namespace

void Lowering::note(const std::string& text) { builder_.net().notes.push_back(text); }

void Lowering::note_left_out(const NodeDef& node) {
  if (!left_out_.insert(&node).second) return;
  const bool on_integers = std::any_of(node.inputs.begin(), node.inputs.end(), [&](const std::string& name) {
    const auto value = values_.find(name);
    return value != values_.end() && std::holds_alternative<Integer>(value->second);
  });
  note(fmt::format("{} \"{}\" {} and is left out; the outputs are the integers in front of it", node.op_type, node.name,
                   on_integers ? "has no counterpart here" : "works on floats behind the last quantized value"));
}

void Lowering::add_output(int tensor) {
  std::vector<int>& outputs = builder_.net().outputs;
  if (std::find(outputs.begin(), outputs.end(), tensor) == outputs.end()) outputs.push_back(tensor);
}

void Lowering::add_border(const std::string& name, const Operand& o) {
  add_output(o.tensor);
  std::vector<OutputBorder>& borders = builder_.net().output_borders;
  const auto same = [&](const OutputBorder& b) { return b.name == name && b.tensor == o.tensor; };
  if (std::any_of(borders.begin(), borders.end(), same)) return;
  borders.push_back({name, o.tensor, o.quant.affine});
  for (double& s : borders.back().affine.scales) s = static_cast<double>(static_cast<float>(s));  // products of two
}

/// What can occur in a tensor of plain sums: from the actual weights, also behind movements; else its clamp.
Range Lowering::range_of(int tensor) {
  const IntNet& net = builder_.net();
  const std::vector<Range> ranges = value_ranges(net);
  Range padding{INT64_MAX, INT64_MIN};
  for (auto node = net.nodes.rbegin(); node != net.nodes.rend(); ++node) {
    if (node->outputs[0] != tensor) continue;
    if (const auto* pad = std::get_if<Pad>(&node->op)) {
      padding = {std::min<std::int64_t>(padding.lo, pad->value), std::max<std::int64_t>(padding.hi, pad->value)};
    }
    const bool moves = std::holds_alternative<Reshape>(node->op) || std::holds_alternative<Transpose>(node->op) ||
                       std::holds_alternative<Slice>(node->op) || std::holds_alternative<Pad>(node->op) ||
                       std::holds_alternative<MaxPool>(node->op);
    if (moves) {
      tensor = node->inputs[0];
      continue;
    }
    const Range clamped = ranges[static_cast<std::size_t>(tensor)];
    const Range sums = accumulator_range(net, *node, ranges).value_or(clamped);
    // Sums that leave their register wrap: then anything can occur.
    const bool fit = builder_.info(tensor).type == kInt32 && sums.lo >= clamped.lo && sums.hi <= clamped.hi;
    const Range range = fit ? sums : clamped;
    return {std::min(range.lo, padding.lo), std::max(range.hi, padding.hi)};
  }
  const Range range = ranges[static_cast<std::size_t>(tensor)];
  return {std::min(range.lo, padding.lo), std::max(range.hi, padding.hi)};
}

void Lowering::finish_outputs() {
  const auto reported = [&](const std::string& name) {
    const std::vector<InputBorder>& borders = builder_.net().input_borders;
    return std::any_of(borders.begin(), borders.end(),
                       [&](const InputBorder& b) { return b.scale_output == name || b.zero_point_output == name; });
  };
  for (const ValueDef& output : model_.outputs) {
    if (reported(output.name)) {
      note(fmt::format("graph output \"{}\" is measured on the float input at the border; runs do not write it",
                       output.name));
      continue;
    }
    if (values_.count(output.name) == 0)
      throw Error(fmt::format("{}: graph output \"{}\" is computed by no node", file_, output.name));
    finish_output(output.name);
  }
  const IntNet& net = builder_.net();
  const bool trivial = net.nodes.empty() && net.input_borders.empty() && net.output_borders.empty();
  if (net.outputs.empty() || trivial) {
    throw Error(
        fmt::format("{}: expected a quantized model (QuantizeLinear, QLinear* or QONNX operators), got one "
                    "whose outputs depend on no integers; `obz quantize` takes float models",
                    file_));
  }
}

/// Integers and quantized floats become outputs; behind other floats the search goes on towards the inputs.
void Lowering::finish_output(const std::string& output) {
  std::set<std::string> seen{output};
  std::vector<std::string> open{output};
  while (!open.empty()) {
    const std::string name = open.back();
    open.pop_back();
    Value& value = values_.at(name);
    const auto* known = std::get_if<Real>(&value);
    if (std::holds_alternative<ConstantPtr>(value) || (known != nullptr && known->is_constant())) {
      note(fmt::format("output value \"{}\" is a constant and is left out", name));
    }
    if (const auto* integer = std::get_if<Integer>(&value)) add_output(integer->tensor);
    if (auto* real = std::get_if<Real>(&value)) finish_real(name, *real);
    const auto producer = producers_.find(name);
    if (!std::holds_alternative<Outside>(value) || producer == producers_.end()) continue;
    note_left_out(*producer->second);
    for (const std::string& input : producer->second->inputs) {
      if (!input.empty() && seen.insert(input).second) open.push_back(input);
    }
  }
}

void Lowering::finish_real(const std::string& name, Real& value) {
  if (value.is_constant()) return;
  if (value.input() != nullptr) {
    note(fmt::format("float input \"{}\" reaches the outputs without being quantized; that part is left out",
                     value.input()->name));
    return;
  }
  Deferred* d = value.deferred();
  if (d != nullptr && !preserves_values(*d)) {
    // Layers stay in the network as their accumulators; operators without weights are floats like any other.
    const bool is_layer = filter_of(d->op) != nullptr || std::holds_alternative<MatMul>(d->op);
    if (!is_layer && !(is_qonnx_ && sums_of(*d, profile_))) {
      for (const ChainStep& step : value.chain) note_left_out(*step.node);
      for (const Move& move : value.moves) note_left_out(*move.node);
      note_left_out(*d->node);
      for (const Operand& o : d->operands) {
        if (o.tensor >= 0) add_border(o.id, o);
      }
      return;
    }
    absorb_bias(value, true);
  }
  const Operand x = emit_source(value, file_);
  finish_chain(name, value, x);
}

/// Output x behind the float operations of `value`: with a border where they only give the integers a meaning.
void Lowering::finish_chain(const std::string& name, const Real& value, Operand x) {
  bool movable = x.quant.per_tensor();
  for (const ChainStep& step : value.chain) movable = movable && !step.per_channel();
  const bool moves_only = std::none_of(value.moves.begin(), value.moves.end(), [](const Move& m) {
    return std::holds_alternative<Pad>(m.op) || std::holds_alternative<MaxPool>(m.op);
  });
  movable = movable && (moves_only || value.chain.empty());
  if (movable) {
    x = emit_moves(x, value.moves, name, Padding::exact);
  } else {
    for (const Move& move : value.moves) note_left_out(*move.node);
  }
  if (value.chain.empty()) {
    add_border(name, x);
    return;
  }
  const std::optional<Affine> f = x.quant.per_tensor() ? affine_of(value.chain, x) : std::nullopt;
  const std::optional<Quant> border = f ? exact_border(value.chain, x, *f, range_of(x.tensor)) : std::nullopt;
  if (border) {
    x.quant = *border;
    add_border(name, x);
    return;
  }
  if (!is_qonnx_) {
    for (const ChainStep& step : value.chain) note_left_out(*step.node);
    add_border(x.id, x);
    return;
  }
  add_output(x.tensor);
  std::string operations;
  for (std::size_t i = 0; i < value.chain.size(); ++i) {
    const NodeDef& node = *value.chain[i].node;
    if (i > 0 && &node == value.chain[i - 1].node) continue;
    operations += fmt::format("{}{} \"{}\"", i == 0 ? "" : ", ", node.op_type, node.name);
  }
  const bool affine = f && f->slope != 0 && std::isfinite(f->slope);
  const std::string effect =
      affine ? fmt::format("output = {} * integer + {}, so the order of the outputs is {}", f->slope, f->offset,
                           f->slope > 0 ? "kept" : "reversed")
             : std::string("they are no common increasing function, so the order of the outputs may change");
  note(fmt::format("{} behind the integers \"{}\" are left out: {}", operations, x.id, effect));
}

}  // namespace obz::onnx
