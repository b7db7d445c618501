// A network of one or two nodes with its inputs, built for one kernel, as a trial.
#pragma once

#include <algorithm>

#include <fmt/format.h>

#include "tests/gpu/mutants/layers.hpp"
#include "tests/gpu/random_recipes.hpp"

namespace obz::test {

struct Net {
  IntNet net;
  std::vector<Tensor> inputs;
  gpu::LowerOptions options;
  std::string kernel;  ///< must be among the launched

  int tensor(const Shape& shape, IntType type) {
    net.tensors.push_back({.id = fmt::format("t{}", net.tensors.size()), .shape = shape, .type = type});
    return static_cast<int>(net.tensors.size()) - 1;
  }
  int input(Random& r, const Shape& shape, IntType type) {
    net.inputs.push_back(tensor(shape, type));
    inputs.push_back(testing::random_tensor(r, shape, type));
    return net.inputs.back();
  }
  /// Input 0 next to `zero_point`.
  void quieten(std::int32_t zero_point) {
    const IntType type = inputs[0].type;
    for (std::int32_t& v : inputs[0].data) {
      v = static_cast<std::int32_t>(std::clamp<std::int64_t>(v, std::max<std::int64_t>(type.min(), zero_point - 1),
                                                             std::min<std::int64_t>(type.max(), zero_point + 1)));
    }
  }
  /// Appends a node whose output is the network's.
  int node(Operator op, const std::vector<int>& in, IntType type) {
    std::vector<Shape> shapes;
    for (const int t : in) shapes.push_back(net.tensors[static_cast<std::size_t>(t)].shape);
    const int y = tensor(infer_shape(op, shapes, "node"), type);
    net.nodes.push_back({.name = "node", .inputs = in, .outputs = {y}, .op = std::move(op)});
    net.outputs = {y};
    return y;
  }
  /// Runs it; right when the output is the reference's as it lies in memory, the padding of its rows included.
  Trial trial(std::string name) &&;
};

}  // namespace obz::test
