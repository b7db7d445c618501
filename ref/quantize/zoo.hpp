// Architectures at full size with seeded weights: nothing to download, and every shape of the published networks. The
// numbers are drawn, not trained: such a network names no classes, but its layers have the shapes, the spread of scales
// and the accumulators of a real one.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "ref/real/float_net.hpp"

namespace obz {

struct ZooEntry {
  std::string_view name;
  std::string_view summary;
  std::int64_t side = 224;  ///< of the input image
};

std::span<const ZooEntry> zoo();

/// Weights: normal with He's deviation, each output channel wider or narrower by exp(N(0, 1/4)); gains in 0.4..1.3,
/// shifts N(0, 1/4); means and variances as the network itself has them on zoo_image(seed), so that no layer dies or
/// explodes. The same name, seed and side give the same bits on every machine. Error naming near ones for an unknown
/// name; `side` 0: the architecture's own.
FloatNet make_zoo_net(std::string_view name, std::uint64_t seed, std::int64_t side = 0);

/// A smooth seeded picture with some noise, scaled like a normalized photograph: [1, 3, side, side].
FloatTensor zoo_image(std::uint64_t seed, std::int64_t side);

}  // namespace obz
