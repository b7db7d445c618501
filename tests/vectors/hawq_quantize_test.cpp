// Claims: from the float network and the recorded ranges the quantizer derives the authors' own integers, all of them;
// and the network it builds gives their outputs on their images. The data stands outside the project.
#include <cmath>
#include <fstream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "ref/arith/profile.hpp"
#include "ref/base/error.hpp"
#include "ref/base/file.hpp"
#include "ref/execute/fast.hpp"
#include "ref/execute/inputs.hpp"
#include "ref/execute/naive.hpp"
#include "ref/quantize/hawq.hpp"
#include "ref/quantize/simplify.hpp"
#include "ref/read/onnx/read_float.hpp"
#include "ref/real/float_run.hpp"
#include "tests/support/shared_data.hpp"
#include "tests/vectors/hawq_peer.hpp"

namespace obz::test {
namespace {

using Json = nlohmann::json;

Json read_json(const std::filesystem::path& path) { return Json::parse(as_text(read_file(path))); }

/// Exact float32 values stand as hexadecimal text.
float from_hex(const Json& text) { return std::strtof(text.get<std::string>().c_str(), nullptr); }

struct Derived {
  IntNet net;
  std::map<std::string, std::string> module_of;      ///< ONNX convolution -> theirs
  std::map<std::string, std::string> activation_at;  ///< value -> their activation quantizer

  explicit Derived(const std::string& tag) {
    const auto folder = hawq_folder();
    const Json map = read_json(folder / "resnet18w16_float.onnx_map.json");
    const Json activations = read_json(folder / (tag + ".ranges.json"))["activations"];
    const auto path = folder / "resnet18w16_float.onnx";
    const FloatNet net_in = simplify(read_float_onnx(read_file(path), path.filename().string()));
    std::map<std::string, FloatRange> ranges;
    for (const auto& [name, tensor] : map["activation_range_tensor"].items()) {
      // The stem's range was recorded before its ReLU, the sums' too.
      const std::string value =
          name == "quant_act_int32" ? "features.init_block.pool.out:before_clip" : tensor.get<std::string>();
      const Json& a = activations[name];
      ranges[value] = {from_hex(a["x_min_hex"]), from_hex(a["x_max_hex"])};
      activation_at[value] = name;
    }
    HawqOptions options{.profile = "hawq-v3/torch", .scores = Scores::per_class};
    const Json graph = read_json(folder / (tag + ".json"));
    std::map<std::string, Json> nodes;
    for (const Json& n : graph["nodes"]) nodes[n["name"]] = n;
    for (const Json& c : map["conv_map"]) {
      const std::string module = c["hawq_module"];
      const std::string layer = c.contains("conv_node") ? c["conv_node"] : c["gemm_node"];
      module_of[layer] = module;
      const std::string reads = nodes.at(module)["inputs"][0];
      const std::string act = reads.substr(0, reads.rfind(".out"));
      options.bits.layers[layer] = {nodes.at(module)["weight_bits"], nodes.at(act)["bits"]};
    }
    net = quantize_hawq(
        net_in,
        [&](const std::string& value, const Grid&) {
          const auto it = ranges.find(value);
          if (it == ranges.end()) throw Error("no range for " + value);
          return it->second;
        },
        options);
  }
};

/// Their multipliers and shifts behind a convolution: the requantizer or join that reads its sums.
struct Scaling {
  std::vector<std::int64_t> m, e;
};

class Comparison {
 public:
  explicit Comparison(const std::string& tag) : dump_(tag), derived_(tag) {
    for (const Json& n : dump_.graph["nodes"]) {
      for (const auto& in : n["inputs"]) readers_[in].push_back(n);
    }
  }

