#include "ref/quantize/reconstruct.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <Eigen/Cholesky>
#include <Eigen/Core>

#include "ref/border/convert.hpp"
#include "ref/execute/fast.hpp"
#include "ref/execute/naive.hpp"
#include "ref/real/float_run.hpp"

namespace obz {
namespace {

using Rows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Matrix = Eigen::MatrixXd;

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

/// What a layer reads for one output position, in the order of its weights.
struct Patches {
  const FloatNode& node;
  Shape x, y;

  std::int64_t positions() const { return y.rank() == 4 ? y[2] * y[3] : 1; }
  std::int64_t groups() const {
    const auto* conv = std::get_if<FloatConv>(&node.op);
    return conv == nullptr ? 1 : conv->groups;
  }
  std::int64_t terms() const { return weights_of(node.op).shape.elems() / weights_of(node.op).shape[0]; }

  template <class Value>
  void read(std::int64_t position, std::int64_t group, Value value, float* to) const {
    const auto* conv = std::get_if<FloatConv>(&node.op);
    if (conv == nullptr) {
      for (std::int64_t i = 0; i < terms(); ++i) to[i] = value(at(i));
      return;
    }
    const Shape& w = conv->weights.shape;
    const std::int64_t oh = position / y[3], ow = position % y[3];
    for (std::int64_t i = 0; i < w[1]; ++i) {
      const std::int64_t ih = oh * conv->window.stride_h + i * conv->window.dilation_h - conv->window.pad_top;
      for (std::int64_t j = 0; j < w[2]; ++j) {
        const std::int64_t iw = ow * conv->window.stride_w + j * conv->window.dilation_w - conv->window.pad_left;
        const bool inside = ih >= 0 && ih < x[2] && iw >= 0 && iw < x[3];
        for (std::int64_t c = 0; c < w[3]; ++c) {
          *to++ = inside ? value(at(((group * w[3] + c) * x[2] + ih) * x[3] + iw)) : 0.0F;
        }
      }
    }
  }
};

/// Quantized and float inputs of one layer at the same positions.
struct Fit {
  Rows quantized, real;
};

/// Rounds the columns of `w` (one output channel, bias last and left real) in `order`.
std::vector<std::int32_t> round_columns(Eigen::VectorXd& w, const Matrix& upper, const std::vector<std::int64_t>& order,
                                        double scale, IntType type) {
  const auto terms = static_cast<std::int64_t>(order.size()) - 1;
  std::vector<std::int32_t> q(at(terms));
  Eigen::VectorXd v(w.size());
  for (std::int64_t i = 0; i < w.size(); ++i) v[i] = w[order[at(i)]];
  for (std::int64_t i = 0; i < terms; ++i) {
    const double rounded =
        std::clamp(std::nearbyint(v[i] / scale), static_cast<double>(type.min()), static_cast<double>(type.max()));
    q[at(order[at(i)])] = static_cast<std::int32_t>(rounded);
    const double error = (v[i] - rounded * scale) / upper(i, i);
    for (std::int64_t k = i + 1; k <= terms; ++k) v[k] -= error * upper(i, k);
  }
  w[terms] = v[terms];  // the bias stands last in the order, too
  return q;
}

class Reconstruction {
 public:
  Reconstruction(const FloatNet& net, const RangeOf& range_of, HawqOptions options, const FloatSamples& samples,
                 std::int64_t count, const ReconstructOptions& how)
      : net_(net), range_of_(range_of), options_(std::move(options)), samples_(samples), count_(count), how_(how) {}

  void layer(const FloatNode& node) {
    const IntNet quantized = quantize_hawq(net_, range_of_, options_);
    const Patches patches{node, net_.values[at(node.inputs[0])].shape, net_.values[at(node.output)].shape};
    const LayerBits bits = bits_of(net_, options_.bits).at(node.name);
    const WeightQuant plain =
        quantize_weights(weights_of(node.op), bits.weights, options_.weight_scale, net_.name + ": " + node.name);
    LayerOverride result{plain.values, bias_of(node.op)};
    const std::int64_t outputs = weights_of(node.op).shape[0] / patches.groups();
    result.bias.resize(at(outputs * patches.groups()), 0.0F);
    const std::vector<Fit> fits = gather(quantized, node, patches);
    for (std::int64_t g = 0; g < patches.groups(); ++g) {
      fit(fits[at(g)], patches, plain, g * outputs, outputs, result);
    }
    options_.overrides[node.name] = std::move(result);
  }

  std::map<std::string, LayerOverride> take() { return std::move(options_.overrides); }

 private:
  std::vector<Fit> gather(const IntNet& quantized, const FloatNode& node, const Patches& patches) const {
    const Node& mine = quantized.nodes[at(find_node(quantized, node.name))];
    const TensorInfo& operand = quantized.tensors[at(mine.inputs[0])];
    const auto scale = static_cast<float>(operand.scale);
    const std::int64_t per_sample = std::clamp<std::int64_t>(how_.rows / count_, 1, patches.positions());
    const std::int64_t rows = per_sample * count_, columns = patches.terms() + 1;
    std::vector<Fit> fits(at(patches.groups()), Fit{Rows::Ones(rows, columns), Rows::Ones(rows, columns)});
    FastExecutor fast(quantized);
    for (std::int64_t s = 0; s < count_; ++s) {
      const FloatTensor x = samples_(s);
      const auto for_rows = [&](auto read) {
        for (std::int64_t r = 0; r < per_sample; ++r) {
          const std::int64_t position = (r * patches.positions() / per_sample + s) % patches.positions();
          for (std::int64_t g = 0; g < patches.groups(); ++g) read(s * per_sample + r, position, g);
        }
      };
      run_float(net_, x, [&](int value, const FloatTensor& t) {
        if (value != node.inputs[0]) return;
        for_rows([&](std::int64_t row, std::int64_t position, std::int64_t g) {
          patches.read(
              position, g, [&](std::size_t i) { return t.data[i]; }, fits[at(g)].real.row(row).data());
        });
      });
      const InputBorder& border = quantized.input_borders[0];
      const Tensor input = quantize(border, quantized.tensors[at(border.tensor)].type, x).values;
      run_net(
          quantized, {input}, [&](const Node& n, std::span<const Tensor* const> in, Tensor& y) { fast(n, in, y); },
          [&](int value, const Tensor& t) {
            if (value != mine.inputs[0]) return;
            for_rows([&](std::int64_t row, std::int64_t position, std::int64_t g) {
              patches.read(
                  position, g,
                  [&](std::size_t i) { return static_cast<float>(t.data[i] - operand.zero_point) * scale; },
                  fits[at(g)].quantized.row(row).data());
            });
          });
    }
    return fits;
  }

