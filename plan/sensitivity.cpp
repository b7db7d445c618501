#include "plan/sensitivity.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <tbb/parallel_for.h>

#include "ref/base/philox.hpp"
#include "ref/quantize/weights.hpp"
#include "ref/real/float_run.hpp"

namespace obz::plan {
namespace {

struct SetWeights {
  const std::vector<float>& values;
  template <class Op>
  void operator()(Op& op) const {
    if constexpr (requires { op.weights; }) op.weights.data = values;
  }
};

std::vector<std::size_t> layers_of(const FloatNet& net) {
  std::vector<std::size_t> layers;
  for (std::size_t n = 0; n < net.nodes.size(); ++n) {
    if (has_weights(net.nodes[n].op)) layers.push_back(n);
  }
  return layers;
}

/// log softmax, in double.
std::vector<double> log_probabilities(const FloatTensor& scores) {
  std::vector<double> p(scores.data.begin(), scores.data.end());
  const double top = *std::max_element(p.begin(), p.end());
  double sum = 0;
  for (const double v : p) sum += std::exp(v - top);
  for (double& v : p) v -= top + std::log(sum);
  return p;
}

/// Log probabilities of every sample. Independent of the number of threads.
std::vector<std::vector<double>> outputs(const FloatNet& net, const Measurement& on) {
  std::vector<std::vector<double>> all(static_cast<std::size_t>(on.samples));
  tbb::parallel_for(std::int64_t{0}, on.samples, [&](std::int64_t i) {
    all[static_cast<std::size_t>(i)] = log_probabilities(run_float(net, on.sample(i)));
  });
  return all;
}

double loss(const std::vector<std::vector<double>>& outputs, const std::vector<std::int64_t>& labels) {
  double sum = 0;
  for (std::size_t i = 0; i < outputs.size(); ++i) sum -= outputs[i][static_cast<std::size_t>(labels[i])];
  return sum / static_cast<double>(outputs.size());
}

Estimate estimate(const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  Estimate e{.mean = std::accumulate(values.begin(), values.end(), 0.0) / n};
  if (values.size() < 2) return e;
  double squares = 0;
  for (const double v : values) squares += (v - e.mean) * (v - e.mean);
  e.error = std::sqrt(squares / (n - 1) / n);
  return e;
}

std::vector<float> quantized(const FloatNode& layer, int bits) {
  const FloatTensor& weights = weights_of(layer.op);
  const WeightQuant q = quantize_weights(weights, bits, WeightScale::largest, "layer \"" + layer.name + '"');
  const std::size_t per_channel = weights.data.size() / q.scales.size();
  std::vector<float> back(weights.data.size());
  for (std::size_t i = 0; i < back.size(); ++i) {
    back[i] = static_cast<float>(q.values.data[i]) * q.scales[i / per_channel];
  }
  return back;
}

}  // namespace

double weight_error(const FloatNode& layer, int bits) {
  const FloatTensor& weights = weights_of(layer.op);
  const std::vector<float> back = quantized(layer, bits);
  double sum = 0;
  for (std::size_t i = 0; i < back.size(); ++i) {
    const double d = static_cast<double>(back[i]) - static_cast<double>(weights.data[i]);
    sum += d * d;
  }
  return sum;
}

std::vector<Estimate> hessian_traces(const FloatNet& net, const Measurement& on, const HutchinsonOptions& how) {
  const std::vector<std::size_t> layers = layers_of(net);
  const auto base_outputs = outputs(net, on);
  std::vector<std::int64_t> labels = on.labels;
  for (std::size_t i = labels.size(); i < base_outputs.size(); ++i) {
    const auto& p = base_outputs[i];
    labels.push_back(std::max_element(p.begin(), p.end()) - p.begin());
  }
  const double at = loss(base_outputs, labels);
  std::vector<Estimate> traces;
  FloatNet moved = net;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const std::vector<float> weights = weights_of(net.nodes[layers[l]].op).data;
    double squares = 0;
    for (const float w : weights) squares += static_cast<double>(w) * static_cast<double>(w);
    const double h = how.step * std::sqrt(squares / static_cast<double>(weights.size()));
    std::vector<double> values;
    for (int p = 0; p < how.probes && h > 0; ++p) {
      const auto loss_at = [&](double sign) {
        CaseRandom random(how.seed, static_cast<std::uint64_t>(p), static_cast<std::uint32_t>(l));
        std::vector<float> there = weights;
        std::uint32_t bits = 0;
        for (std::size_t i = 0; i < there.size(); ++i) {
          if (i % 32 == 0) bits = random.bits32();
          const double v = (bits >> (i % 32) & 1U) != 0 ? 1 : -1;
          there[i] = static_cast<float>(static_cast<double>(there[i]) + sign * h * v);
        }
        std::visit(SetWeights{there}, moved.nodes[layers[l]].op);
        return loss(outputs(moved, on), labels);
      };
      const double second = (loss_at(1) - 2 * at + loss_at(-1)) / (h * h);
      values.push_back(second / static_cast<double>(weights.size()));
      if (on.progress) {
        on.progress(static_cast<std::int64_t>(l) * how.probes + p + 1,
                    static_cast<std::int64_t>(layers.size()) * how.probes);
      }
    }
    std::visit(SetWeights{weights}, moved.nodes[layers[l]].op);
    traces.push_back(values.empty() ? Estimate{} : estimate(values));
  }
  return traces;
}

std::vector<std::vector<Estimate>> output_kl(const FloatNet& net, const Measurement& on, const std::vector<int>& bits) {
  const std::vector<std::size_t> layers = layers_of(net);
  const auto base = outputs(net, on);
  std::vector<std::vector<Estimate>> all;
  FloatNet moved = net;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const FloatTensor& weights = weights_of(net.nodes[layers[l]].op);
    std::vector<Estimate>& row = all.emplace_back();
    for (std::size_t b = 0; b < bits.size(); ++b) {
      std::visit(SetWeights{quantized(net.nodes[layers[l]], bits[b])}, moved.nodes[layers[l]].op);
      const auto changed = outputs(moved, on);
      std::vector<double> values;
      for (std::size_t i = 0; i < base.size(); ++i) {
        double kl = 0;
        for (std::size_t c = 0; c < base[i].size(); ++c) kl += std::exp(base[i][c]) * (base[i][c] - changed[i][c]);
        values.push_back(kl);
      }
      row.push_back(estimate(values));
      if (on.progress) {
        on.progress(static_cast<std::int64_t>(l * bits.size() + b + 1),
                    static_cast<std::int64_t>(layers.size() * bits.size()));
      }
    }
    std::visit(SetWeights{weights.data}, moved.nodes[layers[l]].op);
  }
  return all;
}

double spearman(const std::vector<double>& a, const std::vector<double>& b) {
  const auto ranks = [](const std::vector<double>& v) {
    std::vector<double> r(v.size());
    for (std::size_t i = 0; i < v.size(); ++i) {
      double below = 0, equal = 0;
      for (const double w : v) {
        below += w < v[i] ? 1 : 0;
        equal += w == v[i] ? 1 : 0;
      }
      r[i] = below + (equal - 1) / 2;
    }
    return r;
  };
  const std::vector<double> ra = ranks(a), rb = ranks(b);
  const double middle = (static_cast<double>(a.size()) - 1) / 2;
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += (ra[i] - middle) * (rb[i] - middle);
    aa += (ra[i] - middle) * (ra[i] - middle);
    bb += (rb[i] - middle) * (rb[i] - middle);
  }
  return ab / std::sqrt(aa * bb);
}

}  // namespace obz::plan