  void run() {
    for (const Node& node : derived_.net.nodes) {
      if (const auto* conv = std::get_if<Conv2d>(&node.op)) convolution(node, *conv);
      if (const auto* dense = std::get_if<Dense>(&node.op)) last(*dense);
      if (const auto* rescale = std::get_if<Rescale>(&node.op)) requantizer(node, *rescale);
      if (const auto* add = std::get_if<Add>(&node.op)) join(node, *add);
    }
    EXPECT_EQ(convolutions_, 20);
    EXPECT_EQ(requantizers_, 9) << "eight units and the classifier read a 16-bit tensor";
    EXPECT_EQ(identities_, 5) << "joins without a convolution on the shortcut";
  }

 private:
  void expect_scaling(const Requant& r, const std::string& m, const std::string& e, const std::string& where) {
    const auto want_m = dump_.arrays.integers(m), want_e = dump_.arrays.integers(e);
    ASSERT_EQ(r.channels.size(), want_m.size()) << where;
    for (std::size_t i = 0; i < want_m.size(); ++i) {
      EXPECT_EQ(r.channels[i].multiplier, want_m[i]) << where << " channel " << i;
      EXPECT_EQ(r.channels[i].shift, want_e[i]) << where << " channel " << i;
    }
  }

  void convolution(const Node& node, const Conv2d& conv) {
    ++convolutions_;
    const std::string module = derived_.module_of.at(node.name);
    const NpyArray& w = dump_.arrays[module + ".weight_int"];
    const Tensor theirs = npy_to_tensor(w, kInt8, module);
    const std::int64_t o = w.shape[0], i = w.shape[1], plane = w.shape[2] * w.shape[3];
    for (std::int64_t a = 0; a < o; ++a)
      for (std::int64_t b = 0; b < i; ++b)
        for (std::int64_t p = 0; p < plane; ++p)
          ASSERT_EQ(conv.filter.weights.data[static_cast<std::size_t>((a * plane + p) * i + b)],
                    theirs.data[static_cast<std::size_t>((a * i + b) * plane + p)])
              << module;
    EXPECT_EQ(conv.filter.bias, dump_.arrays.integers(module + ".bias_int")) << module;
    std::string at = module + ".acc";
    Json reader = readers_.at(at).at(0);
    while (reader["op"] == "relu" || reader["op"] == "maxpool") {
      at = reader["output"];
      reader = readers_.at(at).at(0);
    }
    const std::string name = reader["name"];
    const bool is_join = reader["op"] == "join";
    const std::string which = !is_join ? "" : reader["inputs"][0] == at ? "_main" : "_id";
    expect_scaling(conv.requant, name + ".M" + which, name + ".E" + which, module);
  }

  void last(const Dense& dense) {
    const Tensor theirs = npy_to_tensor(dump_.arrays["quant_output.weight_int"], kInt8, "w");
    EXPECT_EQ(dense.filter.weights.data, theirs.data);
    EXPECT_EQ(dense.filter.bias, dump_.arrays.integers("quant_output.bias_int"));
  }

  void requantizer(const Node& node, const Rescale& op) {
    ++requantizers_;
    const std::string& id = derived_.net.tensors[static_cast<std::size_t>(node.outputs[0])].name;
    const std::string value = id == "flatten.out" ? "features.final_pool.out" : id;
    const std::string name = derived_.activation_at.at(value);
    expect_scaling(op.requant, name + ".M", name + ".E", name);
  }

  void join(const Node& node, const Add& op) {
    const std::string& value = derived_.net.tensors[static_cast<std::size_t>(node.outputs[0])].name;
    const std::string name = derived_.activation_at.at(value);
    const std::size_t stream =
        std::holds_alternative<Conv2d>(producer(node.inputs[1])) && op.branch_b.channels[0].multiplier == 1 ? 2 : 1;
    if (stream == 2) return;  // both branches are convolutions, compared there
    ++identities_;
    expect_scaling(op.branch_b, name + ".M_id", name + ".E_id", name);
  }

  const Operator& producer(int tensor) const {
    for (const Node& n : derived_.net.nodes) {
      if (n.outputs[0] == tensor) return n.op;
    }
    throw Error("no producer");
  }

