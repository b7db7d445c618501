#include "ref/quantize/hawq.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "ref/arith/foreign/float_requantize.hpp"
#include "ref/arith/reciprocal.hpp"
#include "ref/base/error.hpp"
#include "ref/net/bounds.hpp"
#include "ref/quantize/output_bounds.hpp"
#include "ref/read/builder.hpp"
#include "ref/read/fill.hpp"

namespace obz {
namespace {

constexpr int kStreamBits = 16;

/// A quantized value of the network under construction.
struct Place {
  int tensor = -1;
  float scale = 0;
  std::int64_t zero_point = 0;
};

/// The movements, pools and clips that follow a layer without a branch; they act on whatever its sums become.
struct Chain {
  std::vector<const FloatNode*> nodes;
  int end = 0;          ///< value
  int before_clip = 0;  ///< value in front of the first clip; `end` when there is none
  float lo = -INFINITY, hi = INFINITY;
};

/// A layer whose accumulators wait for the scale they are wanted in.
struct Pending {
  const FloatNode* node = nullptr;
  Chain chain;
};

bool is_summed(const FloatOp& op) {
  return std::holds_alternative<FloatAdd>(op) || std::holds_alternative<FloatConcat>(op);
}

bool passes_through(const FloatOp& op) {
  return std::holds_alternative<FloatClip>(op) || std::holds_alternative<FloatMaxPool>(op) ||
         std::holds_alternative<Reshape>(op) || std::holds_alternative<Transpose>(op) ||
         std::holds_alternative<Slice>(op) || std::holds_alternative<Pad>(op);
}

std::size_t at(int i) { return static_cast<std::size_t>(i); }

class Quantizer {
 public:
  Quantizer(const FloatNet& net, const RangeOf& range_of, const HawqOptions& options)
      : net_(net),
        range_of_(range_of),
        options_(options),
        profile_(find_profile(options.profile)),
        bits_(bits_of(net, options.bits)),
        builder_(net.name, net.name, options.profile),
        consumers_(net.values.size()),
        by_(producers(net)) {
    for (const FloatNode& node : net.nodes) {
      for (const int i : node.inputs) consumers_[at(i)].push_back(&node);
    }
  }

  IntNet quantize() {
    input();
    for (const FloatNode& node : net_.nodes) {
      if (in_chain_.count(&node) == 0) layer(node);
    }
    output();
    builder_.net().notes = net_.notes;
    std::int64_t binary = 0;
    for (const auto& [name, b] : bits_) binary += b.weights == 1 ? 1 : 0;
    if (binary > 0) {
      builder_.net().notes.push_back(fmt::format(
          "{} layer(s) have weights of one bit, -1 and 0: positive weights are lost (two bits hold -1, 0 and 1)",
          binary));
    }
    return builder_.finish();
  }

 private:
  // --- names, ranges, grids

  const std::string& name(int value) const { return net_.values[at(value)].name; }
  std::string where(const FloatNode& node) const { return fmt::format("{}: layer \"{}\"", net_.name, node.name); }

  /// Reshaped values are the same values: their range is that of what was reshaped.
  int original(int value) const {
    const int by = by_[at(value)];
    if (by < 0) return value;
    const FloatNode& node = net_.nodes[at(by)];
    const bool same = std::holds_alternative<Reshape>(node.op) || std::holds_alternative<Transpose>(node.op);
    return same ? original(node.inputs[0]) : value;
  }

  FloatRange range(int value, const Grid& grid) const {
    const FloatRange r = range_of_(name(original(value)), grid);
    if (!std::isfinite(r.lo) || !std::isfinite(r.hi) || r.lo > r.hi) {
      throw Error(
          fmt::format("{}: value \"{}\": expected a finite range, got [{}, {}]", net_.name, name(value), r.lo, r.hi));
    }
    constexpr float smallest = 1e-8F;
    if (std::max(std::abs(r.lo), std::abs(r.hi)) <= smallest) {
      throw Error(fmt::format("{}: value \"{}\" is always 0 on the calibration data, so it has no scale", net_.name,
                              name(value)));
    }
    return r;
  }

  static std::string suffix(IntType type) {
    return type == kInt32 ? ":wide" : fmt::format(":{}{}", type.is_signed ? 's' : 'u', type.bits);
  }

