#include "ref/read/builder.hpp"

#include <fmt/format.h>

#include "ref/base/error.hpp"
#include "ref/net/validate.hpp"

namespace obz {

NetBuilder::NetBuilder(std::string file, std::string name, std::string profile) : file_(std::move(file)) {
  net_.name = std::move(name);
  net_.profile = std::move(profile);
}

int NetBuilder::add_tensor(TensorInfo info) {
  const int index = static_cast<int>(net_.tensors.size());
  if (!ids_.emplace(info.id, index).second)
    throw Error(fmt::format("{}: value \"{}\" is produced twice", file_, info.id));
  check_shape(info.shape, fmt::format("{}: value \"{}\"", file_, info.id));
  net_.tensors.push_back(std::move(info));
  return index;
}

int NetBuilder::add_constant(const std::string& id, Tensor value, double scale, std::int64_t zero_point) {
  TensorInfo info{
      .id = id, .name = id, .shape = value.shape, .type = value.type, .scale = scale, .zero_point = zero_point};
  info.constant = std::move(value);
  return add_tensor(std::move(info));
}

int NetBuilder::add_node(const std::string& name, const std::string& origin, Operator op, std::vector<int> inputs,
                         TensorInfo out) {
  const int repeated = names_[name]++;
  Node node{repeated == 0 ? name : fmt::format("{}#{}", name, repeated), origin, std::move(inputs), {}, std::move(op)};
  std::vector<Shape> shapes;
  for (const int i : node.inputs) shapes.push_back(info(i).shape);
  out.shape = infer_shape(node.op, shapes, fmt::format("{}: {} \"{}\"", file_, origin, name));
  node.outputs.push_back(add_tensor(std::move(out)));
  net_.nodes.push_back(std::move(node));
  return net_.nodes.back().outputs[0];
}

IntNet NetBuilder::finish() {
  validate(net_, file_);
  return std::move(net_);
}

}  // namespace obz
