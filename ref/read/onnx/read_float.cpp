#include "ref/read/onnx/read_float.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <map>
#include <set>

#include <fmt/format.h>

#include "ref/base/sha256.hpp"
#include "ref/read/onnx/constant.hpp"
#include "ref/read/onnx/fold.hpp"
#include "ref/read/onnx/geometry.hpp"
#include "ref/read/onnx/model.hpp"
#include "ref/read/onnx/movement.hpp"
#include "ref/read/onnx/node_view.hpp"

namespace obz {
namespace onnx {
namespace {

class FloatReader {
 public:
  FloatReader(const Model& model, std::string file) : model_(model), file_(std::move(file)) {
    net_.name = std::filesystem::path(file_).stem().string();
  }

  FloatNet read() {
    for (const auto& [name, constant] : model_.initializers) values_.emplace(name, constant);
    read_input();
    for (const NodeDef& node : model_.nodes) read_node(node);
    read_output();
    check_finite(net_);
    return std::move(net_);
  }

 private:
  using View = NodeView;

  void read_input() {
    const ValueDef* input = nullptr;
    for (const ValueDef& v : model_.inputs) {
      if (model_.initializers.count(v.name) != 0) continue;
      if (input != nullptr) {
        throw Error(fmt::format("{}: expected one graph input, got \"{}\" and \"{}\"", file_, input->name, v.name));
      }
      input = &v;
    }
    if (input == nullptr) throw Error(fmt::format("{}: expected one graph input, got none", file_));
    if (input->type != DataType::float32 || !input->has_shape) {
      throw Error(fmt::format("{}: graph input \"{}\": expected float32 with a shape, got {}", file_, input->name,
                              type_name(input->type)));
    }
    Shape shape;
    for (std::size_t i = 0; i < input->shape.size(); ++i) {
      const Extent& e = input->shape[i];
      if (i > 0 && !e.symbol.empty()) {
        throw Error(
            fmt::format("{}: graph input \"{}\": expected a fixed extent on axis {}, got \"{}\"; only the batch may be "
                        "open",
                        file_, input->name, i, e.symbol));
      }
      shape.push_back(e.symbol.empty() ? e.value : 1);
    }
    if (shape.rank() > 0) shape[0] = 1;  // one sample at a time
    check_shape(shape, fmt::format("{}: graph input \"{}\"", file_, input->name));
    net_.input = add_value(input->name, shape);
  }

  int add_value(const std::string& name, const Shape& shape) {
    const int slot = static_cast<int>(net_.values.size());
    net_.values.push_back({name, shape});
    slots_[name] = slot;
    values_.insert_or_assign(name, Real{FloatInput{name, shape}, {}, {}, shape});
    return slot;
  }

  const Shape& shape_at(const View& view, std::size_t i) const {
    return net_.values[static_cast<std::size_t>(slot(view, i))].shape;
  }

  int slot(const View& view, std::size_t i) const {
    const auto it = slots_.find(view.name(i));
    if (it == slots_.end()) view.unsupported(fmt::format("a constant as input {}", i));
    return it->second;
  }

  /// Names of nodes need not differ in ONNX; plans go by them.
  std::string unique(const std::string& name) {
    std::string other = name;
    for (int i = 2; !names_.insert(other).second; ++i) other = fmt::format("{}_{}", name, i);
    return other;
  }

  void emit(const View& view, FloatOp op, std::size_t inputs = 1) {
    FloatNode node{.name = unique(view.node().name), .op = std::move(op)};
    std::vector<Shape> shapes;
    for (std::size_t i = 0; i < inputs; ++i) {
      node.inputs.push_back(slot(view, i));
      shapes.push_back(shape_at(view, i));
    }
    const Shape y = infer(node.op, shapes, view.where());
    node.output = add_value(view.output(), y);
    net_.nodes.push_back(std::move(node));
  }

  void read_node(const NodeDef& node) {
    std::vector<const Value*> inputs;
    for (const std::string& name : node.inputs) {
      const auto it = values_.find(name);
      if (!name.empty() && it == values_.end()) {
        throw Error(fmt::format("{}: node \"{}\" ({}): input \"{}\" is not known at this point", file_, node.name,
                                node.op_type, name));
      }
      inputs.push_back(name.empty() ? nullptr : &it->second);
    }
    const View view(node, std::move(inputs), file_);
    for (const std::string& name : node.inputs) {
      if (!softmax_.empty() && name == softmax_) view.unsupported("an operator behind a Softmax");
    }
    if (const auto constants = fold(view)) {
      for (std::size_t i = 0; i < std::min(constants->size(), node.outputs.size()); ++i) {
        values_.insert_or_assign(node.outputs[i], (*constants)[i]);
      }
      return;
    }
    read_operator(view, node.op_type);
  }

