// A float network: what `obz quantize` starts from. Read from ONNX (ref/read/onnx/read_float.hpp) or built by
// ref/quantize/zoo. One input, NCHW, one sample at a time; the only networks in this project whose values are real.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ref/ops/movement.hpp"
#include "ref/ops/window.hpp"
#include "ref/tensor/tensor.hpp"

namespace obz {

/// y = bias + x * w; padding contributes 0.
struct FloatConv {
  FloatTensor weights;      ///< [O, KH, KW, I / groups]
  std::vector<float> bias;  ///< one per output channel, or empty
  std::int64_t groups = 1;
  Window window;
};

/// y = x * w^T + bias over the last axis of x [rows, I].
struct FloatDense {
  FloatTensor weights;  ///< [O, I]
  std::vector<float> bias;
};

/// y[:, c] = (x - mean) / sqrt(variance + epsilon) * gain + shift.
struct FloatBatchNorm {
  std::vector<float> gain, shift, mean, variance;
  float epsilon = 0;
};

/// y = min(max(x, lo), hi). ReLU: [0, infinity).
struct FloatClip {
  float lo = 0, hi = 0;
};

struct FloatAdd {};

struct FloatConcat {
  std::int64_t axis = 1;
};

struct FloatMaxPool {
  std::int32_t kernel_h = 1, kernel_w = 1;
  Window window;
};

/// The sum of a window over its count; a global pool has the kernel of its input.
struct FloatAvgPool {
  std::int32_t kernel_h = 1, kernel_w = 1;
  Window window;
  bool count_includes_pad = false;
};

using FloatOp = std::variant<FloatConv, FloatDense, FloatBatchNorm, FloatClip, FloatAdd, FloatConcat, FloatMaxPool,
                             FloatAvgPool, Reshape, Transpose, Slice, Pad>;

std::string_view operator_name(const FloatOp& op);

/// Slots: the number of a value in FloatNet::values.
struct FloatValue {
  std::string name;
  Shape shape;  ///< with a batch of 1
};

struct FloatNode {
  std::string name;
  std::vector<int> inputs;
  int output = 0;
  FloatOp op;
};

struct FloatNet {
  std::string name;
  std::string origin;
  std::vector<FloatValue> values;
  std::vector<FloatNode> nodes;  ///< in execution order
  int input = 0;
  int output = 0;                  ///< before a softmax, which the reader leaves out
  std::vector<std::string> notes;  ///< what was left out, one sentence each
};

/// Output shape; Error opening with `where`.
Shape infer(const FloatOp& op, std::span<const Shape> inputs, const std::string& where);

/// How often each value is read, the network's output included.
std::vector<int> use_counts(const FloatNet& net);

/// The node that produces each value; -1: the input.
std::vector<int> producers(const FloatNet& net);

/// Convolutions and dense layers: what has weights and bits. Empty name: none.
bool has_weights(const FloatOp& op);
const FloatTensor& weights_of(const FloatOp& op);
const std::vector<float>& bias_of(const FloatOp& op);

/// Multiply-accumulates of one sample, padding included.
std::int64_t macs(const FloatNet& net, const FloatNode& node);

/// Error naming the first weight, bias or constant that is not finite.
void check_finite(const FloatNet& net);

}  // namespace obz
