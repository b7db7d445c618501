#include "golden/cases/synth.hpp"

#include <cmath>

#include <fmt/format.h>

#include "ref/base/error.hpp"
#include "ref/base/philox.hpp"
#include "ref/base/suggest.hpp"
#include "ref/read/builder.hpp"
#include "ref/read/fill.hpp"

namespace obz {
namespace {

enum Purpose : std::uint32_t { kWeights = 1, kBias, kScales, kZeroPoints, kInputs = 100 };

/// Scales and zero points as layers have them, from one generator.
class Numbers {
 public:
  Numbers(const SynthSpec& spec, const Profile& profile) : rng_(spec.seed, 0, kScales), profile_(profile) {}

  /// Log-uniform in 2^lo .. 2^(lo+1) .. 2^hi. Profiles that know powers of two only get those.
  float scale(int lo, int hi) {
    const auto exponent = static_cast<int>(rng_.between(lo, hi - 1));
    if (profile_.scale.power_of_two_only) return std::ldexp(1.0F, exponent);
    return std::ldexp(static_cast<float>(rng_.between(1 << 23, (1 << 24) - 1)), exponent - 23);
  }
  std::int64_t zero_point(IntType type, bool output) {
    if (output && !profile_.has_zero_point) return 0;
    return rng_.between(type.min(), type.max());
  }

 private:
  CaseRandom rng_;
  const Profile& profile_;
};

/// What every op below needs: the builder, the profile, its numbers and one input.
struct Bench {
  const SynthSpec& spec;
  const Profile& profile;
  Numbers numbers;
  NetBuilder builder;

  explicit Bench(const SynthSpec& s)
      : spec(s), profile(find_profile(s.profile)), numbers(s, profile), builder("gen " + s.op, s.op, s.profile) {}