  void read_operator(const View& view, const std::string& type) {
    if (type == "Conv") return conv(view);
    if (type == "BatchNormalization") return batch_norm(view);
    if (type == "Relu") return emit(view, FloatClip{0, std::numeric_limits<float>::infinity()});
    if (type == "Clip") return clip(view);
    if (type == "Add" || type == "Sum") return add(view);
    if (type == "Concat") return concat(view);
    if (type == "MaxPool" || type == "AveragePool") return pool(view, type == "MaxPool");
    if (type == "GlobalAveragePool") return global_pool(view);
    if (type == "Gemm" || type == "MatMul") return dense(view, type == "Gemm");
    if (type == "Identity" || type == "Dropout") return identity(view);
    if (type == "Softmax" || type == "LogSoftmax") return softmax(view, type);
    if (is_movement(type)) {
      Move move = movement_of(view, shape_at(view, 0));
      if (move.padding != 0) view.unsupported("padding with a value other than 0");
      return std::visit(
          [&](auto& op) {
            using T = std::decay_t<decltype(op)>;
            if constexpr (std::is_constructible_v<FloatOp, T>) {
              emit(view, std::move(op));
            } else {
              view.unsupported("this movement");
            }
          },
          move.op);
    }
    if (type == "ReduceMean") return reduce_mean(view);
    if (type == "QuantizeLinear") return quantize(view);
    if (type == "DequantizeLinear") return dequantize(view);
    if (type.starts_with("QLinear") || type == "Quant") {
      view.unsupported("a quantized model; `obz import` takes it");
    }
    view.unsupported(
        "this operator; float networks of convolutions, dense layers, normalization, pools, additions and "
        "concatenations are in scope");
  }

  void conv(const View& view) {
    view.require_inputs(2, 3);
    const Shape& x = shape_at(view, 0);
    const Shape& w = view.known(1, "weights").array.shape;
    if (x.rank() != 4 || w.rank() != 4) view.unsupported(fmt::format("a convolution over {}: rank 4 is", x.text()));
    FloatConv op{.groups = view.integer("group", 1)};
    op.window = window_of(view, {x[2], x[3]}, {w[2], w[3]});
    const std::vector<float> values = view.floats(1, "weights");
    op.weights = {Shape{w[0], w[2], w[3], w[1]}, std::vector<float>(values.size())};
    const std::int64_t plane = w[2] * w[3];
    for (std::int64_t o = 0; o < w[0]; ++o) {
      for (std::int64_t i = 0; i < w[1]; ++i) {
        for (std::int64_t p = 0; p < plane; ++p) {
          op.weights.data[static_cast<std::size_t>((o * plane + p) * w[1] + i)] =
              values[static_cast<std::size_t>((o * w[1] + i) * plane + p)];
        }
      }
    }
    if (view.has(2)) op.bias = per_channel(view, 2, "bias", w[0]);
    emit(view, std::move(op));
  }

  std::vector<float> per_channel(const View& view, std::size_t i, const char* what, std::int64_t count) const {
    std::vector<float> values = view.floats(i, what);
    if (static_cast<std::int64_t>(values.size()) != count) {
      view.fail(fmt::format("{}: expected {} values, got {}", what, count, values.size()));
    }
    return values;
  }

  void batch_norm(const View& view) {
    view.require_inputs(5, 5);
    if (view.integer("training_mode", 0) != 0) view.unsupported("training mode");
    const Shape& x = shape_at(view, 0);
    const std::int64_t channels = x.rank() > 1 ? x[1] : 0;
    constexpr float usual_epsilon = 1e-5F;
    FloatBatchNorm op{per_channel(view, 1, "scale", channels), per_channel(view, 2, "B", channels),
                      per_channel(view, 3, "mean", channels), per_channel(view, 4, "var", channels),
                      view.real("epsilon", usual_epsilon)};
    for (const float v : op.variance) {
      if (v + op.epsilon <= 0) view.fail(fmt::format("expected variances > 0, got {}", v));
    }
    emit(view, std::move(op));
  }

  void clip(const View& view) {
    const float infinity = std::numeric_limits<float>::infinity();
    FloatClip op{view.real("min", -infinity), view.real("max", infinity)};
    if (view.has(1)) op.lo = view.scalar(1, "min");
    if (view.has(2)) op.hi = view.scalar(2, "max");
    if (!(op.lo <= op.hi)) view.fail(fmt::format("expected min <= max, got {} and {}", op.lo, op.hi));
    if (op.lo != 0 && op.lo != -infinity) view.unsupported(fmt::format("a lower bound of {}: 0 is", op.lo));
    emit(view, op);
  }

  void add(const View& view) {
    view.require_inputs(2, 2);
    const std::size_t constant = view.constant(0) != nullptr ? 0 : view.constant(1) != nullptr ? 1 : 2;
    if (constant < 2) return add_bias(view, 1 - constant, constant);
    emit(view, FloatAdd{}, 2);
  }

