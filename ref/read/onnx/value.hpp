// What a value of an ONNX graph is while the graph is lowered. Integer operators appear in the network at
// once; float operators wait (Deferred) until a quantizer says what integers their result becomes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "ref/base/error.hpp"
#include "ref/net/net.hpp"
#include "ref/read/onnx/model.hpp"

namespace obz::onnx {

/// What integers mean: real = (q - zero point) * scale, per tensor, per index of an axis, or per block.
struct Quant {
  AffineScale affine{{1.0}, {0}, 0, 0, {}};
  bool is_float16 = false;  ///< the model stores the scales in float16

  bool per_tensor() const { return affine.scales.size() == 1 && affine.block == 0; }
  float scale(std::size_t i = 0) const { return static_cast<float>(affine.scales[i]); }
  std::int64_t zero_point(std::size_t i = 0) const { return affine.zero_points.empty() ? 0 : affine.zero_points[i]; }
};

/// Integers with a meaning: a value of the network, or constants (weights) that are not in it yet.
struct Operand {
  int tensor = -1;  ///< -1: `constant` holds the values
  std::shared_ptr<const Tensor> constant;
  Shape shape;
  IntType type;
  Quant quant;
  std::string id;  ///< name of the ONNX value the integers stand for
};

/// Integers of the network that nothing has given a scale.
struct Integer {
  int tensor = 0;
  Shape shape;
  IntType type;
};

/// A float graph input that has met no quantizer yet.
struct FloatInput {
  std::string name;
  Shape shape;
};

/// One float32 operation of a value with constants: one for all, or one per index of `axis`.
struct ChainStep {
  enum class Kind : std::uint8_t { add, sub, subtract_from, mul, div, clip };
  Kind kind = Kind::add;
  std::vector<float> values;  ///< 1 or the extent of `axis`; clip: {lowest, highest}
  std::int64_t axis = -1;     ///< -1: one value for all (clip always)
  std::string constant;       ///< ONNX value that holds the values, where there is one
  const NodeDef* node = nullptr;

  bool per_channel() const { return axis >= 0; }
};

/// An operator that only moves values, or picks the largest of a window: it commutes with quantizing.
struct Move {
  const NodeDef* node = nullptr;
  std::string id;     ///< of its output
  Operator op;        ///< Reshape, Transpose, Slice, Pad or MaxPool; clamp and padding value are still open
  float padding = 0;  ///< Pad: the real value
};

/// A float operator whose inputs are integers with a meaning. Geometry and constants of `op` are set, its
/// arithmetic is filled in when the output's quantization is known.
struct Deferred {
  const NodeDef* node = nullptr;
  Operator op;
  std::vector<Operand> operands;     ///< activations; weights stand in the operator's filter
  std::vector<float> weight_scales;  ///< of the filter, or of the second operand of a MatMul
  bool weights_are_float16 = false;
  float alpha = 0, beta = 0;  ///< of the function a Lookup will hold
  Shape shape;
  std::string id;  ///< of its output
  Operand sums;    ///< once emitted as plain accumulators: where they are (tensor >= 0)
};

/// A real value: a source, then float operations with constants, then movements.
struct Real {
  std::variant<FloatInput, Operand, std::shared_ptr<Deferred>> source;
  std::vector<ChainStep> chain;
  std::vector<Move> moves;
  Shape shape;

  const Operand* operand() const { return std::get_if<Operand>(&source); }
  const FloatInput* input() const { return std::get_if<FloatInput>(&source); }
  Deferred* deferred() const {
    const auto* d = std::get_if<std::shared_ptr<Deferred>>(&source);
    return d == nullptr ? nullptr : d->get();
  }
  bool is_constant() const { return operand() != nullptr && operand()->constant != nullptr; }
  bool is_plain() const { return chain.empty() && moves.empty(); }
};

/// A float that has no integer counterpart. Fine behind the last DequantizeLinear; an Error when something
/// quantizes it.
struct Outside {
  std::string reason;  ///< one sentence naming the node that made it so
};

using Value = std::variant<ConstantPtr, Integer, Real, Outside>;

/// Float operators that cannot be lowered throw this; it becomes an Outside value.
class Unsupported : public Error {
 public:
  using Error::Error;
};

}  // namespace obz::onnx