  /// Type, scale and zero point of a value on its way into a layer.
  OutputQuant operand_quant(int value, int bits) const {
    const auto b = static_cast<std::uint8_t>(bits);
    const IntType u{b, false}, s{b, true};
    const FloatRange r = range(value, Grid{0, u.max(), false});
    const bool positive = r.lo >= 0;
    const bool asymmetric = options_.activations == ActivationGrid::asymmetric;
    constexpr int hawq_unsigned = 4;
    const bool without_sign = positive && (options_.activations == ActivationGrid::unsigned_ ||
                                           (options_.activations == ActivationGrid::hawq && bits == hawq_unsigned));
    if (asymmetric || without_sign || bits == 1) {
      const float lo = std::min(r.lo, 0.0F), hi = std::max(r.hi, 0.0F);
      const float scale = (hi - lo) / static_cast<float>(u.max());
      const std::int64_t zero = asymmetric ? foreign::round_half_even(static_cast<double>(-lo / scale)) : 0;
      return {scale, zero, u.min(), u.max(), u};
    }
    const FloatRange signed_range = range(value, Grid{s.min(), s.max(), true});
    return {symmetric_scale(signed_range, s), 0, s.min(), s.max(), s};
  }

  static float symmetric_scale(FloatRange r, IntType type) {
    return std::max(std::abs(r.lo), std::abs(r.hi)) / static_cast<float>(type.max());
  }

  OutputQuant stream_quant(int value, bool clamped) const {
    const IntType t{kStreamBits, true};
    const float scale = symmetric_scale(range(value, Grid{t.min(), t.max(), true}), t);
    if (clamped) return {scale, 0, t.min(), t.max(), t};
    return {scale, 0, kInt32.min(), kInt32.max(), kInt32};
  }

  bool clamps_layers() const { return options_.residual != ResidualStream::int32; }
  bool clamps_sums() const { return options_.residual == ResidualStream::int16_clamped; }

  // --- emitting

  /// Appends a node and bounds its values, tighter than its clamp where the inputs allow.
  int emit(const std::string& node_name, std::string_view origin, Operator op, std::vector<int> inputs,
           TensorInfo info) {
    const int t = builder_.add_node(node_name, std::string(origin), std::move(op), std::move(inputs), std::move(info));
    ranges_.resize(builder_.net().tensors.size());
    ranges_[at(t)] = output_bounds(builder_.net().nodes.back(), ranges_, net_.name);
    if (builder_.info(t).type == kInt32 && t != scores_) narrow(builder_.net().nodes.back(), t);
    return t;
  }

  /// What nothing clamps gets the least type that holds every value it can take.
  void narrow(Node& node, int tensor) {
    const IntType type{static_cast<std::uint8_t>(std::max(2, signed_bits(ranges_[at(tensor)]))), true};
    const auto clamp = [&](Requant& r) {
      for (Channel& c : r.channels) {
        c.lo = std::max(c.lo, type.min());
        c.hi = std::min(c.hi, type.max());
      }
    };
    if (auto* conv = std::get_if<Conv2d>(&node.op)) clamp(conv->requant);
    if (auto* dense = std::get_if<Dense>(&node.op)) clamp(dense->requant);
    if (auto* sum = std::get_if<Add>(&node.op)) clamp(sum->out);
    builder_.net().tensors[at(tensor)].type = type;
  }

  TensorInfo info(int value, const OutputQuant& q) const {
    return {.id = name(value) + suffix(q.type),
            .name = name(value),
            .type = q.type,
            .scale = static_cast<double>(q.scale),
            .zero_point = q.zero_point};
  }

  /// The clips of a chain as a clamp on its integers.
  OutputQuant clamped(OutputQuant q, const Chain& chain) const {
    const auto step = [&](float v) {
      return foreign::round_half_even(static_cast<double>(v / q.scale)) + q.zero_point;
    };
    if (chain.lo > -INFINITY) q.lo = std::max(q.lo, std::min(step(chain.lo), q.hi));
    if (chain.hi < INFINITY) q.hi = std::min(q.hi, std::max(step(chain.hi), q.lo));
    return q;
  }

