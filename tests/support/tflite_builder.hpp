// Builds small TFLite models in memory: what the importer's tests and the fuzzers start from.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tflite_schema_generated.h"
#include <flatbuffers/flatbuffers.h>

#include "ref/base/bytes.hpp"

namespace obz::test {

namespace fb = tflite_schema;

struct TensorSpec {
  std::string name;
  std::vector<int> shape;
  int type = 9;  // int8
  std::vector<float> scales{0.05F};
  std::vector<std::int64_t> zero_points{0};
  int quantized_dimension = 0;
  Bytes data;  ///< constant
};

class TfliteBuilder {
 public:
  using Options = flatbuffers::Offset<fb::Empty>;
  using MakeOptions = std::function<Options(flatbuffers::FlatBufferBuilder&)>;

  int tensor(TensorSpec spec) {
    tensors_.push_back(std::move(spec));
    return static_cast<int>(tensors_.size()) - 1;
  }
  /// An int32 list as a constant tensor.
  int list(const std::vector<std::int32_t>& values) {
    TensorSpec spec{
        .name = "list", .shape = {static_cast<int>(values.size())}, .type = 2, .scales = {}, .zero_points = {}};
    for (const std::int32_t v : values) store_le(spec.data, static_cast<std::uint32_t>(v), 4);
    return tensor(std::move(spec));
  }
  void op(int code, std::vector<int> inputs, std::vector<int> outputs, MakeOptions options = nullptr) {
    ops_.push_back({code, std::move(inputs), std::move(outputs), std::move(options)});
  }
  Bytes finish(const std::vector<int>& inputs, const std::vector<int>& outputs);

 private:
  struct Op {
    int code;
    std::vector<int> inputs, outputs;
    MakeOptions options;
  };
  std::vector<TensorSpec> tensors_;
  std::vector<Op> ops_;
};

/// Seeded bytes, a pattern that exercises both signs.
Bytes pattern(std::size_t count, unsigned seed = 1);
/// int32 little-endian.
Bytes pattern32(std::size_t count, int magnitude, unsigned seed = 1);

/// conv (same padding, relu) -> depthwise -> add -> average pool -> reshape -> fully connected -> softmax; 8x8x2 input.
Bytes small_cnn();
/// Every movement and elementwise operator once, in one graph.
Bytes operator_tour();

}  // namespace obz::test
