// One-layer networks made to order: seeded weights and scales, filled by a profile. What `obz gen conv2d` and the
// engine tests run on.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "golden/cases/requant_case.hpp"
#include "ref/net/net.hpp"

namespace obz {

struct SynthSpec {
  std::string op =
      "conv2d";  ///< conv2d, depthwise, dense, add, mul, avgpool, concat, mma, requant's layer form "rescale"
  std::string profile = "tflite/double";
  std::uint64_t seed = 1;
  /// conv2d, depthwise, avgpool: N,H,W,C,K,R,S,stride,pad (K ignored by depthwise and avgpool)
  std::array<std::int64_t, 9> conv{1, 8, 8, 16, 16, 3, 3, 1, 1};
  IntType activation = kInt8, weight = kInt8, out = kInt8;
};

/// The network, valid by construction; Error when op or extents are unknown or do not fit.
IntNet synthesize(const SynthSpec& spec);

/// Seeded values of a type. corners: half of them at the rails, next to them, or at and around zero.
Tensor random_tensor(const Shape& shape, IntType type, Goal goal, std::uint64_t seed, std::uint32_t purpose);

/// Seeded inputs of any network, in the order of net.inputs.
std::vector<Tensor> random_inputs(const IntNet& net, Goal goal, std::uint64_t seed, std::int64_t sample);

}  // namespace obz
