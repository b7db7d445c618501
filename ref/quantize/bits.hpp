// How many bits each layer gets, and where that is written.
#pragma once

#include <map>
#include <string>

#include "ref/real/float_net.hpp"

namespace obz {

/// 1..8 each.
struct LayerBits {
  int weights = 8, activations = 8;

  friend bool operator==(const LayerBits&, const LayerBits&) = default;
};

struct BitPlan {
  LayerBits rest;                           ///< of layers that are not named
  bool first_and_last_8 = true;             ///< those of `rest` alone: a named layer has the bits it names
  std::map<std::string, LayerBits> layers;  ///< by layer name
  std::string file;                         ///< it came from, for errors
};

/// "w8a8", "w4a4", "w2a8": the same everywhere, first and last layer at 8. Otherwise the name of a JSON file
/// {"layers": {"conv1": {"weights": 8, "activations": 4}, ...}, "rest": {...}}, as `obz plan` writes it.
/// Error naming the field for anything else, and for bits outside 1..8.
BitPlan read_bits(const std::string& text);

/// Bits of every convolution and dense layer of the net, by its name. Error when the plan names a layer that the net
/// has not.
std::map<std::string, LayerBits> bits_of(const FloatNet& net, const BitPlan& plan);

}  // namespace obz