  void fit(const Fit& data, const Patches& patches, const WeightQuant& plain, std::int64_t first, std::int64_t outputs,
           LayerOverride& result) const {
    const std::int64_t terms = patches.terms();
    Rows weights(outputs, terms + 1);
    const FloatNode& node = patches.node;
    for (std::int64_t o = 0; o < outputs; ++o) {
      for (std::int64_t t = 0; t < terms; ++t) weights(o, t) = weights_of(node.op).data[at((first + o) * terms + t)];
      weights(o, terms) = bias_of(node.op).empty() ? 0.0F : bias_of(node.op)[at(first + o)];
    }
    const auto count = static_cast<double>(data.quantized.rows());
    Matrix gram = (data.quantized.transpose() * data.quantized).eval().cast<double>() / count;
    const Rows missing = (data.real - data.quantized) * weights.transpose();  // what the float outputs have more
    const Matrix pull = (data.quantized.transpose() * missing).eval().cast<double>() / count;
    const double ridge = how_.damping * gram.diagonal().mean() + 1e-12;
    gram.diagonal().array() += ridge;
    const Matrix better = weights.transpose().eval().cast<double>() + gram.llt().solve(pull);

    std::vector<std::int64_t> order(at(terms));
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return gram(a, a) > gram(b, b); });
    order.push_back(terms);
    Matrix sorted(terms + 1, terms + 1);
    for (std::int64_t i = 0; i <= terms; ++i) {
      for (std::int64_t k = 0; k <= terms; ++k) sorted(i, k) = gram(order[at(i)], order[at(k)]);
    }
    const Matrix inverse = sorted.llt().solve(Matrix::Identity(terms + 1, terms + 1));
    const Matrix upper = inverse.llt().matrixU();
    for (std::int64_t o = 0; o < outputs; ++o) {
      Eigen::VectorXd w = better.col(o);
      const auto q =
          round_columns(w, upper, order, static_cast<double>(plain.scales[at(first + o)]), plain.values.type);
      std::copy(q.begin(), q.end(), result.weights.data.begin() + (first + o) * terms);
      result.bias[at(first + o)] = static_cast<float>(w[terms]);
    }
  }

  const FloatNet& net_;
  const RangeOf& range_of_;
  HawqOptions options_;
  const FloatSamples& samples_;
  std::int64_t count_;
  ReconstructOptions how_;
};

}  // namespace

std::map<std::string, LayerOverride> correct_biases(const FloatNet& net, const Observations& observations,
                                                    const HawqOptions& options) {
  std::map<std::string, LayerOverride> all;
  const auto bits = bits_of(net, options.bits);
  for (const FloatNode& node : net.nodes) {
    if (!has_weights(node.op)) continue;
    const FloatTensor& w = weights_of(node.op);
    const WeightQuant q =
        quantize_weights(w, bits.at(node.name).weights, options.weight_scale, net.name + ": " + node.name);
    LayerOverride o{q.values, bias_of(node.op)};
    const std::int64_t outputs = w.shape[0], terms = w.shape.elems() / outputs;
    o.bias.resize(at(outputs), 0.0F);
    const auto* conv = std::get_if<FloatConv>(&node.op);
    const std::int64_t inputs = conv == nullptr ? w.shape[1] : w.shape[3];
    const std::int64_t per_group = outputs / (conv == nullptr ? 1 : conv->groups);
    const auto it = observations.find(net.values[at(node.inputs[0])].name);
    if (it == observations.end()) continue;
    const std::vector<double>& means = it->second.channel_means;
    for (std::int64_t c = 0; c < outputs; ++c) {
      double shift = 0;
      for (std::int64_t t = 0; t < terms; ++t) {
        const std::size_t i = at(c * terms + t);
        const double error = static_cast<double>(q.values.data[i]) * static_cast<double>(q.scales[at(c)]) -
                             static_cast<double>(w.data[i]);
        shift += error * means[at(c / per_group * inputs + t % inputs)];
      }
      o.bias[at(c)] -= static_cast<float>(shift);
    }
    all[node.name] = std::move(o);
  }
  return all;
}

std::map<std::string, LayerOverride> reconstruct(const FloatNet& net, const RangeOf& range_of,
                                                 const HawqOptions& options, const FloatSamples& samples,
                                                 std::int64_t count, const ReconstructOptions& how,
                                                 const std::function<void(std::int64_t)>& progress) {
  Reconstruction all(net, range_of, options, samples, count, how);
  std::int64_t done = 0;
  for (const FloatNode& node : net.nodes) {
    if (!has_weights(node.op)) continue;
    all.layer(node);
    if (progress) progress(++done);
  }
  return all.take();
}

}  // namespace obz