  /// A constant per channel behind a convolution or dense layer is its bias (PyTorch exports of Linear: MatMul, Add).
  void add_bias(const View& view, std::size_t activation, std::size_t constant) {
    const int x = slot(view, activation);
    const std::vector<float> values = view.floats(constant, "bias");
    for (FloatNode& node : net_.nodes) {
      auto* dense = node.output == x ? std::get_if<FloatDense>(&node.op) : nullptr;
      if (dense == nullptr || !dense->bias.empty() ||
          static_cast<std::int64_t>(values.size()) != dense->weights.shape[0]) {
        continue;
      }
      dense->bias = values;
      slots_[view.output()] = x;
      values_.insert_or_assign(view.output(), values_.at(net_.values[static_cast<std::size_t>(x)].name));
      return;
    }
    view.unsupported("adding a constant that is not the bias of a dense layer");
  }

  void concat(const View& view) {
    const auto rank = static_cast<std::int64_t>(shape_at(view, 0).rank());
    std::int64_t axis = view.integer("axis", 1);
    if (axis < -rank || axis >= rank)
      view.fail(fmt::format("expected an axis in {}..{}, got {}", -rank, rank - 1, axis));
    axis += axis < 0 ? rank : 0;
    emit(view, FloatConcat{axis}, view.input_count());
  }

  void pool(const View& view, bool maximum) {
    const Shape& x = shape_at(view, 0);
    if (x.rank() != 4) view.unsupported(fmt::format("a pool over {}: rank 4 is", x.text()));
    const Extents kernel = kernel_of(view);
    const bool counts = view.integer("count_include_pad", 0) != 0;
    const Window window = window_of(view, {x[2], x[3]}, kernel, !maximum && counts);
    const auto kh = static_cast<std::int32_t>(kernel[0]), kw = static_cast<std::int32_t>(kernel[1]);
    if (maximum) return emit(view, FloatMaxPool{kh, kw, window});
    emit(view, FloatAvgPool{kh, kw, window, counts});
  }

  void global_pool(const View& view) {
    const Shape& x = shape_at(view, 0);
    if (x.rank() != 4) view.unsupported(fmt::format("a pool over {}: rank 4 is", x.text()));
    emit(view, FloatAvgPool{static_cast<std::int32_t>(x[2]), static_cast<std::int32_t>(x[3]), {}, false});
  }

  /// Over both axes of an image: a global pool, and a Reshape where the axes go.
  void reduce_mean(const View& view) {
    const Shape& x = shape_at(view, 0);
    std::vector<std::int64_t> axes = view.has(1) ? view.integers(1, "axes") : view.integer_list("axes");
    for (std::int64_t& a : axes) a += a < 0 ? static_cast<std::int64_t>(x.rank()) : 0;
    std::sort(axes.begin(), axes.end());
    if (x.rank() != 4 || axes != std::vector<std::int64_t>{2, 3}) {
      view.unsupported("a mean over other axes than height and width");
    }
    const FloatAvgPool pool{static_cast<std::int32_t>(x[2]), static_cast<std::int32_t>(x[3]), {}, false};
    if (view.integer("keepdims", 1) != 0) return emit(view, pool);
    const int pooled = add_value(view.output() + ":pooled", Shape{x[0], x[1], 1, 1});
    const std::string name = unique(view.node().name);
    net_.nodes.push_back({name, {slot(view, 0)}, pooled, pool});
    const int y = add_value(view.output(), Shape{x[0], x[1]});
    net_.nodes.push_back({unique(name + ":reshape"), {pooled}, y, Reshape{.shape = Shape{x[0], x[1]}}});
  }

  void dense(const View& view, bool gemm) {
    view.require_inputs(2, gemm ? 3 : 2);
    if (gemm && (view.real("alpha", 1) != 1 || view.integer("transA", 0) != 0)) {
      view.unsupported("alpha other than 1, or transA");
    }
    const Shape& w = view.known(1, "weights").array.shape;
    if (w.rank() != 2) view.unsupported(fmt::format("weights of shape {}: rank 2 is", w.text()));
    const bool transposed = gemm && view.integer("transB", 0) != 0;
    const std::int64_t outputs = transposed ? w[0] : w[1], inputs = transposed ? w[1] : w[0];
    const std::vector<float> values = view.floats(1, "weights");
    FloatDense op{{Shape{outputs, inputs}, std::vector<float>(values.size())}, {}};
    for (std::int64_t o = 0; o < outputs; ++o) {
      for (std::int64_t i = 0; i < inputs; ++i) {
        op.weights.data[static_cast<std::size_t>(o * inputs + i)] =
            values[static_cast<std::size_t>(transposed ? o * inputs + i : i * outputs + o)];
      }
    }
    if (view.has(2)) {
      if (view.real("beta", 1) != 1) view.unsupported("beta other than 1");
      op.bias = per_channel(view, 2, "bias", outputs);
    }
    emit(view, std::move(op));
  }