  int input(const std::string& id, const Shape& shape, IntType type) {
    const int tensor = builder.add_tensor({.id = id, .name = id, .shape = shape, .type = type});
    builder.add_input(tensor);
    return tensor;
  }
  OutputQuant output(float scale) {
    OutputQuant o{.scale = scale, .zero_point = numbers.zero_point(spec.out, true), .type = spec.out};
    o.lo = spec.out.min();
    o.hi = spec.out.max();
    return o;
  }
  IntNet finish(Operator op, std::vector<int> inputs, IntType out) {
    const std::string name(operator_name(op));
    const int y =
        builder.add_node(name, spec.op, std::move(op), std::move(inputs), {.id = "y", .name = "y", .type = out});
    builder.net().outputs = {y};
    return builder.finish();
  }
  Filter filter(const Shape& shape) {
    Filter f{random_tensor(shape, spec.weight, Goal::random, spec.seed, kWeights), {}, {}};
    CaseRandom rng(spec.seed, 0, kBias);
    // Of the size of the sums: a bias beyond them saturates every output.
    const int narrower = std::max(0, 16 - spec.weight.bits - spec.activation.bits);
    const std::int64_t limit = (1 << 14) >> narrower;
    for (std::int64_t o = 0; o < shape[0]; ++o) f.bias.push_back(rng.between(-limit, limit));
    return f;
  }
  std::vector<float> weight_scales(std::int64_t count) {
    std::vector<float> scales;
    for (std::int64_t i = 0; i < count; ++i) scales.push_back(numbers.scale(-9, -6));
    return scales;
  }
  /// Output scale such that sums over `depth` products of these scales cover the output's range about once.
  float output_scale(float sx, std::int64_t depth) {
    const double typical =
        std::sqrt(static_cast<double>(depth)) * static_cast<double>(spec.activation.max() * spec.weight.max()) / 3.0;
    const auto ideal = static_cast<float>(typical * static_cast<double>(sx) * std::ldexp(1.0, -7) /
                                          static_cast<double>(spec.out.max()));
    return profile.scale.power_of_two_only ? std::ldexp(1.0F, std::ilogb(ideal)) : ideal * numbers.scale(0, 1);
  }
};

IntNet convolution(const SynthSpec& spec, bool depthwise) {
  Bench b(spec);
  const auto [n, h, w, c, k, r, s, stride, pad] = spec.conv;
  const std::int64_t out = depthwise ? c : k, depth = depthwise ? 1 : c;
  Conv2d op;
  op.groups = depthwise ? c : 1;
  op.filter = b.filter(Shape{out, r, s, depth});
  op.window = {.stride_h = static_cast<std::int32_t>(stride), .stride_w = static_cast<std::int32_t>(stride)};
  op.window.pad_top = op.window.pad_left = op.window.pad_bottom = op.window.pad_right = static_cast<std::int32_t>(pad);
  op.x_zero_point = static_cast<std::int32_t>(b.numbers.zero_point(spec.activation, false));
  op.accumulator = fill_accumulator(b.profile);
  const float sx = b.numbers.scale(-6, -4);
  op.requant = fill_requant(b.profile, sx, b.weight_scales(out), true, b.output(b.output_scale(sx, r * s * depth)),
                            "gen " + spec.op);
  const int x = b.input("x", Shape{n, h, w, c}, spec.activation);
  return b.finish(std::move(op), {x}, spec.out);
}

IntNet dense(const SynthSpec& spec) {
  Bench b(spec);
  const std::int64_t rows = spec.conv[0], depth = spec.conv[3], out = spec.conv[4];
  Dense op;
  op.filter = b.filter(Shape{out, depth});
  op.x_zero_point = static_cast<std::int32_t>(b.numbers.zero_point(spec.activation, false));
  op.accumulator = fill_accumulator(b.profile);
  const float sx = b.numbers.scale(-6, -4);
  op.requant =
      fill_requant(b.profile, sx, b.weight_scales(out), true, b.output(b.output_scale(sx, depth)), "gen dense");
  const int x = b.input("x", Shape{rows, depth}, spec.activation);
  return b.finish(std::move(op), {x}, spec.out);
}

/// The tensor core's own operation: D = A * B as int32, tile 8x8xK with K = 128 / bits (Turing m8n8k16, m8n8k32).
IntNet mma(const SynthSpec& spec) {
  Bench b(spec);
  const std::int64_t depth = 128 / spec.activation.bits;
  MatMul op;
  op.transpose_b = true;  // B is "col": its K values are contiguous
  op.requant = identity_requant(kInt32);
  const int a = b.input("a", Shape{spec.conv[0], 8, depth}, spec.activation);
  const int w = b.input("b", Shape{spec.conv[0], 8, depth}, spec.weight);
  return b.finish(std::move(op), {a, w}, kInt32);
}

IntNet add(const SynthSpec& spec) {
  Bench b(spec);
  const Shape shape{spec.conv[0], spec.conv[1], spec.conv[2], spec.conv[3]};
  const float sa = b.numbers.scale(-7, -4), sb = b.numbers.scale(-7, -4);
  const AddOperand left{sa, b.numbers.zero_point(spec.activation, false), spec.activation};
  const AddOperand right{sb, b.numbers.zero_point(spec.activation, false), spec.activation};
  const float sy = b.profile.scale.power_of_two_only ? 2 * std::max(sa, sb) : (sa + sb) * 0.75F;
  Add op = fill_add(b.profile, left, right, b.output(sy), false, "gen add");
  const int x = b.input("a", shape, spec.activation), z = b.input("b", shape, spec.activation);
  return b.finish(std::move(op), {x, z}, spec.out);
}

IntNet mul(const SynthSpec& spec) {
  Bench b(spec);
  const Shape shape{spec.conv[0], spec.conv[1], spec.conv[2], spec.conv[3]};
  Mul op;
  op.a_zero_point = static_cast<std::int32_t>(b.numbers.zero_point(spec.activation, false));
  op.b_zero_point = static_cast<std::int32_t>(b.numbers.zero_point(spec.activation, false));
  op.accumulator = fill_accumulator(b.profile);
  const float sa = b.numbers.scale(-6, -5), sb = b.numbers.scale(-6, -5);
  const float sy = sa * sb * static_cast<float>(b.profile.scale.power_of_two_only ? 64 : 90);
  op.requant = fill_requant(b.profile, sa, {&sb, 1}, true, b.output(sy), "gen mul");
  const int x = b.input("a", shape, spec.activation), z = b.input("b", shape, spec.activation);
  return b.finish(std::move(op), {x, z}, spec.out);
}

/// Two parts joined along the channels, each rescaled to the output.
IntNet concat(const SynthSpec& spec) {
  Bench b(spec);
  const Shape shape{spec.conv[0], spec.conv[1], spec.conv[2], spec.conv[3]};
  const float sa = b.numbers.scale(-7, -5), sb = b.numbers.scale(-7, -5);
  const float sy = b.profile.scale.power_of_two_only ? std::max(sa, sb) : std::max(sa, sb) * 1.1F;
  const OutputQuant out = b.output(sy);
  Concat op;
  op.axis = 3;
  for (const float s : {sa, sb}) {
    op.x_zero_points.push_back(b.numbers.zero_point(spec.activation, false));
    op.requants.push_back(fill_factor(b.profile, static_cast<double>(s) / static_cast<double>(sy), out, "gen concat"));
  }
  const int x = b.input("a", shape, spec.activation), z = b.input("b", shape, spec.activation);
  return b.finish(std::move(op), {x, z}, spec.out);
}

IntNet avg_pool(const SynthSpec& spec) {
  Bench b(spec);
  const auto [n, h, w, c, k, r, s, stride, pad] = spec.conv;
  AvgPool op;
  op.kernel_h = static_cast<std::int32_t>(r);
  op.kernel_w = static_cast<std::int32_t>(s);
  op.window = {.stride_h = static_cast<std::int32_t>(stride), .stride_w = static_cast<std::int32_t>(stride)};
  op.window.pad_top = op.window.pad_left = op.window.pad_bottom = op.window.pad_right = static_cast<std::int32_t>(pad);
  const float sx = b.numbers.scale(-6, -5);
  OutputQuant out = b.output(sx);
  op.x_zero_point = static_cast<std::int32_t>(out.zero_point);
  fill_avg_pool(b.profile, op, sx, out, "gen avgpool");
  const int x = b.input("x", Shape{n, h, w, c}, spec.activation);
  return b.finish(std::move(op), {x}, spec.out);
}

void check_extents(const SynthSpec& spec) {
  const auto [n, h, w, c, k, r, s, stride, pad] = spec.conv;
  for (const std::int64_t v : {n, h, w, c, k, r, s, stride}) {
    constexpr std::int64_t most = 1 << 14;
    if (v < 1 || v > most) throw Error(fmt::format("gen {}: expected extents in 1..{}, got {}", spec.op, most, v));
  }
  if (pad < 0 || pad >= std::max(r, s))
    throw Error(fmt::format("gen {}: expected a padding in 0..{}, got {}", spec.op, std::max(r, s) - 1, pad));
}

}  // namespace

IntNet synthesize(const SynthSpec& spec) {
  check_extents(spec);
  if (spec.op == "conv2d") return convolution(spec, false);
  if (spec.op == "depthwise") return convolution(spec, true);
  if (spec.op == "dense") return dense(spec);
  if (spec.op == "mma") return mma(spec);
  if (spec.op == "add") return add(spec);
  if (spec.op == "mul") return mul(spec);
  if (spec.op == "avgpool") return avg_pool(spec);
  if (spec.op == "concat") return concat(spec);
  constexpr std::string_view known[] = {"requant", "conv2d", "depthwise", "dense", "mma",
                                        "add",     "mul",    "avgpool",   "concat"};
  throw Error(fmt::format("cannot generate \"{}\"{}: give one of {}, or a .obz file", spec.op,
                          did_you_mean(spec.op, known), fmt::join(known, ", ")));
}

Tensor random_tensor(const Shape& shape, IntType type, Goal goal, std::uint64_t seed, std::uint32_t purpose) {
  Tensor t(shape, type);
  for (std::size_t i = 0; i < t.data.size(); ++i) {
    CaseRandom rng(seed, i, purpose);
    std::int64_t value = rng.between(type.min(), type.max());
    if (goal == Goal::corners && rng.one_in(2)) {
      const std::int64_t special[] = {type.min(), type.max(), type.min() + 1,         type.max() - 1,
                                      0,          1,          type.is_signed ? -1 : 2};
      value = special[rng.bits32() % std::size(special)];
    }
    t.data[i] = static_cast<std::int32_t>(saturate(value, type.min(), type.max()));
  }
  return t;
}

std::vector<Tensor> random_inputs(const IntNet& net, Goal goal, std::uint64_t seed, std::int64_t sample) {
  std::vector<Tensor> inputs;
  for (std::size_t k = 0; k < net.inputs.size(); ++k) {
    const TensorInfo& info = net.tensors[static_cast<std::size_t>(net.inputs[k])];
    const auto purpose = static_cast<std::uint32_t>(kInputs + static_cast<std::int64_t>(net.inputs.size()) * sample +
                                                    static_cast<std::int64_t>(k));
    inputs.push_back(random_tensor(info.shape, info.type, goal, seed, purpose));
  }
  return inputs;
}

}  // namespace obz
