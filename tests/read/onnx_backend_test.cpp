// Claim: under profile onnx/reference the importer and the executor reproduce ONNX's own node tests of the
// quantized operators bit by bit. The data stands outside the project.
#include <algorithm>
#include <cstdio>
#include <filesystem>

#include <gtest/gtest.h>

#include "ref/base/error.hpp"
#include "ref/base/file.hpp"
#include "ref/border/convert.hpp"
#include "ref/execute/naive.hpp"
#include "ref/read/import.hpp"
#include "ref/read/onnx/model.hpp"
#include "ref/read/onnx/tensor_proto.hpp"
#include "tests/support/shared_data.hpp"

namespace obz {
namespace {

namespace fs = std::filesystem;

NpyArray read_tensor(const fs::path& path) { return parse_tensor_proto(read_file(path), path.string()); }

/// What a network gives for one graph output: integers, dequantized floats, or what a dynamic border found.
NpyArray output_of(const IntNet& net, const std::string& name, const std::vector<Tensor>& outputs,
                   const Quantized& input) {
  for (const InputBorder& b : net.input_borders) {
    if (b.scale_output == name) return npy_from(FloatTensor{{}, {input.scale}});
    if (b.zero_point_output == name) return npy_from(Tensor({}, kUInt8, {static_cast<std::int32_t>(input.zero_point)}));
  }
  for (const OutputBorder& b : net.output_borders) {
    const auto at = std::find(net.outputs.begin(), net.outputs.end(), b.tensor) - net.outputs.begin();
    if (b.name == name) return npy_from(dequantize(b, outputs[static_cast<std::size_t>(at)]));
  }
  return npy_from(outputs.at(0));
}

/// Values of the new float formats, which are out of scope.
bool has_tiny_floats(const onnx::Model& model) {
  const auto tiny = [](const onnx::ValueDef& v) {
    const std::string type = onnx::type_name(v.type);
    return type.starts_with("float8") || type.starts_with("float4");
  };
  return std::any_of(model.inputs.begin(), model.inputs.end(), tiny) ||
         std::any_of(model.outputs.begin(), model.outputs.end(), tiny);
}

/// "ok", or the outputs that differ.
std::string run_case(const fs::path& folder, const Bytes& bytes, const onnx::Model& model) {
  const fs::path data = folder / "test_data_set_0";
  ImportOptions options;
  options.profile = "onnx/reference";
  for (std::size_t i = 1; i < model.inputs.size(); ++i) {
    options.bindings[model.inputs[i].name] = read_tensor(data / ("input_" + std::to_string(i) + ".pb"));
  }
  const IntNet net = import_model(bytes, folder.filename().string(), options);
  if (net.inputs.size() != 1) return "has other inputs than the first";

  const NpyArray x = read_tensor(data / "input_0.pb");
  const IntType type = net.tensors[static_cast<std::size_t>(net.inputs[0])].type;
  Quantized input;
  if (net.input_borders.empty()) {
    input.values = npy_to_tensor(x, type, "input_0.pb");
  } else {
    input = quantize(net.input_borders[0], type, npy_to_floats(x, "input_0.pb"));
  }
  const auto naive = [](const Node& node, std::span<const Tensor* const> in, Tensor& y) { run_naive(node, in, y); };
  const std::vector<Tensor> outputs = run_net(net, {input.values}, naive);
  std::string differing;
  for (std::size_t i = 0; i < model.outputs.size(); ++i) {
    const NpyArray expected = read_tensor(data / ("output_" + std::to_string(i) + ".pb"));
    const NpyArray got = output_of(net, model.outputs[i].name, outputs, input);
    const bool same = got.dtype() == expected.dtype() && got.shape == expected.shape && got.bytes == expected.bytes;
    if (!same) differing += " " + model.outputs[i].name;
  }
  return differing.empty() ? "ok" : "differs in" + differing;
}

TEST(onnx_backend, reproduces_the_node_tests_of_quantized_operators) {
  const fs::path root = test::shared_data() / "vectors" / "onnx-backend-node";
  OBZ_REQUIRE_SHARED_DATA(root);
  std::vector<fs::path> folders;
  for (const auto& entry : fs::directory_iterator(root)) {
    if (fs::exists(entry.path() / "model.onnx")) folders.push_back(entry.path());
  }
  std::sort(folders.begin(), folders.end());
  ASSERT_FALSE(folders.empty());
  for (const fs::path& folder : folders) {
    const Bytes bytes = read_file(folder / "model.onnx");
    const onnx::Model model = onnx::parse(bytes, folder.filename().string());
    std::string result;
    try {
      result = run_case(folder, bytes, model);
      EXPECT_EQ(result, "ok") << folder;
    } catch (const Error& e) {
      result = std::string("out of scope: ") + e.what();
      EXPECT_TRUE(has_tiny_floats(model)) << folder << ": " << e.what();
      EXPECT_NE(result.find("float"), std::string::npos) << result;
    }
    std::printf("%-52s %s\n", folder.filename().c_str(), result.c_str());
  }
}

TEST(onnx_backend, refuses_float8_inputs_in_a_sentence) {
  const fs::path model =
      test::shared_data() / "vectors" / "onnx-backend-node" / "test_dequantizelinear_e4m3fn_zero_point" / "model.onnx";
  OBZ_REQUIRE_SHARED_DATA(model);
  try {
    import_model(model);
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("float8e4m3fn"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace obz
