#include "tests/support/tflite_builder.hpp"

namespace obz::test {
namespace {

template <class T>
TfliteBuilder::Options as_options(flatbuffers::Offset<T> table) {
  return TfliteBuilder::Options(table.o);
}

enum Code {
  kAdd = 0,
  kAveragePool = 1,
  kConcat = 2,
  kConv = 3,
  kDepthwise = 4,
  kFullyConnected = 9,
  kLogistic = 14,
  kMaxPool = 17,
  kMul = 18,
  kRelu = 19,
  kRelu6 = 21,
  kReshape = 22,
  kSoftmax = 25,
  kTanh = 28,
  kPad = 34,
  kTranspose = 39,
  kMean = 40,
  kSub = 41,
  kStridedSlice = 45,
  kSplit = 49,
  kMaximum = 55,
  kMinimum = 57,
  kTransposeConv = 67,
  kQuantize = 114,
  kHardSwish = 117,
  kBatchMatmul = 126
};

TfliteBuilder::MakeOptions conv_options(int padding, int stride, int activation) {
  return [=](flatbuffers::FlatBufferBuilder& b) {
    return as_options(fb::CreateConvOptions(b, static_cast<std::int8_t>(padding), stride, stride,
                                            static_cast<std::int8_t>(activation)));
  };
}

std::vector<float> scales(std::size_t n, float first) {
  std::vector<float> s;
  for (std::size_t i = 0; i < n; ++i) s.push_back(first * (1.0F + 0.1F * static_cast<float>(i)));
  return s;
}

}  // namespace

Bytes pattern(std::size_t count, unsigned seed) {
  Bytes bytes;
  unsigned state = seed * 2654435761U + 12345U;
  for (std::size_t i = 0; i < count; ++i) {
    state = state * 1664525U + 1013904223U;
    bytes.push_back(static_cast<std::uint8_t>(state >> 24));
  }
  return bytes;
}

Bytes pattern32(std::size_t count, int magnitude, unsigned seed) {
  const Bytes raw = pattern(4 * count, seed);
  Bytes bytes;
  for (std::size_t i = 0; i < count; ++i) {
    const auto v = static_cast<std::int32_t>(load_le(raw.data() + 4 * i, 4)) % (magnitude + 1);
    store_le(bytes, static_cast<std::uint32_t>(v), 4);
  }
  return bytes;
}

Bytes TfliteBuilder::finish(const std::vector<int>& inputs, const std::vector<int>& outputs) {
  flatbuffers::FlatBufferBuilder b;
  std::vector<flatbuffers::Offset<fb::Buffer>> buffers{fb::CreateBuffer(b)};
  std::vector<flatbuffers::Offset<fb::Tensor>> tensors;
  for (const TensorSpec& t : tensors_) {
    std::uint32_t buffer = 0;
    if (!t.data.empty()) {
      buffer = static_cast<std::uint32_t>(buffers.size());
      buffers.push_back(fb::CreateBufferDirect(b, &t.data));
    }
    flatbuffers::Offset<fb::Quantization> quantization;
    if (!t.scales.empty()) {
      std::vector<std::int64_t> zero_points = t.zero_points;
      zero_points.resize(t.scales.size(), zero_points.empty() ? 0 : zero_points[0]);
      quantization = fb::CreateQuantization(b, 0, 0, b.CreateVector(t.scales), b.CreateVector(zero_points), 0, 0,
                                            t.quantized_dimension);
    }
    tensors.push_back(
        fb::CreateTensorDirect(b, &t.shape, static_cast<std::int8_t>(t.type), buffer, t.name.c_str(), quantization));
  }
  std::vector<flatbuffers::Offset<fb::OperatorCode>> codes;
  std::vector<flatbuffers::Offset<fb::Operator>> ops;
  for (const Op& op : ops_) {
    const Options options = op.options ? op.options(b) : Options();
    codes.push_back(fb::CreateOperatorCode(b, static_cast<std::int8_t>(std::min(op.code, 127)), 0, 1, op.code));
    ops.push_back(
        fb::CreateOperatorDirect(b, static_cast<std::uint32_t>(codes.size()) - 1, &op.inputs, &op.outputs, 1, options));
  }
  const auto graph = fb::CreateSubGraphDirect(b, &tensors, &inputs, &outputs, &ops, "main");
  const std::vector<flatbuffers::Offset<fb::SubGraph>> graphs{graph};
  fb::FinishModelBuffer(b, fb::CreateModelDirect(b, 3, &codes, &graphs, "test", &buffers));
  return Bytes(b.GetBufferPointer(), b.GetBufferPointer() + b.GetSize());
}

Bytes small_cnn() {
  TfliteBuilder m;
  const int x = m.tensor({.name = "x", .shape = {1, 8, 8, 2}, .scales = {0.03F}, .zero_points = {-5}});
  const int w1 = m.tensor({.name = "w1", .shape = {4, 3, 3, 2}, .scales = scales(4, 0.01F), .data = pattern(72)});
  const int b1 =
      m.tensor({.name = "b1", .shape = {4}, .type = 2, .scales = scales(4, 0.0003F), .data = pattern32(4, 2000)});
  const int y1 = m.tensor({.name = "y1", .shape = {1, 8, 8, 4}, .scales = {0.06F}, .zero_points = {-128}});
  m.op(kConv, {x, w1, b1}, {y1}, conv_options(0, 1, 1));
  const int w2 = m.tensor({.name = "w2",
                           .shape = {1, 3, 3, 4},
                           .scales = scales(4, 0.02F),
                           .quantized_dimension = 3,
                           .data = pattern(36, 2)});
  const int b2 =
      m.tensor({.name = "b2", .shape = {4}, .type = 2, .scales = scales(4, 0.0012F), .data = pattern32(4, 2000, 2)});
  const int y2 = m.tensor({.name = "y2", .shape = {1, 8, 8, 4}, .scales = {0.11F}, .zero_points = {3}});
  m.op(kDepthwise, {y1, w2, b2}, {y2},
       [](flatbuffers::FlatBufferBuilder& b) { return as_options(fb::CreateDepthwiseOptions(b, 0, 1, 1, 1)); });
  const int y3 = m.tensor({.name = "y3", .shape = {1, 8, 8, 4}, .scales = {0.13F}, .zero_points = {-7}});
  m.op(kAdd, {y1, y2}, {y3});
  const int y4 = m.tensor({.name = "y4", .shape = {1, 2, 2, 4}, .scales = {0.13F}, .zero_points = {-7}});
  m.op(kAveragePool, {y3}, {y4},
       [](flatbuffers::FlatBufferBuilder& b) { return as_options(fb::CreatePoolOptions(b, 1, 4, 4, 4, 4)); });
  const int y5 = m.tensor({.name = "y5", .shape = {1, 16}, .scales = {0.13F}, .zero_points = {-7}});
  m.op(kReshape, {y4, m.list({1, 16})}, {y5});
  const int w6 = m.tensor({.name = "w6", .shape = {5, 16}, .scales = {0.02F}, .data = pattern(80, 6)});
  const int b6 = m.tensor({.name = "b6", .shape = {5}, .type = 2, .scales = {0.0026F}, .data = pattern32(5, 900, 6)});
  const int y6 = m.tensor({.name = "y6", .shape = {1, 5}, .scales = {0.2F}, .zero_points = {11}});
  m.op(kFullyConnected, {y5, w6, b6}, {y6});
  const int y7 = m.tensor({.name = "y7", .shape = {1, 5}, .scales = {1.0F / 256}, .zero_points = {-128}});
  m.op(kSoftmax, {y6}, {y7},
       [](flatbuffers::FlatBufferBuilder& b) { return as_options(fb::CreateSoftmaxOptions(b, 1.0F)); });
  return m.finish({x}, {y7});
}

Bytes operator_tour() {
  TfliteBuilder m;
  const auto activation = [&](const char* name, std::vector<int> shape, float scale = 0.05F, std::int64_t zp = -3) {
    return m.tensor({.name = name, .shape = std::move(shape), .scales = {scale}, .zero_points = {zp}});
  };
  const int x = activation("x", {1, 4, 4, 4});
  const int transposed = activation("transposed", {1, 4, 4, 4});
  m.op(kTranspose, {x, m.list({0, 2, 1, 3})}, {transposed});
  const int padded = activation("padded", {1, 6, 6, 4});
  m.op(kPad, {transposed, m.list({0, 0, 1, 1, 1, 1, 0, 0})}, {padded});
  const int sliced = activation("sliced", {1, 4, 4, 4});
  m.op(kStridedSlice, {padded, m.list({0, 1, 1, 0}), m.list({1, 5, 5, 4}), m.list({1, 1, 1, 1})}, {sliced});
  const int left = activation("left", {1, 4, 4, 2}), right = activation("right", {1, 4, 4, 2});
  m.op(kSplit, {m.list({3}), sliced}, {left, right});
  const int joined = activation("joined", {1, 4, 4, 4});
  m.op(kConcat, {right, left}, {joined},
       [](flatbuffers::FlatBufferBuilder& b) { return as_options(fb::CreateConcatOptions(b, -1)); });
  const int larger = activation("larger", {1, 4, 4, 4}), smaller = activation("smaller", {1, 4, 4, 4});
  m.op(kMaximum, {x, joined}, {larger});
  m.op(kMinimum, {x, joined}, {smaller});
  const int difference = activation("difference", {1, 4, 4, 4}, 0.08F, 5);
  m.op(kSub, {larger, smaller}, {difference});
  const int product = activation("product", {1, 4, 4, 4}, 0.2F, 0);
  m.op(kMul, {difference, x}, {product});
  const int relu = activation("relu", {1, 4, 4, 4}, 0.1F, -128);
  m.op(kRelu, {product}, {relu});
  const int relu6 = activation("relu6", {1, 4, 4, 4}, 0.1F, -128);
  m.op(kRelu6, {relu}, {relu6});
  const int logistic = activation("logistic", {1, 4, 4, 4}, 1.0F / 256, -128);
  m.op(kLogistic, {relu6}, {logistic});
  const int tanh = activation("tanh", {1, 4, 4, 4}, 1.0F / 128, 0);
  m.op(kTanh, {logistic}, {tanh});
  const int swish = activation("swish", {1, 4, 4, 4}, 0.02F, -100);
  m.op(kHardSwish, {tanh}, {swish});
  const int pooled = activation("pooled", {1, 2, 2, 4}, 0.02F, -100);
  m.op(kMaxPool, {swish}, {pooled},
       [](flatbuffers::FlatBufferBuilder& b) { return as_options(fb::CreatePoolOptions(b, 1, 2, 2, 2, 2)); });
  const int w = m.tensor({.name = "w", .shape = {3, 2, 2, 4}, .scales = {0.01F, 0.02F, 0.03F}, .data = pattern(48, 9)});
  const int bias = m.tensor(
      {.name = "bias", .shape = {3}, .type = 2, .scales = {0.0002F, 0.0004F, 0.0006F}, .data = pattern32(3, 500, 9)});
  const int deconv = activation("deconv", {1, 4, 4, 3}, 0.05F, 2);
  m.op(kTransposeConv, {m.list({1, 4, 4, 3}), w, pooled, bias}, {deconv}, conv_options(1, 2, 0));
  const int requantized = activation("requantized", {1, 4, 4, 3}, 0.07F, -9);
  m.op(kQuantize, {deconv}, {requantized});
  const int mean = activation("mean", {1, 3}, 0.06F, 1);
  m.op(kMean, {requantized, m.list({1, 2})}, {mean},
       [](flatbuffers::FlatBufferBuilder& b) { return as_options(fb::CreateReducerOptions(b, false)); });
  const int squared = activation("squared", {3, 3}, 0.4F, 0);
  const int column = activation("column", {3, 1}, 0.06F, 1);
  m.op(kReshape, {mean, m.list({3, 1})}, {column});
  m.op(kBatchMatmul, {column, mean}, {squared},
       [](flatbuffers::FlatBufferBuilder& b) { return as_options(fb::CreateBatchMatMulOptions(b, false, false)); });
  return m.finish({x}, {squared});
}

}  // namespace obz::test