  void identity(const View& view) {
    slots_[view.output()] = slot(view, 0);
    values_.insert_or_assign(view.output(), view.in(0));
  }

  /// The grid of a QDQ model's activations is left out: another one will be chosen.
  void quantize(const View& view) {
    const std::string note = "the model's own quantization of activations is left out, clipping by it included";
    if (view.constant(0) != nullptr) return keep_constant(view);
    if (std::find(net_.notes.begin(), net_.notes.end(), note) == net_.notes.end()) net_.notes.push_back(note);
    identity(view);
  }

  /// Float weights in front of their own quantization stay what they are.
  void keep_constant(const View& view) { values_.insert_or_assign(view.output(), view.in(0)); }

  /// Constants become the floats that they stand for.
  void dequantize(const View& view) {
    const Constant* x = view.constant(0);
    if (x == nullptr) return identity(view);
    if (x->type == DataType::float32) return keep_constant(view);
    view.require_inputs(2, 3);
    const std::vector<std::int64_t> values = view.integers(0, "x");
    const std::vector<float> scales = view.floats(1, "scale");
    const std::vector<std::int64_t> zeros =
        view.has(2) ? view.integers(2, "zero point") : std::vector<std::int64_t>(scales.size());
    const Shape& shape = x->array.shape;
    std::int64_t axis = scales.size() == 1 ? 0 : view.integer("axis", 1);
    axis += axis < 0 ? static_cast<std::int64_t>(shape.rank()) : 0;
    // A vector of scales may come with the default axis of 1, where a bias has one axis only.
    if (shape.rank() == 1) axis = 0;
    const bool fits =
        view.integer("block_size", 0) == 0 && zeros.size() == scales.size() &&
        (scales.size() == 1 || (axis >= 0 && axis < static_cast<std::int64_t>(shape.rank()) &&
                                shape[static_cast<std::size_t>(axis)] == static_cast<std::int64_t>(scales.size())));
    if (!fits) view.unsupported(fmt::format("{} scales over weights of shape {}", scales.size(), shape.text()));
    const std::int64_t inner = scales.size() == 1
                                   ? std::max<std::int64_t>(1, static_cast<std::int64_t>(values.size()))
                                   : elems_between(shape, static_cast<std::size_t>(axis) + 1, shape.rank());
    std::vector<float> floats(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::size_t c = i / static_cast<std::size_t>(inner) % scales.size();
      floats[i] = static_cast<float>(values[i] - zeros[c]) * scales[c];
    }
    values_.insert_or_assign(view.output(), make_floats(shape, floats));
  }

  void softmax(const View& view, const std::string& type) {
    softmax_ = view.output();
    slots_[softmax_] = slot(view, 0);
    values_.insert_or_assign(softmax_, view.in(0));
    net_.notes.push_back(fmt::format("{} \"{}\" is left out: the outputs are its inputs, in the same order of size",
                                     type, view.node().name));
  }

  void read_output() {
    if (model_.outputs.size() != 1) {
      throw Error(fmt::format("{}: expected one graph output, got {}", file_, model_.outputs.size()));
    }
    const auto it = slots_.find(model_.outputs[0].name);
    if (it == slots_.end()) {
      throw Error(fmt::format("{}: graph output \"{}\" is not computed from the input", file_, model_.outputs[0].name));
    }
    net_.output = it->second;
  }

  const Model& model_;
  std::string file_;
  FloatNet net_;
  std::map<std::string, Value> values_;
  std::map<std::string, int> slots_;
  std::set<std::string> names_;  ///< of nodes
  std::string softmax_;          ///< output of the one that was left out
};

}  // namespace
}  // namespace onnx

FloatNet read_float_onnx(ByteView bytes, const std::string& file) {
  constexpr std::size_t identifier_at = 4, identifier = 4;
  if (bytes.size() >= identifier_at + identifier && as_text(bytes.subspan(identifier_at, identifier)) == "TFL3") {
    throw Error(fmt::format("{}: expected a float ONNX model, got TFLite; `obz import` takes quantized models", file));
  }
  const onnx::Model model = onnx::parse(bytes, file);
  constexpr std::int64_t oldest = 7;  // before it, additions broadcast by an attribute
  if (model.opset < oldest) {
    throw Error(fmt::format("{}: expected operators of opset {} or later, got {}", file, oldest,
                            model.opset == 0 ? "no opset" : fmt::format("{}", model.opset)));
  }
  FloatNet net = onnx::FloatReader(model, file).read();
  net.origin = fmt::format("{} sha256 {}", std::filesystem::path(file).filename().string(), sha256_hex(bytes));
  return net;
}

}  // namespace obz