  /// What follows a layer without a branch.
  Chain chain_of(int value) {
    Chain c{.end = value, .before_clip = value};
    bool clipped = false;
    while (consumers_[at(c.end)].size() == 1 && c.end != net_.output && passes_through(consumers_[at(c.end)][0]->op)) {
      const FloatNode* node = consumers_[at(c.end)][0];
      if (const auto* clip = std::get_if<FloatClip>(&node->op)) {
        if (!clipped) c.before_clip = c.end;
        clipped = true;
        c.lo = std::max(c.lo, clip->lo);
        c.hi = std::min(c.hi, clip->hi);
      }
      c.nodes.push_back(node);
      in_chain_.insert(node);
      c.end = node->output;
    }
    if (!clipped) c.before_clip = c.end;
    return c;
  }

  /// Pools and movements of a chain over integers; clips are in their clamp already.
  int follow(const Chain& chain, int tensor, const OutputQuant& q) {
    for (const FloatNode* node : chain.nodes) tensor = pass(*node, tensor, q, false);
    return tensor;
  }

  int pass(const FloatNode& node, int tensor, OutputQuant q, bool clips) {
    q.type = builder_.info(tensor).type;
    q.lo = std::max(q.lo, q.type.min());
    q.hi = std::min(q.hi, q.type.max());
    if (const auto* clip = std::get_if<FloatClip>(&node.op)) {
      if (!clips) return tensor;
      Rescale op{.x_zero_point = 0, .requant = identity_requant(q.type)};
      const OutputQuant c = clamped(q, Chain{.lo = clip->lo, .hi = clip->hi});
      op.requant.channels[0].lo = c.lo;
      op.requant.channels[0].hi = c.hi;
      return emit(node.name, "Clip", op, {tensor}, info(node.output, q));
    }
    return std::visit(
        [&](const auto& op) -> int {
          using T = std::decay_t<decltype(op)>;
          if constexpr (std::is_same_v<T, FloatMaxPool>) {
            MaxPool pool{.layout = Layout::nchw, .kernel_h = op.kernel_h, .kernel_w = op.kernel_w, .window = op.window};
            pool.lo = static_cast<std::int32_t>(q.lo);
            pool.hi = static_cast<std::int32_t>(q.hi);
            return emit(node.name, "MaxPool", pool, {tensor}, info(node.output, q));
          } else if constexpr (std::is_same_v<T, Pad>) {
            Pad pad = op;
            pad.value = static_cast<std::int32_t>(q.zero_point);
            return emit(node.name, "Pad", pad, {tensor}, info(node.output, q));
          } else if constexpr (std::is_constructible_v<Operator, T> && !std::is_same_v<T, FloatClip>) {
            return emit(node.name, operator_name(node.op), op, {tensor}, info(node.output, q));
          } else {
            return tensor;
          }
        },
        node.op);
  }

  // --- layers

  /// Quantized once for all its layers: scales do not depend on where the sums go.
  const WeightQuant& weights(const FloatNode& node) {
    const auto it = weights_.find(node.name);
    if (it != weights_.end()) return it->second;
    WeightQuant& fresh = weights_
                             .emplace(node.name, quantize_weights(weights_of(node.op), bits_.at(node.name).weights,
                                                                  options_.weight_scale, where(node)))
                             .first->second;
    if (const auto o = options_.overrides.find(node.name); o != options_.overrides.end())
      fresh.values = o->second.weights;
    return fresh;
  }

  const std::vector<float>& bias(const FloatNode& node) const {
    const auto it = options_.overrides.find(node.name);
    return it == options_.overrides.end() ? bias_of(node.op) : it->second.bias;
  }

