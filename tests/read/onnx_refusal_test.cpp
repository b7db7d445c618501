// What the ONNX importer refuses, and that each refusal is one sentence naming file, node and reason.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ref/base/error.hpp"
#include "ref/read/import.hpp"
#include "tests/support/onnx_builder.hpp"
#include "tests/support/temp_dir.hpp"

namespace obz {
namespace {

using test::Dims;
using test::message_of;
using test::OnnxBuilder;
using testing::HasSubstr;

struct Refusal {
  const char* name;
  void (*build)(OnnxBuilder&);
  const char* sentence;

  friend std::ostream& operator<<(std::ostream& out, const Refusal& r) { return out << r.name; }
};

const Refusal kRefusals[] = {
    {"nothing_quantized", [](OnnxBuilder& b) { b.output(b.node("Relu", {b.input("x", {2})})); },
     "expected a quantized model"},
    {"unknown_input", [](OnnxBuilder& b) { b.output(b.node("Relu", {"nowhere"})); },
     "node \"Relu_v0\" (Relu): input \"nowhere\" is no graph input"},
    {"cycle",
     [](OnnxBuilder& b) {
       b.output(b.node("Add", {"v1", b.node("Relu", {"v0"})}));
     },
     "computed by no earlier node"},
    {"unknown_output", [](OnnxBuilder& b) { b.output("y"); }, "graph output \"y\" is computed by no node"},
    {"range_measured_before_it_changes",
     [](OnnxBuilder& b) {
       const std::string part = b.node("Slice", {b.input("x", {4}), b.list({0}), b.list({2})});
       b.output(b.node("DynamicQuantizeLinear", {part}, {}, "", 3));
     },
     "dynamic quantization behind Slice"},
    {"window_in_the_padding_alone",
     [](OnnxBuilder& b) {
       const std::string x = b.activation("x", {1, 1, 2, 2});
       b.output(b.pair(b.node("MaxPool", {x}, {{"kernel_shape", Dims{2, 2}}, {"pads", Dims{0, 0, 3, 0}}}), 0.5F, 1));
     },
     "one lies in the padding alone"},
    {"zero_points_along_the_sum",
     [](OnnxBuilder& b) {
       const std::string q = b.quantize(b.input("x", {2, 2}), 0.5F, 0);
       const std::string a =
           b.node("DequantizeLinear", {q, b.floats({0.5F, 0.5F}, {2}), b.integers(b.kInt8, {1, 2}, {2})},
                  {{"axis", std::int64_t{1}}});
       b.output(b.pair(b.node("MatMul", {a, b.activation("y", {2, 2})}), 1, 0));
     },
     "zero points along the summed axis"},
    {"float_in_between",
     [](OnnxBuilder& b) {
       b.output(b.pair(b.node("Softmax", {b.activation("x", {1, 2})}), 1, 0));
     },
     "(Softmax): not supported: this operator"},
    {"float_arithmetic_in_between",
     [](OnnxBuilder& b) {
       b.output(b.pair(b.node("Mul", {b.activation("x", {1, 2}), b.scalar(3)}), 1, 0));
     },
     "(Mul): not supported: float arithmetic between a layer and its quantizer"},
    {"unquantized_operand",
     [](OnnxBuilder& b) {
       b.output(b.pair(b.node("MatMul", {b.activation("x", {1, 2}), b.floats({1, 2}, {2, 1})}), 1, 0));
     },
     "a float that is not quantized"},
    {"one_dimensional_convolution",
     [](OnnxBuilder& b) {
       b.output(b.pair(b.node("Conv", {b.activation("x", {1, 2, 4}), b.weights({1, 2}, {1, 2, 1})}), 1, 0));
     },
     "(Conv): not supported: Conv of 1x2x4 with weights 1x2x1: 2-D convolutions are"},
    {"weights_per_wrong_axis",
     [](OnnxBuilder& b) {
       const std::string w =
           b.node("DequantizeLinear", {b.integers(b.kInt8, {1, 2, 3, 4}, {2, 2}), b.floats({1, 2}, {2})},
                  {{"axis", std::int64_t{0}}});
       b.output(b.pair(b.node("MatMul", {b.activation("x", {1, 2}), w}), 1, 0));
     },
     "2 weight scales along axis 0"},
    {"weights_in_blocks",
     [](OnnxBuilder& b) {
       const std::string w =
           b.node("DequantizeLinear", {b.integers(b.kInt8, {1, 2, 3, 4}, {4, 1}), b.floats({1, 2}, {2, 1})},
                  {{"axis", std::int64_t{0}}, {"block_size", std::int64_t{2}}});
       b.output(b.pair(b.node("MatMul", {b.activation("x", {1, 4}), w}), 1, 0));
     },
     "weights quantized in blocks"},
    {"zero_scale", [](OnnxBuilder& b) { b.output(b.pair(b.input("x", {2}), 0, 0)); }, "expected values > 0, got 0"},
    {"zero_point_type",
     [](OnnxBuilder& b) {
       b.output(b.node("DequantizeLinear", {b.input("x", {2}, b.kUInt8), b.scalar(1), b.integers(b.kInt8, {1}, {})}));
     },
     "expected uint8, got int8"},
    {"float8_output",
     [](OnnxBuilder& b) {
       b.output(b.node("QuantizeLinear", {b.input("x", {2}), b.scalar(1)}, {{"output_dtype", std::int64_t{17}}}));
     },
     "float8e4m3fn as quantized type"},
    {"float8_input",
     [](OnnxBuilder& b) {
       b.output(b.node("DequantizeLinear", {b.input("x", {2}, 17), b.scalar(1)}));
     },
     "float8e4m3fn values"},
    {"attribute_type",
     [](OnnxBuilder& b) {
       b.output(b.pair(b.node("Flatten", {b.activation("x", {2, 2})}, {{"axis", 1.0F}}), 1, 0));
     },
     "attribute \"axis\": expected an integer, got a float"},
    {"pads_count",
     [](OnnxBuilder& b) {
       b.output(b.pair(
           b.node("Conv", {b.activation("x", {1, 1, 4, 4}), b.weights({1}, {1, 1, 1, 1})}, {{"pads", Dims{1, 1}}}), 1,
           0));
     },
     "attribute \"pads\": expected 4 integers, got 2"},
    {"kernel_larger_than_input",
     [](OnnxBuilder& b) {
       b.output(b.pair(b.node("MaxPool", {b.activation("x", {1, 1, 2, 2})}, {{"kernel_shape", Dims{3, 3}}}), 1, 0));
     },
     "expected a padded extent of at least 3, got 2"},
    {"permutation",
     [](OnnxBuilder& b) {
       b.output(b.pair(b.node("Transpose", {b.activation("x", {2, 2})}, {{"perm", Dims{7, 0}}}), 1, 0));
     },
     "expected a permutation of 2 axes, got (7 0)"},
    {"reshape_size",
     [](OnnxBuilder& b) {
       b.output(b.pair(b.node("Reshape", {b.activation("x", {2, 3}), b.list({4, -1})}), 1, 0));
     },
     "cannot reshape 2x3 to 4x-1"},
    {"two_producers",
     [](OnnxBuilder& b) { b.output(b.pair(b.input(b.node("Relu", {b.activation("x", {2})}), {2}), 1, 0)); },
     "is produced twice"},
    {"negative_extent", [](OnnxBuilder& b) { b.constant(b.kFloat, {-3}, {}, "c"), b.output("c"); },
     "expected extents >= 0"},
    {"short_data",
     [](OnnxBuilder& b) {
       b.constant(b.kFloat, {3}, {1, 2, 3, 4}, "c"), b.output("c");
     },
     "expected 12 bytes for 3 float32, got 4"},
    {"huge_input",
     [](OnnxBuilder& b) {
       b.output(b.pair(b.input("x", {1 << 20, 1 << 20}), 1, 0));
     },
     "graph input \"x\": expected at most"},
    {"unreadable_name", [](OnnxBuilder& b) { b.output(b.node("Relu", {b.input("a\xFF", {2})})); },
     "a name is no readable text"},
    {"dynamic_inside",
     [](OnnxBuilder& b) { b.output(b.node("DynamicQuantizeLinear", {b.activation("x", {2})}, {}, "", 3)); },
     "dynamic quantization inside the network"},
};

class OnnxRefusal : public testing::TestWithParam<Refusal> {};

TEST_P(OnnxRefusal, says_why_in_one_sentence) {
  OnnxBuilder b;
  GetParam().build(b);
  const std::string message = message_of<Error>([&] { import_model(b.finish(), "m.onnx"); });
  EXPECT_THAT(message, HasSubstr(GetParam().sentence));
  EXPECT_EQ(message.rfind("m.onnx: ", 0), 0U) << message;
}

INSTANTIATE_TEST_SUITE_P(all, OnnxRefusal, testing::ValuesIn(kRefusals),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(OnnxRefusalOfFiles, neither_format_and_every_truncation) {
  EXPECT_THAT(message_of<Error>([] {
                import_model(Bytes{1, 2, 3}, "m.onnx");
              }),
              HasSubstr("expected a TFLite or ONNX model"));
  OnnxBuilder b;
  b.output(b.pair(b.node("MatMul", {b.activation("x", {1, 2}), b.weights({1, 2, 3, 4}, {2, 2})}), 1, 0));
  const Bytes whole = b.finish();
  for (std::size_t length = 0; length < whole.size(); ++length) {
    try {
      import_model(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)), "m.onnx");
    } catch (const Error&) {  // a sentence; anything else ends the test
    }
  }
}

}  // namespace
}  // namespace obz
