// One layer with its inputs as a value that can be cut smaller: along any of its dimensions, and number by number.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "ref/net/net.hpp"

namespace obz {

/// A network of one node and a value for each input of that node, constants included.
struct LayerCase {
  IntNet net;
  std::vector<Tensor> inputs;  ///< in the order of net.nodes[0].inputs, which are distinct tensors

  Node& node() { return net.nodes[0]; }
  const Node& node() const { return net.nodes[0]; }
  const TensorInfo& output() const { return net.tensors[static_cast<std::size_t>(node().outputs[0])]; }
  std::int64_t activations() const;
};

/// Gives every input of the node a tensor of its own.
LayerCase make_case(const IntNet& one_layer, std::vector<Tensor> inputs);

/// Writes the inputs' shapes and the shape they imply for the output into the network and validates it; Error when the
/// case is no valid layer.
void settle(LayerCase& c);

/// A dimension along which a layer can be cut.
struct Extent {
  std::string name;  ///< "output channels"
  std::int64_t size = 0;
  /// Index along this dimension of a flat output; empty for dimensions that are summed over.
  std::function<std::int64_t(std::int64_t flat)> of_output;
  /// The case with these indices only (ascending, not empty), not yet settled; nullopt where it has no such form.
  /// Cuts along different dimensions may follow each other.
  std::function<std::optional<LayerCase>(const LayerCase&, const std::vector<std::int64_t>&)> keep;
};

/// Output dimensions first. Empty for operators without a cut: only their numbers can become simpler.
std::vector<Extent> extents(const LayerCase& c);

/// The case cut along all output dimensions to this flat output, not yet settled; nullopt where that is impossible.
std::optional<LayerCase> cut_to_output(const LayerCase& c, std::int64_t flat);

/// The same outputs by a simpler geometry, one change each: strides and dilations of a single window, the layout, a
/// convolution without padding as one of 1x1, broadcast axes dropped.
std::vector<LayerCase> simpler_forms(const LayerCase& c);

/// A zero point of the layer and the input it belongs to (-1: the weights).
struct ZeroPoint {
  std::int32_t* narrow = nullptr;
  std::int64_t* wide = nullptr;
  int input = 0;

  std::int64_t get() const { return narrow != nullptr ? *narrow : *wide; }
  void set(std::int64_t v) const {
    if (narrow != nullptr) *narrow = static_cast<std::int32_t>(v);
    if (wide != nullptr) *wide = v;
  }
};

/// The numbers inside the operator, by reference into `c`.
struct LayerNumbers {
  std::vector<std::pair<Requant*, IntType>> requants;  ///< and the type of what they produce
  std::vector<ZeroPoint> zero_points;
  Filter* filter = nullptr;
};
LayerNumbers numbers_of(LayerCase& c);

/// The value that means 0 for an input, where the layer has one for the whole tensor; else 0.
std::int64_t rest_of_input(LayerCase& c, std::size_t input);

}  // namespace obz