  Place emit_layer(const Pending& p, const OutputQuant& wanted, const std::string& tag) {
    const FloatNode& node = *p.node;
    const Place x = operand(node.inputs[0], bits_.at(node.name).activations);
    const WeightQuant& w = weights(node);
    Filter filter{.weights = w.values, .bias = quantize_bias(bias(node), w.scales, x.scale, where(node))};
    const OutputQuant q = clamped(wanted, p.chain);
    const Requant requant = fill_requant(profile_, x.scale, w.scales, true, q, where(node));
    TensorInfo out = info(node.output, q);
    out.id += tag;
    const auto zero = static_cast<std::int32_t>(x.zero_point);
    int y = 0;
    if (const auto* conv = std::get_if<FloatConv>(&node.op)) {
      y = emit(node.name, "Conv",
               Conv2d{.layout = Layout::nchw,
                      .filter = std::move(filter),
                      .groups = conv->groups,
                      .window = conv->window,
                      .x_zero_point = zero,
                      .accumulator = fill_accumulator(profile_),
                      .requant = requant},
               {x.tensor}, std::move(out));
    } else {
      y = emit(node.name, "Gemm",
               Dense{.filter = std::move(filter),
                     .x_zero_point = zero,
                     .accumulator = fill_accumulator(profile_),
                     .requant = requant},
               {x.tensor}, std::move(out));
    }
    return {follow(p.chain, y, q), q.scale, q.zero_point};
  }

  /// Widths in which layers read a value; nullopt when something else reads it, too.
  std::optional<std::set<int>> operand_widths(int value) const {
    std::set<int> widths;
    if (value == net_.output) return std::nullopt;
    for (const FloatNode* c : consumers_[at(value)]) {
      if (!has_weights(c->op)) return std::nullopt;
      widths.insert(bits_.at(c->name).activations);
    }
    return widths;
  }

  void layer(const FloatNode& node) {
    if (has_weights(node.op)) return weighted(node);
    if (std::holds_alternative<FloatAdd>(node.op)) return add(node);
    if (std::holds_alternative<FloatConcat>(node.op)) return concat(node);
    if (std::holds_alternative<FloatAvgPool>(node.op)) return average(node);
    const Place x = stream(node.inputs[0]);
    const TensorInfo& t = builder_.info(x.tensor);
    const OutputQuant q{x.scale, 0, t.type.min(), t.type.max(), t.type};
    streams_[node.output] = {pass(node, x.tensor, q, true), x.scale, 0};
  }

  void weighted(const FloatNode& node) {
    Pending p{&node, chain_of(node.output)};
    const int end = p.chain.end;
    const auto widths = operand_widths(end);
    if (widths && widths->size() == 1) {
      const int bits = *widths->begin();
      operands_[{end, bits}] = emit_layer(p, operand_quant(end, bits), "");
    } else if (end == net_.output && consumers_[at(end)].empty()) {
      last_layer(p);
    } else if (consumers_[at(end)].size() == 1 && end != net_.output && is_summed(consumers_[at(end)][0]->op)) {
      pending_.emplace(end, std::move(p));
    } else {
      streams_[end] = emit_layer(p, stream_quant(p.chain.before_clip, clamps_layers()), "");
    }
  }

  /// Its accumulators are the scores; their scale differs by class.
  void last_layer(const Pending& p) {
    const FloatNode& node = *p.node;
    const Place x = operand(node.inputs[0], bits_.at(node.name).activations);
    const WeightQuant& w = weights(node);
    Filter filter{.weights = w.values, .bias = quantize_bias(bias(node), w.scales, x.scale, where(node))};
    if (!p.chain.nodes.empty() || !std::holds_alternative<FloatDense>(node.op)) {
      throw Error(fmt::format("{}: expected the network to end in a dense layer, an addition or a pool, got {}",
                              where(node), p.chain.nodes.empty() ? "a convolution" : "a clip behind this layer"));
    }
    const bool common = options_.scores == Scores::common;
    const float least = *std::min_element(w.scales.begin(), w.scales.end());
    const OutputQuant q{common ? least * x.scale : 1, 0, kInt32.min(), kInt32.max(), kInt32};
    TensorInfo out = info(node.output, q);
    if (!common) out.scale = 0;
    scores_ = static_cast<int>(builder_.net().tensors.size());
    const int y = emit(node.name, "Gemm",
                       Dense{.filter = std::move(filter),
                             .x_zero_point = static_cast<std::int32_t>(x.zero_point),
                             .accumulator = fill_accumulator(profile_),
                             .requant = common ? fill_requant(profile_, x.scale, w.scales, true, q, where(node))
                                               : identity_requant(kInt32)},
                       {x.tensor}, std::move(out));
    OutputBorder border{.name = name(net_.output), .tensor = y};
    if (common || w.scales.size() == 1) {
      border.affine.scales = {static_cast<double>(least * x.scale)};
    } else {
      border.affine.axis = 1;
      for (const float s : w.scales) border.affine.scales.push_back(static_cast<double>(s * x.scale));
    }
    builder_.net().output_borders = {border};
    builder_.net().outputs = {y};
  }

