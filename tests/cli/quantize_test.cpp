// obz quantize and obz zoo as users call them, and what they say of bad input.
#include <algorithm>
#include <cstring>
#include <fstream>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "ref/base/file.hpp"
#include "ref/tensor/npy.hpp"
#include "tests/support/onnx_builder.hpp"
#include "tests/support/run_obz.hpp"

namespace obz {
namespace {

using test::shell;
using testing::HasSubstr;

NpyArray floats(const Shape& shape) {
  FloatTensor t{shape, {}};
  for (std::int64_t i = 0; i < shape.elems(); ++i) t.data.push_back(static_cast<float>((i * 29) % 17) - 8);
  return npy_from(t);
}

TEST(CliZoo, builds_a_network_that_info_runs_and_check_agree_on) {
  const test::TempDir dir;
  const std::string net = (dir / "net.obz").string(), x = (dir / "x.npy").string();
  EXPECT_THAT(shell("obz zoo").out, HasSubstr("inceptionv3"));
  const auto made = shell("obz zoo resnet20-cifar --bits w4a4 --seed 3 -o " + net + " --image " + x);
  ASSERT_EQ(made.exit_code, 0) << made.err;
  EXPECT_THAT(shell("obz info --census " + net).out, HasSubstr("INTEGER-ONLY: no division and no float operation"));
  EXPECT_EQ(nlohmann::json::parse(shell("obz info --census --json " + net).out)["division"], 0);
  EXPECT_THAT(shell("obz info --paths " + net).out, HasSubstr("of the multiplications: gemm int8"));
  EXPECT_THAT(shell("obz info --paper " + net).out, HasSubstr("40 551 040 multiply-accumulates"));
  const auto checked = shell("obz check " + net + " -i " + x + " --engines ref,fast");
  EXPECT_EQ(checked.exit_code, 0) << checked.out;
  EXPECT_THAT(checked.out, HasSubstr(" 0 differ"));
  const Bytes first = read_file(net);
  ASSERT_EQ(shell("obz zoo resnet20-cifar --bits w4a4 --seed 3 -o " + net).exit_code, 0);
  EXPECT_EQ(read_file(net), first) << "the same seed, the same file";
}

class CliQuantize : public testing::Test {
 protected:
  /// conv 2 -> 3 (1x1), ReLU, global pool, dense 3 -> 2.
  void model(const char* operation = "Relu", float weight = 0.5F, std::int64_t side = 4, bool reduce = false) {
    test::OnnxBuilder b;
    const std::string x = b.input("x", {1, 2, side, side});
    const std::string w = b.floats({weight, -0.25F, 1, 0.125F, -1, 0.75F}, {3, 2, 1, 1});
    const std::string activated = b.node(operation, {b.node("Conv", {x, w})});
    const std::vector<test::Attr> both_axes{{"axes", test::Dims{-1, 2}}, {"keepdims", std::int64_t{0}}};
    std::string flat;
    if (reduce) {
      flat = b.node("ReduceMean", {activated}, both_axes);
    } else {
      flat = b.node("Flatten", {b.node("GlobalAveragePool", {activated})});
    }
    b.output(b.node("Gemm", {flat, b.floats({1, -0.5F, 0.25F, 0.5F, 1, -1}, {2, 3})}, {{"transB", std::int64_t{1}}}));
    write_file(file("net.onnx"), b.finish());
    write_file(file("x.npy"), format_npy(floats(Shape{5, 2, 4, 4})));
  }
  std::string file(const char* name) const { return (dir_ / name).string(); }
  test::ObzResult quantize(const std::string& rest) const {
    return shell("cd " + dir_.path().string() + " && obz quantize net.onnx -o net.obz " + rest);
  }
  /// One sentence, exit code 2, nothing written.
  void refused(const std::string& rest, const std::string& sentence) const {
    const auto r = quantize(rest);
    EXPECT_EQ(r.exit_code, 2) << rest << "\n" << r.err;
    EXPECT_THAT(r.err, HasSubstr(sentence)) << rest;
    EXPECT_EQ(std::count(r.err.begin(), r.err.end(), '\n'), 1) << r.err;
    EXPECT_FALSE(std::filesystem::exists(file("net.obz"))) << rest;
  }

