#include "ref/execute/naive.hpp"

#include <fmt/format.h>

#include "ref/base/error.hpp"
#include "ref/tensor/type_text.hpp"

namespace obz {
namespace {

struct Run {
  std::span<const Tensor* const> in;
  Tensor& y;
  AccumulatorTap tap;

  void operator()(const Conv2d& op) const { run(op, *in[0], y, tap); }
  void operator()(const ConvTranspose2d& op) const { run(op, *in[0], y, tap); }
  void operator()(const Dense& op) const { run(op, *in[0], y, tap); }
  void operator()(const MatMul& op) const { run(op, *in[0], *in[1], y, tap); }
  void operator()(const Add& op) const { run(op, *in[0], *in[1], y, tap); }
  void operator()(const Mul& op) const { run(op, *in[0], *in[1], y, tap); }
  void operator()(const AvgPool& op) const { run(op, *in[0], y, tap); }
  void operator()(const Mean& op) const { run(op, *in[0], y, tap); }
  void operator()(const Rescale& op) const { run(op, *in[0], y, tap); }
  void operator()(const MinMax& op) const { run(op, *in[0], *in[1], y); }
  void operator()(const MaxPool& op) const { run(op, *in[0], y); }
  void operator()(const Softmax& op) const { run(op, *in[0], y); }
  void operator()(const Lookup& op) const { run(op, *in[0], y); }
  void operator()(const Threshold& op) const { run(op, *in[0], y); }
  void operator()(const Reshape& op) const { run(op, *in[0], y); }
  void operator()(const Transpose& op) const { run(op, *in[0], y); }
  void operator()(const Pad& op) const { run(op, *in[0], y); }
  void operator()(const Slice& op) const { run(op, *in[0], y); }
  void operator()(const Concat& op) const { run(op, in, y); }
};

/// Index of the last node that reads each tensor; network outputs are never freed.
std::vector<std::size_t> last_uses(const IntNet& net) {
  std::vector<std::size_t> last(net.tensors.size(), 0);
  for (std::size_t n = 0; n < net.nodes.size(); ++n) {
    for (const int i : net.nodes[n].inputs) last[static_cast<std::size_t>(i)] = n;
  }
  for (const int i : net.outputs) last[static_cast<std::size_t>(i)] = net.nodes.size();
  return last;
}

}  // namespace

void run_naive(const Node& node, std::span<const Tensor* const> inputs, Tensor& y, AccumulatorTap tap) {
  std::visit(Run{inputs, y, tap}, node.op);
}

void check_inputs(const IntNet& net, const std::vector<Tensor>& inputs) {
  if (inputs.size() != net.inputs.size()) {
    throw Error(fmt::format("{}: expected {} inputs, got {}", net.name, net.inputs.size(), inputs.size()));
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const TensorInfo& info = net.tensors[static_cast<std::size_t>(net.inputs[i])];
    if (inputs[i].shape != info.shape || inputs[i].type != info.type) {
      throw Error(fmt::format("{}: input \"{}\": expected {} {}, got {} {}", net.name, info.id, info.shape.text(),
                              type_text(info.type), inputs[i].shape.text(), type_text(inputs[i].type)));
    }
  }
}

std::vector<Tensor> run_net(const IntNet& net, const std::vector<Tensor>& inputs, const NodeRunner& runner,
                            const ValueTap& tap) {
  check_inputs(net, inputs);
  std::vector<Tensor> values(net.tensors.size());
  for (std::size_t i = 0; i < net.tensors.size(); ++i) {
    if (net.tensors[i].constant) values[i] = *net.tensors[i].constant;
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    values[static_cast<std::size_t>(net.inputs[i])] = inputs[i];
    if (tap) tap(net.inputs[i], inputs[i]);
  }
  const std::vector<std::size_t> last = last_uses(net);
  for (std::size_t n = 0; n < net.nodes.size(); ++n) {
    const Node& node = net.nodes[n];
    std::vector<const Tensor*> in;
    for (const int i : node.inputs) in.push_back(&values[static_cast<std::size_t>(i)]);
    const int out = node.outputs[0];
    const TensorInfo& info = net.tensors[static_cast<std::size_t>(out)];
    Tensor y(info.shape, info.type);
    runner(node, in, y);
    if (tap) tap(out, y);
    values[static_cast<std::size_t>(out)] = std::move(y);
    for (const int i : node.inputs) {
      const auto index = static_cast<std::size_t>(i);
      if (last[index] == n && !net.tensors[index].constant) values[index] = Tensor();
    }
  }
  std::vector<Tensor> outputs;
  for (const int i : net.outputs) outputs.push_back(values[static_cast<std::size_t>(i)]);
  return outputs;
}

}  // namespace obz
