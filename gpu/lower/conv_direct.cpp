// Convolutions for gpu/kernels/direct.cu: groups, and whatever the tensor core cannot hold.
#include <algorithm>

#include "gpu/lower/conv_problem.hpp"
#include "ref/base/error.hpp"

namespace obz::gpu {
namespace {

bool is_depthwise(const ConvProblem& p) {
  return p.weights.inputs == 1 && p.groups == p.weights.outputs && p.x.storage.channels() == p.groups;
}

/// Zero points are taken off before the product there, and only pixels inside count.
bool depthwise_fits(const ConvProblem& p) {
  const IntType x = p.x.storage.type;
  const std::int64_t largest = std::max(x.max() - p.x_zero_point, p.x_zero_point - x.min());
  if (!p.weights.fit(16) || largest > kInt32.max()) return false;
  for (std::int64_t o = 0; o < p.weights.outputs; ++o) {
    if (p.weights.weight_of(o) * largest > kInt32.max()) return false;
  }
  return true;
}

}  // namespace

void conv_direct(Builder& builder, const ConvProblem& p) {
  OBZ_CHECK(!p.hwnc);
  if (!kInt32.holds(p.x_zero_point)) throw Unsupported("a zero point of more than 32 bits");
  DirectArgs args{.x = p.x.view(),
                  .y = p.y.view(),
                  .g = p.g,
                  .requant = requantizer_of(*p.requant, p.accumulator),
                  .groups = static_cast<std::int32_t>(p.groups),
                  .x_zero_point = static_cast<std::int32_t>(p.x_zero_point)};
  const Weights& w = p.weights;
  const auto bias = [&](std::int64_t o) { return p.filter->bias_of(o); };
  args.channels =
      builder.memory().constant(channels_of(*p.requant, w.outputs, w.outputs, bias), builder.layer() + ": channels");
  const std::int64_t quads = quads_of(args.y);
  if (is_depthwise(p) && depthwise_fits(p)) {
    const std::int64_t lanes = quads / args.y.rows * 4;
    std::vector<std::int16_t> weights(static_cast<std::size_t>(w.taps * lanes));
    for (std::int64_t tap = 0; tap < w.taps; ++tap) {
      for (std::int64_t o = 0; o < w.outputs; ++o) {
        weights[static_cast<std::size_t>(tap * lanes + o)] = static_cast<std::int16_t>(w.at(o, tap, 0));
      }
    }
    args.weights = builder.memory().constant(weights, builder.layer() + ": weights");
    builder.call("direct", "depthwise", quads, args);
    return;
  }
  if (!w.fit(32)) throw Unsupported("weights of more than 32 bits");
  const std::vector<std::int32_t> weights(w.values.begin(), w.values.end());
  args.weights = builder.memory().constant(weights, builder.layer() + ": weights");
  builder.call("direct", "grouped", quads, args);
}

}  // namespace obz::gpu