  test::TempDir dir_;
};

TEST_F(CliQuantize, makes_a_network_from_data_or_from_saved_ranges_alike) {
  model();
  const auto r = quantize("--calib x.npy --save-ranges r.json");
  ASSERT_EQ(r.exit_code, 0) << r.err;
  const Bytes first = read_file(file("net.obz"));
  EXPECT_EQ(shell("obz run " + file("net.obz") + " -i " + file("x.npy")).exit_code, 0);
  ASSERT_EQ(quantize("--ranges r.json").exit_code, 0);
  EXPECT_EQ(read_file(file("net.obz")), first);
}

TEST_F(CliQuantize, a_mean_over_the_image_is_a_global_pool) {
  const auto outputs = [&](bool reduce) {
    model("Relu", 0.5F, 4, reduce);
    EXPECT_EQ(quantize("--calib x.npy").exit_code, 0);
    EXPECT_EQ(shell("obz run " + file("net.obz") + " -i " + file("x.npy") + " -o " + file("y.npy")).exit_code, 0);
    return read_file(file("y.npy"));
  };
  const Bytes pooled = outputs(false);
  EXPECT_EQ(outputs(true), pooled);
}

TEST_F(CliQuantize, a_model_whose_float_weights_are_quantized_in_the_graph_is_the_float_model) {
  const auto outputs = [&](bool pairs) {
    test::OnnxBuilder b;
    const auto weights = [&](const std::vector<float>& values, const test::Dims& dims) {
      const std::string w = b.floats(values, dims);
      return pairs ? b.pair(w, 0.25F, 0) : w;
    };
    const std::string x = b.input("x", {1, 2, 4, 4});
    const std::string conv = b.node("Conv", {x, weights({0.5F, -0.3F, 1, 0.125F, -1, 0.7F}, {3, 2, 1, 1})});
    const std::string pooled = b.node("Flatten", {b.node("GlobalAveragePool", {b.node("Relu", {conv})})});
    b.output(b.node("MatMul", {pooled, weights({1, -0.6F, 0.25F, 0.5F, 1, -1}, {3, 2})}));
    write_file(file("net.onnx"), b.finish());
    write_file(file("x.npy"), format_npy(floats(Shape{5, 2, 4, 4})));
    const auto made = quantize("--calib x.npy");
    EXPECT_EQ(made.exit_code, 0) << made.err;
    EXPECT_EQ(shell("obz run " + file("net.obz") + " -i " + file("x.npy") + " -o " + file("y.npy")).exit_code, 0);
    return read_file(file("y.npy"));
  };
  const Bytes plain = outputs(false);
  EXPECT_EQ(outputs(true), plain);
}

TEST_F(CliQuantize, a_plan_of_the_rest_alone_and_one_bit_weights_with_a_word_of_warning) {
  model();
  std::ofstream(file("plan.json")) << R"({"rest": {"weights": 4}, "plan": {"source": "t.csv"}})";
  EXPECT_EQ(quantize("--calib x.npy --bits plan.json").exit_code, 0);
  std::ofstream(file("plan.json")) << R"({"layers": {"Conv_v1": {"weights": 1}}})";
  const auto r = quantize("--calib x.npy --bits plan.json");
  EXPECT_EQ(r.exit_code, 0) << r.err;
  const std::string info = shell("obz info " + file("net.obz")).out;
  EXPECT_THAT(info, HasSubstr("1 layer(s) have weights of one bit, -1 and 0"));
  EXPECT_THAT(info, HasSubstr("float input \"x\" enters as int8: value = 0.0"));
}

TEST_F(CliQuantize, says_what_is_wrong_with_its_input) {
  model();
  refused("", "nothing to take ranges from");
  refused("--calib nowhere.npy", "nowhere.npy");
  refused("--calib x.npy --bits w9a4", "expected 1..8 bits");
  refused("--calib x.npy --bits w4", "expected bits of weights and activations in 1..8");
  refused("--calib x.npy --activations odd", "--activations odd: expected one of hawq, unsigned, asymmetric");
  refused("--calib x.npy --improve luck", "--improve luck: expected one of");
  refused("--calib x.npy --activations asymmetric", "need zero points");
  refused("--calib x.npy --samples 0", "--samples 0");
  refused("--calib x.npy -p hawq-v3/exakt", "did you mean");
  refused("--calib x.npy --mean 1 --std 2,3", "--mean has 1");
  write_file(file("bad.npy"), format_npy(floats(Shape{5, 3, 4, 4})));
  refused("--calib bad.npy", "expected samples of 1x2x4x4, got 5x3x4x4");
  std::ofstream(file("plan.json")) << R"({"layers": {"conv9": {"weights": 4}}})";
  refused("--calib x.npy --bits plan.json", "plan.json: the network net has no layer \"conv9\"");
  std::ofstream(file("plan.json")) << R"({"layer": {}})";
  refused("--calib x.npy --bits plan.json", "plan.json: layer: unknown field");
  std::ofstream(file("plan.json")) << "{}";
  refused("--calib x.npy --bits plan.json", "plan.json: layers: expected an object of layers by name");
  refused("--calib x.npy --mean 123,116 --std 58,57", "--mean 123,116: expected numbers in 0..1");
  NpyArray nan = floats(Shape{5, 2, 4, 4});
  const float bad = std::numeric_limits<float>::quiet_NaN();
  std::memcpy(nan.bytes.data() + 4 * 70, &bad, 4);
  write_file(file("nan.npy"), format_npy(nan));
  refused("--calib nan.npy", "nan.npy: sample 2: element 6 is nan");
  std::ofstream(file("r.json")) << R"({"x": [0, 1]})";
  refused("--ranges r.json", "r.json: no range for value");
  std::ofstream(file("r.json")) << R"({"x": [0]})";
  refused("--ranges r.json", "expected [least, largest]");
  refused("--ranges r.json --improve reconstruct", "needs --calib");
}

TEST_F(CliQuantize, refuses_networks_that_are_not_in_scope) {
  model("Sigmoid");
  refused("--calib x.npy", "(Sigmoid): not supported");
  model("Relu", std::numeric_limits<float>::quiet_NaN());
  refused("--calib x.npy", "weight 0 is nan, expected a finite number");
  model("Relu", 0.5F, -1);
  refused("--calib x.npy", "graph input \"x\": expected a fixed extent on axis 2, got \"N\"");
  write_file(file("net.onnx"), as_bytes("no model"));
  refused("--calib x.npy", "net.onnx");
  write_file(file("net.onnx"), as_bytes("....TFL3...."));
  refused("--calib x.npy", "expected a float ONNX model, got TFLite; `obz import` takes quantized models");
}

TEST_F(CliQuantize, a_channel_of_zeros_is_named) {
  model("Relu", 0.5F);
  // weights 2 and 3 are those of output channel 1
  Bytes bytes = read_file(file("net.onnx"));
  const Bytes one{0, 0, 0x80, 0x3f, 0, 0, 0, 0x3e};
  const auto at = std::search(bytes.begin(), bytes.end(), one.begin(), one.end());
  ASSERT_NE(at, bytes.end());
  std::fill_n(at, one.size(), std::uint8_t{0});
  write_file(file("net.onnx"), bytes);
  refused("--calib x.npy", "output channel 1 has no weight beyond 0, too little for a scale");
}

}  // namespace
}  // namespace obz