  /// A summand in the scale of its sum.
  int branch(int value, const OutputQuant& sum, const std::string& tag, Requant& requant) {
    OutputQuant free = sum;
    free.type = kInt32;
    free.lo = kInt32.min();
    free.hi = kInt32.max();
    if (const auto it = pending_.find(value); it != pending_.end()) {
      requant = identity_requant(kInt32);
      return emit_layer(it->second, free, tag).tensor;
    }
    const Place x = stream(value);
    const float one = 1;
    requant = fill_requant(profile_, x.scale, {&one, 1}, true, free, net_.name);
    return x.tensor;
  }

  void add(const FloatNode& node) {
    const Chain chain = chain_of(node.output);
    const OutputQuant q = clamped(stream_quant(chain.before_clip, clamps_sums()), chain);
    Add op;
    const int a = branch(node.inputs[0], q, ":branch", op.branch_a);
    const int b = branch(node.inputs[1], q, ":branch", op.branch_b);
    op.out = identity_requant(q.type);
    op.out.channels[0].lo = q.lo;
    op.out.channels[0].hi = q.hi;
    op.accumulator = fill_accumulator(profile_);
    const int y = emit(node.name, "Add", op, {a, b}, info(node.output, q));
    streams_[chain.end] = {follow(chain, y, q), q.scale, 0};
  }

  void concat(const FloatNode& node) {
    const Chain chain = chain_of(node.output);
    const OutputQuant q = clamped(stream_quant(chain.before_clip, true), chain);
    Concat op{.axis = std::get<FloatConcat>(node.op).axis};
    std::vector<int> parts;
    for (const int value : node.inputs) {
      Requant r;
      const auto it = pending_.find(value);
      if (it != pending_.end() && options_.concat == ConcatSteps::two) {
        const Place own = emit_layer(it->second, stream_quant(value, true), "");
        const float one = 1;
        parts.push_back(own.tensor);
        r = fill_requant(profile_, own.scale, {&one, 1}, true, q, where(node));
      } else if (it != pending_.end()) {
        parts.push_back(emit_layer(it->second, q, "").tensor);
        r = identity_requant(q.type);
      } else {
        const Place x = stream(value);
        const float one = 1;
        parts.push_back(x.tensor);
        r = fill_requant(profile_, x.scale, {&one, 1}, true, q, where(node));
      }
      op.x_zero_points.push_back(0);
      op.requants.push_back(std::move(r));
    }
    const int y = emit(node.name, "Concat", std::move(op), std::move(parts), info(node.output, q));
    streams_[chain.end] = {follow(chain, y, q), q.scale, 0};
  }

  void average(const FloatNode& node) {
    const auto& from = std::get<FloatAvgPool>(node.op);
    const Place x = stream(node.inputs[0]);
    const TensorInfo& t = builder_.info(x.tensor);
    const OutputQuant q{x.scale, 0, t.type.min(), t.type.max(), t.type};
    AvgPool pool{.layout = Layout::nchw, .kernel_h = from.kernel_h, .kernel_w = from.kernel_w, .window = from.window};
    pool.count_includes_pad = from.count_includes_pad;
    pool.by = AverageBy::requant;
    pool.accumulator = fill_accumulator(profile_);
    pool.requant = {Recipe{.rounding = Rounding::trunc}, {}};
    const bool guarded = profile_.avg_pool == AvgPoolRule::truncate_guarded;
    const Range r = ranges_[at(x.tensor)];
    const std::int64_t largest = std::max(-r.lo, r.hi);
    for (std::int64_t n = 1; n <= std::int64_t{pool.kernel_h} * pool.kernel_w; ++n) {
      if (!kInt32.holds(n * largest)) {
        throw Error(fmt::format("{}: the sum of {} values up to {} leaves the accumulator of 32 bits", where(node), n,
                                largest));
      }
      const auto c = reciprocal(n, n * largest, guarded ? Quotient::after_hundredth : Quotient::truncated);
      if (!c) {
        throw Error(fmt::format("{}: no multiplier and shift is proved equal to the division by {} of sums up to {}",
                                where(node), n, n * largest));
      }
      pool.requant.channels.push_back(*c);
      pool.requant.channels.back().lo = q.lo;
      pool.requant.channels.back().hi = q.hi;
    }
    streams_[node.output] = {emit(node.name, "AveragePool", std::move(pool), {x.tensor}, info(node.output, q)), x.scale,
                             0};
  }

