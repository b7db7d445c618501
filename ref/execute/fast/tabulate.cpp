#include "ref/execute/fast/tabulate.hpp"

#include "ref/base/error.hpp"
#include "ref/execute/naive.hpp"
#include "ref/net/validate.hpp"

namespace obz::fast {

Tensor all_values(IntType type, const Shape& shape) {
  Tensor values(shape, type);
  for (std::size_t i = 0; i < values.data.size(); ++i) {
    values.data[i] = static_cast<std::int32_t>(type.min() + static_cast<std::int64_t>(i) % value_count(type));
  }
  return values;
}

std::optional<Tensor> tabulate(Operator op, const std::vector<Tensor>& inputs, const Shape& shape, IntType type) {
  IntNet net{.name = "table"};
  Node node{.name = "table", .op = std::move(op)};
  std::vector<const Tensor*> in;
  for (const Tensor& t : inputs) {
    const auto index = static_cast<int>(net.tensors.size());
    net.tensors.push_back({.id = std::to_string(index), .shape = t.shape, .type = t.type});
    net.inputs.push_back(index);
    node.inputs.push_back(index);
    in.push_back(&t);
  }
  node.outputs = net.outputs = {static_cast<int>(net.tensors.size())};
  net.tensors.push_back({.id = "y", .shape = shape, .type = type});
  net.nodes = {std::move(node)};
  try {
    validate(net, "table");
  } catch (const Error&) {
    return std::nullopt;
  }
  Tensor y(shape, type);
  run_naive(net.nodes[0], in, y);
  return y;
}

}  // namespace obz::fast
