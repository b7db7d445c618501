#include "ref/net/validate.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>

#include "ref/base/error.hpp"
#include "ref/net/bounds.hpp"
#include "ref/net/check_requant.hpp"
#include "ref/tensor/type_text.hpp"

namespace obz {
namespace {

void require_inputs(std::size_t expected, std::size_t got, const std::string& where) {
  if (expected != got) throw Error(fmt::format("{}: expected {} inputs, got {}", where, expected, got));
}

struct InferShape {
  std::span<const Shape> in;
  const std::string& where;

  Shape operator()(const Concat& op) const { return infer(op, in, where); }
  Shape operator()(const MatMul& op) const { return binary(op); }
  Shape operator()(const Add& op) const { return binary(op); }
  Shape operator()(const Mul& op) const { return binary(op); }
  Shape operator()(const MinMax& op) const { return binary(op); }
  template <class Unary>
  Shape operator()(const Unary& op) const {
    require_inputs(1, in.size(), where);
    return infer(op, in[0], where);
  }
  template <class Binary>
  Shape binary(const Binary& op) const {
    require_inputs(2, in.size(), where);
    return infer(op, in[0], in[1], where);
  }
};

void check_tensors(const IntNet& net, const std::string& file) {
  std::set<std::string> ids;
  for (const TensorInfo& t : net.tensors) {
    const std::string where = fmt::format("{}: tensor \"{}\"", file, t.id);
    if (!ids.insert(t.id).second) throw Error(fmt::format("{}: the id stands twice", where));
    check_shape(t.shape, where);
    if (t.type.bits > (t.type.is_signed ? 32 : 31)) {
      throw Error(fmt::format("{}: {} is wider than the 32-bit storage", where, type_text(t.type)));
    }
    if (!t.constant) continue;
    if (t.constant->shape != t.shape || t.constant->type != t.type) {
      throw Error(fmt::format("{}: constant is {} {}, declared {} {}", where, t.constant->shape.text(),
                              type_text(t.constant->type), t.shape.text(), type_text(t.type)));
    }
    check_values(*t.constant, where);
  }
}

/// Marks what is known before node 0 runs.
std::vector<bool> known_at_start(const IntNet& net, const std::string& file) {
  const auto in_range = [&](int i) { return i >= 0 && i < static_cast<int>(net.tensors.size()); };
  std::vector<bool> known;
  for (const TensorInfo& t : net.tensors) known.push_back(t.constant.has_value());
  for (const int i : net.inputs) {
    if (!in_range(i) || known[static_cast<std::size_t>(i)]) {
      throw Error(fmt::format("{}: network input {} is no free tensor", file, i));
    }
    known[static_cast<std::size_t>(i)] = true;
  }
  return known;
}

void check_borders(const IntNet& net, const std::string& file) {
  const auto is_one_of = [](const std::vector<int>& list, int i) {
    return std::find(list.begin(), list.end(), i) != list.end();
  };
  const auto check_affine = [&](const AffineScale& a, int tensor, const std::string& where) {
    const Shape& shape = net.tensors[static_cast<std::size_t>(tensor)].shape;
    for (const double s : a.scales) {
      if (!std::isfinite(s) || s <= 0) throw Error(fmt::format("{}: expected scales > 0, got {}", where, s));
    }
    if (!a.zero_points.empty() && a.zero_points.size() != a.scales.size()) {
      throw Error(fmt::format("{}: {} scales with {} zero points", where, a.scales.size(), a.zero_points.size()));
    }
    const auto count = static_cast<std::int64_t>(a.scales.size());
    if (count == 1 && a.block == 0) return;
    const auto rank = static_cast<std::int64_t>(shape.rank());
    if (a.axis < 0 || a.axis >= rank) throw Error(fmt::format("{}: axis {} of {}", where, a.axis, shape.text()));
    Shape expected{shape[static_cast<std::size_t>(a.axis)]};
    if (a.block > 0) {
      expected = shape;
      auto& extent = expected[static_cast<std::size_t>(a.axis)];
      extent = (extent + a.block - 1) / a.block;
      if (a.scale_shape != expected) {
        throw Error(fmt::format("{}: expected block scales {}, got {}", where, expected.text(), a.scale_shape.text()));
      }
    }
    if (a.block < 0 || count != expected.elems()) {
      throw Error(fmt::format("{}: expected {} scales, got {}", where, expected.elems(), count));
    }
  };
  for (const InputBorder& b : net.input_borders) {
    const std::string where = fmt::format("{}: float input \"{}\"", file, b.name);
    if (!is_one_of(net.inputs, b.tensor))
      throw Error(fmt::format("{}: tensor {} is no network input", where, b.tensor));
    const IntType type = net.tensors[static_cast<std::size_t>(b.tensor)].type;
    if (b.by == QuantizeBy::affine || b.by == QuantizeBy::reciprocal || b.by == QuantizeBy::clamp_first) {
      check_affine(b.affine, b.tensor, where);
      if (b.lo > b.hi || !type.holds(b.lo) || !type.holds(b.hi)) {
        throw Error(fmt::format("{}: clamp [{}, {}] is not inside {}", where, b.lo, b.hi, type_text(type)));
      }
    }
    if (!b.image_mean.empty() || !b.image_deviation.empty()) {
      const Shape& shape = net.tensors[static_cast<std::size_t>(b.tensor)].shape;
      const bool fits = shape.rank() == 4 && shape[0] == 1 && b.image_mean.size() == b.image_deviation.size() &&
                        static_cast<std::int64_t>(b.image_mean.size()) == shape[1];
      if (!fits) throw Error(fmt::format("{}: image mean and deviation do not fit {}", where, shape.text()));
      for (std::size_t c = 0; c < b.image_mean.size(); ++c) {
        if (!std::isfinite(b.image_mean[c]) || !std::isfinite(b.image_deviation[c]) || b.image_deviation[c] <= 0) {
          throw Error(fmt::format("{}: expected finite image means and deviations > 0", where));
        }
      }
    }
    for (const FloatStep& s : b.steps) {
      if (!std::isfinite(s.value)) throw Error(fmt::format("{}: step value {} is not finite", where, s.value));
    }
  }
  for (const OutputBorder& b : net.output_borders) {
    const std::string where = fmt::format("{}: float output \"{}\"", file, b.name);
    if (!is_one_of(net.outputs, b.tensor)) {
      throw Error(fmt::format("{}: tensor {} is no network output", where, b.tensor));
    }
    check_affine(b.affine, b.tensor, where);
  }
}

}  // namespace

Shape infer_shape(const Operator& op, std::span<const Shape> inputs, const std::string& where) {
  Shape shape = std::visit(InferShape{inputs, where}, op);
  check_shape(shape, where);
  return shape;
}

void validate(const IntNet& net, const std::string& file) {
  check_tensors(net, file);
  std::vector<bool> known = known_at_start(net, file);
  std::set<std::string> names;
  for (std::size_t n = 0; n < net.nodes.size(); ++n) {
    const Node& node = net.nodes[n];
    const std::string where = fmt::format("{}: layer {} \"{}\" ({})", file, n, node.name, operator_name(node.op));
    if (!names.insert(node.name).second) throw Error(fmt::format("{}: the name stands twice", where));
    std::vector<Shape> shapes;
    for (const int i : node.inputs) {
      if (i < 0 || i >= static_cast<int>(net.tensors.size()) || !known[static_cast<std::size_t>(i)]) {
        throw Error(fmt::format("{}: input tensor {} is not known at this point", where, i));
      }
      shapes.push_back(net.tensors[static_cast<std::size_t>(i)].shape);
    }
    const bool one_fresh_output = node.outputs.size() == 1 && node.outputs[0] >= 0 &&
                                  node.outputs[0] < static_cast<int>(net.tensors.size()) &&
                                  !known[static_cast<std::size_t>(node.outputs[0])];
    if (!one_fresh_output) throw Error(fmt::format("{}: expected one output that nothing else produces", where));
    const TensorInfo& out = net.tensors[static_cast<std::size_t>(node.outputs[0])];
    const Shape inferred = infer_shape(node.op, shapes, where);
    if (inferred != out.shape) {
      throw Error(fmt::format("{}: expected output {}, declared {}", where, inferred.text(), out.shape.text()));
    }
    known[static_cast<std::size_t>(node.outputs[0])] = true;
  }
  for (const int i : net.outputs) {
    if (i < 0 || i >= static_cast<int>(net.tensors.size()) || !known[static_cast<std::size_t>(i)]) {
      throw Error(fmt::format("{}: network output {} is produced by no layer", file, i));
    }
  }
  if (net.outputs.empty()) throw Error(fmt::format("{}: the network has no output", file));
  check_borders(net, file);
  check_arithmetic(net, file);
}

}  // namespace obz
