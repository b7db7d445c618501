// Requantizers as the kernels take them.
#pragma once

#include "gpu/lower/builder.hpp"

namespace obz::gpu {

/// Unsupported unless the kernels can execute it: integers, clamps of 32 bits.
void require_dyadic(const Requant& requant);

Requantizer requantizer_of(const Requant& requant, const Accumulator& accumulator = {64, Overflow::exact});
DyadicChannel channel_of(const Channel& channel, std::int64_t bias = 0);

/// One for each of `count` outputs, `bias(o)` joining; zeros from there to `padded`.
template <class Bias>
std::vector<DyadicChannel> channels_of(const Requant& requant, std::int64_t count, std::int64_t padded, Bias&& bias) {
  std::vector<DyadicChannel> channels(static_cast<std::size_t>(padded));
  for (std::int64_t o = 0; o < count; ++o)
    channels[static_cast<std::size_t>(o)] = channel_of(requant.channel(o), bias(o));
  return channels;
}

}  // namespace obz::gpu
