// How much a layer minds having fewer bits, measured on the float network with forward passes only.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "plan/table.hpp"
#include "ref/real/float_net.hpp"

namespace obz::plan {

/// With its standard error.
struct Estimate {
  double mean = 0, error = 0;
};

/// What is measured on.
struct Measurement {
  std::function<FloatTensor(std::int64_t)> sample;
  std::int64_t samples = 0;
  std::vector<std::int64_t> labels;  ///< one per sample; empty: the network's own top-1
  std::function<void(std::int64_t done, std::int64_t total)> progress = nullptr;
};

/// ||Q_b(W) - W||^2 of a layer with its folded weights, per-channel symmetric as `obz quantize` rounds them.
double weight_error(const FloatNode& layer, int bits);

struct HutchinsonOptions {
  int probes = 8;      ///< Rademacher vectors per layer
  double step = 0.01;  ///< of the root mean square of the layer's weights
  std::uint64_t seed = 1;
};

/// Mean Hessian trace Tr(H) / n of the cross-entropy loss in the weights of every layer, by M. Hutchinson's estimator
///   Tr(H) = E[v^T H v],  v^T H v ~ (L(W + h v) - 2 L(W) + L(W - h v)) / h^2,  v in {-1, 1}^n,
/// one per layer with weights, in order. The error is that of the mean over the probes.
std::vector<Estimate> hessian_traces(const FloatNet& net, const Measurement& on, const HutchinsonOptions& how);

/// KL divergence of the softmax of the network from that with one layer's weights quantized to so many bits, mean over
/// the samples: [layer][bits list].
std::vector<std::vector<Estimate>> output_kl(const FloatNet& net, const Measurement& on, const std::vector<int>& bits);

/// Rank correlation; nan for fewer than two pairs or constant ones. Ties share their rank.
double spearman(const std::vector<double>& a, const std::vector<double>& b);

}  // namespace obz::plan