  HawqDump dump_;
  Derived derived_;
  std::map<std::string, std::vector<Json>> readers_;
  int convolutions_ = 0, requantizers_ = 0, identities_ = 0;
};

class HawqDerived : public testing::TestWithParam<std::string> {};

TEST_P(HawqDerived, weights_biases_multipliers_and_shifts_are_theirs) {
  OBZ_REQUIRE_SHARED_DATA(hawq_folder());
  Comparison(GetParam()).run();
}

TEST_P(HawqDerived, the_network_gives_their_scores_from_their_float_image) {
  OBZ_REQUIRE_SHARED_DATA(hawq_folder());
  const HawqDump dump(GetParam());
  const Derived derived(GetParam());
  const InputSet inputs(derived.net, {dump.arrays["input_float_nchw"]}, {"image"});
  const Tensor want = npy_to_tensor(dump.arrays["t.quant_output.acc"], kInt32, "acc");
  const std::size_t classes = want.data.size() / static_cast<std::size_t>(inputs.count());
  FastExecutor fast(derived.net);
  for (std::int64_t s = 0; s < inputs.count(); ++s) {
    const auto y = run_net(derived.net, inputs.sample(s),
                           [&](const Node& n, std::span<const Tensor* const> in, Tensor& out) { fast(n, in, out); });
    for (std::size_t i = 0; i < classes; ++i) {
      ASSERT_EQ(y[0].data[i], want.data[static_cast<std::size_t>(s) * classes + i]) << "sample " << s << " class " << i;
    }
  }
  EXPECT_EQ(inputs.count(), 2);
}

INSTANTIATE_TEST_SUITE_P(Bits, HawqDerived,
                         testing::Values("resnet18w16_uniform8", "resnet18w16_uniform4", "resnet18w16_bops_0.5"),
                         [](const auto& param) {
                           std::string name = param.param;
                           std::replace(name.begin(), name.end(), '.', '_');
                           return name;
                         });

/// The float executor against PyTorch's logits.
class CifarFloat : public testing::TestWithParam<std::string> {};

TEST_P(CifarFloat, logits_are_pytorchs_to_1e_4_and_name_the_same_class) {
  const auto data = shared_data();
  OBZ_REQUIRE_SHARED_DATA(data / "float-weights");
  const FloatNet net = simplify(read_float_onnx(read_file(data / "float-weights" / (GetParam() + "_cifar10.onnx")),
                                                GetParam() + "_cifar10.onnx"));
  const NpyArray images = parse_npy(read_file(data / "inputs/cifar1000_u8_nhwc.npy"), "images");
  const FloatTensor logits =
      npy_to_floats(parse_npy(read_file(data / "golden" / (GetParam() + "_logits_f32.npy")), "logits"), "logits");
  constexpr float mean[] = {.485F, .456F, .406F}, deviation[] = {.229F, .224F, .225F};
  constexpr std::size_t classes = 10, side = 32, count = 200;
  float worst = 0;
  for (std::size_t s = 0; s < count; ++s) {
    FloatTensor x{Shape{1, 3, side, side}, std::vector<float>(3 * side * side)};
    for (std::size_t p = 0; p < side * side; ++p) {
      for (std::size_t c = 0; c < 3; ++c) {
        x.data[c * side * side + p] =
            (static_cast<float>(images.bytes[(s * side * side + p) * 3 + c]) / 255.0F - mean[c]) / deviation[c];
      }
    }
    const FloatTensor y = run_float(net, x);
    std::size_t ours = 0, theirs = 0;
    for (std::size_t i = 0; i < classes; ++i) {
      worst = std::max(worst, std::abs(y.data[i] - logits.data[s * classes + i]));
      if (y.data[i] > y.data[ours]) ours = i;
      if (logits.data[s * classes + i] > logits.data[s * classes + theirs]) theirs = i;
    }
    ASSERT_EQ(ours, theirs) << "sample " << s;
  }
  EXPECT_LT(worst, 1e-4F);
}

INSTANTIATE_TEST_SUITE_P(Networks, CifarFloat, testing::Values("resnet20", "resnet32"),
                         [](const auto& param) { return param.param; });

}  // namespace
}  // namespace obz::test