  // --- places

  /// The value as 16 bits (or int32 for unclamped sums).
  Place stream(int value) {
    if (const auto it = streams_.find(value); it != streams_.end()) return it->second;
    const auto it = pending_.find(value);
    if (it == pending_.end()) throw Error(fmt::format("{}: value \"{}\" has no 16-bit form", net_.name, name(value)));
    return streams_[value] = emit_layer(it->second, stream_quant(it->second.chain.before_clip, clamps_layers()), "");
  }

  Place operand(int value, int bits) {
    if (const auto it = operands_.find({value, bits}); it != operands_.end()) return it->second;
    const Place x = stream(value);
    const OutputQuant q = operand_quant(value, bits);
    const float one = 1;
    Rescale op;
    op.requant = fill_requant(profile_, x.scale, {&one, 1}, true, q, net_.name + ": value \"" + name(value) + "\"");
    // Where nothing below 0 can come, the clamp says so: half of a signed type stays unused, and engines may know.
    Channel& c = op.requant.channels[0];
    c.lo = std::max<std::int64_t>(c.lo, op.requant(ranges_[at(x.tensor)].lo, 0));
    const int y = emit(name(value) + suffix(q.type), "requantize", op, {x.tensor}, info(value, q));
    return operands_[{value, bits}] = {y, q.scale, q.zero_point};
  }

  void input() {
    const int value = net_.input;
    const auto widths = operand_widths(value);
    const bool direct = widths && widths->size() == 1;
    const OutputQuant q = direct ? operand_quant(value, *widths->begin()) : stream_quant(value, true);
    TensorInfo t = info(value, q);
    t.shape = net_.values[at(value)].shape;
    const int tensor = builder_.add_tensor(std::move(t));
    ranges_.resize(builder_.net().tensors.size());
    ranges_[at(tensor)] = {q.lo, q.hi};
    builder_.add_input(tensor);
    InputBorder border{.name = name(value), .tensor = tensor, .by = QuantizeBy::reciprocal, .lo = q.lo, .hi = q.hi};
    border.affine.scales = {static_cast<double>(q.scale)};
    border.affine.zero_points = {q.zero_point};
    builder_.net().input_borders = {border};
    (direct ? operands_[{value, *widths->begin()}] : streams_[value]) = {tensor, q.scale, q.zero_point};
  }

  void output() {
    if (!builder_.net().outputs.empty()) return;
    const Place y = stream(net_.output);
    OutputBorder border{.name = name(net_.output), .tensor = y.tensor};
    border.affine.scales = {static_cast<double>(y.scale)};
    builder_.net().output_borders = {border};
    builder_.net().outputs = {y.tensor};
  }

  const FloatNet& net_;
  const RangeOf& range_of_;
  const HawqOptions& options_;
  const Profile& profile_;
  std::map<std::string, LayerBits> bits_;
  NetBuilder builder_;
  std::vector<std::vector<const FloatNode*>> consumers_;
  std::vector<int> by_;
  std::set<const FloatNode*> in_chain_;
  std::map<int, Place> streams_;
  std::map<std::pair<int, int>, Place> operands_;  ///< by value and bits
  std::map<int, Pending> pending_;                 ///< by the end of their chain
  std::map<std::string, WeightQuant> weights_;
  std::vector<Range> ranges_;  ///< by tensor
  int scores_ = -1;            ///< tensor of the last layer's outputs
};

}  // namespace

IntNet quantize_hawq(const FloatNet& net, const RangeOf& range_of, const HawqOptions& options) {
  check_finite(net);
  const Profile& profile = find_profile(options.profile);
  if (options.activations == ActivationGrid::asymmetric && !profile.has_zero_point) {
    throw Error(fmt::format("{}: asymmetric activations need zero points, which profile {} has not; take hawq-v3/tvm",
                            net.name, profile.id));
  }
  return Quantizer(net, range_of, options).quantize();
}

}  // namespace obz
