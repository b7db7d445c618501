#include "golden/shrink/layer_case.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "ref/base/error.hpp"
#include "ref/net/validate.hpp"

namespace obz {
namespace {

struct NumbersOf {
  const LayerCase& c;
  LayerNumbers numbers;

  IntType out() const { return c.output().type; }
  template <class Op>
  void filtered(Op& op) {
    numbers.filter = &op.filter;
    zero_point(op.x_zero_point, 0);
    for (std::int64_t& z : op.filter.zero_points) zero_point(z, -1);
    numbers.requants.emplace_back(&op.requant, out());
  }
  void zero_point(std::int32_t& z, int input) { numbers.zero_points.push_back({&z, nullptr, input}); }
  void zero_point(std::int64_t& z, int input) { numbers.zero_points.push_back({nullptr, &z, input}); }

  void operator()(Conv2d& op) { filtered(op); }
  void operator()(ConvTranspose2d& op) { filtered(op); }
  void operator()(Dense& op) { filtered(op); }
  void operator()(MatMul& op) {
    for (std::int64_t& z : op.a_zero_points) zero_point(z, 0);
    for (std::int64_t& z : op.b_zero_points) zero_point(z, 1);
    numbers.requants.emplace_back(&op.requant, out());
  }
  void operator()(Add& op) {
    zero_point(op.a_zero_point, 0);
    zero_point(op.b_zero_point, 1);
    numbers.requants.emplace_back(&op.branch_a, kInt32);
    numbers.requants.emplace_back(&op.branch_b, kInt32);
    numbers.requants.emplace_back(&op.out, out());
  }
  void operator()(Mul& op) {
    zero_point(op.a_zero_point, 0);
    zero_point(op.b_zero_point, 1);
    numbers.requants.emplace_back(&op.requant, out());
  }
  void operator()(Concat& op) {
    for (std::size_t i = 0; i < op.requants.size(); ++i) {
      zero_point(op.x_zero_points[i], static_cast<int>(i));
      numbers.requants.emplace_back(&op.requants[i], out());
    }
  }
  template <class Op>
  void operator()(Op& op) {
    if constexpr (requires { op.x_zero_point; }) zero_point(op.x_zero_point, 0);
    if constexpr (requires { op.requant.channels; }) numbers.requants.emplace_back(&op.requant, out());
  }
};

}  // namespace

std::int64_t LayerCase::activations() const {
  std::int64_t n = 0;
  for (const Tensor& t : inputs) n += t.elems();
  return n;
}

LayerCase make_case(const IntNet& one_layer, std::vector<Tensor> inputs) {
  OBZ_CHECK(one_layer.nodes.size() == 1 && one_layer.nodes[0].inputs.size() == inputs.size());
  LayerCase c{one_layer, std::move(inputs)};
  c.net.input_borders.clear();
  c.net.output_borders.clear();
  std::set<int> seen;
  for (int& i : c.node().inputs) {
    if (seen.insert(i).second) continue;
    TensorInfo twin = c.net.tensors[static_cast<std::size_t>(i)];
    const bool is_input = std::find(c.net.inputs.begin(), c.net.inputs.end(), i) != c.net.inputs.end();
    twin.id += fmt::format("#{}", c.net.tensors.size());
    i = static_cast<int>(c.net.tensors.size());
    if (is_input) c.net.inputs.push_back(i);
    c.net.tensors.push_back(std::move(twin));
  }
  return c;
}

void settle(LayerCase& c) {
  std::vector<Shape> shapes;
  for (std::size_t k = 0; k < c.inputs.size(); ++k) {
    TensorInfo& info = c.net.tensors[static_cast<std::size_t>(c.node().inputs[k])];
    if (c.inputs[k].elems() == 0) throw Error("shrink: an input would be empty");
    check_values(c.inputs[k], "shrink");
    info.shape = c.inputs[k].shape;
    if (info.constant) info.constant = c.inputs[k];
    shapes.push_back(info.shape);
  }
  c.net.inputs.clear();  // parts may have gone
  for (const int i : c.node().inputs) {
    if (!c.net.tensors[static_cast<std::size_t>(i)].constant) c.net.inputs.push_back(i);
  }
  TensorInfo& out = c.net.tensors[static_cast<std::size_t>(c.node().outputs[0])];
  out.shape = infer_shape(c.node().op, shapes, "shrink");
  if (out.shape.elems() == 0) throw Error("shrink: the output would be empty");
  validate(c.net, "shrink");
}

LayerNumbers numbers_of(LayerCase& c) {
  NumbersOf visit{c, {}};
  std::visit(visit, c.node().op);
  return std::move(visit.numbers);
}

std::int64_t rest_of_input(LayerCase& c, std::size_t input) {
  std::int64_t rest = 0;
  int found = 0;
  for (const ZeroPoint& z : numbers_of(c).zero_points) {
    if (z.input != static_cast<int>(input)) continue;
    rest = z.get();
    ++found;
  }
  return found == 1 ? rest : 0;
}

}  // namespace obz
