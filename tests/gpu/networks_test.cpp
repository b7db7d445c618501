// Whole networks through the compiled kernels: every layer beside the reference, and in one go with residual additions
// in the epilogues.
#include "tests/support/networks.hpp"

#include <cstdlib>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gpu/engine.hpp"
#include "gpu/ptx_device.hpp"
#include "ref/base/file.hpp"
#include "ref/execute/inputs.hpp"
#include "ref/net/save_load.hpp"

namespace obz {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// Every layer on `obz check`; then the whole network in one go, also its outputs.
void expect_equal(const test::NetFiles& files, int samples) {
  const auto r =
      test::shell("obz check " + files.net + " --engines ptx -i " + files.inputs + " -n " + std::to_string(samples));
  ASSERT_EQ(r.exit_code, 0) << r.err << r.out;
  EXPECT_THAT(r.out, HasSubstr(" 0 differ"));

  const IntNet net = load_net(files.net);
  const InputSet inputs(net, {files.inputs});
  const NodeRunner naive = [](const Node& n, std::span<const Tensor* const> in, Tensor& y) { run_naive(n, in, y); };
  gpu::PtxDevice device;
  gpu::WholeNet whole(device, net);
  for (int s = 0; s < samples; ++s) {
    std::map<int, Tensor> want;
    run_net(net, inputs.sample(s), naive, [&](int t, const Tensor& value) { want[t] = value; });
    std::size_t compared = 0;
    whole.run(inputs.sample(s), [&](int t, const Tensor& value) {
      if (want.count(t) == 0) return;  // a constant
      EXPECT_EQ(value.data, want[t].data) << net.tensors[static_cast<std::size_t>(t)].name;
      ++compared;
    });
    EXPECT_GT(compared, net.nodes.size() / 2);
  }
}

class PtxDigits : public ::testing::TestWithParam<const char*> {};

TEST_P(PtxDigits, are_equal) {
  const test::TempDir dir;
  expect_equal(test::quantized_digits(dir, GetParam()), 4);
}

INSTANTIATE_TEST_SUITE_P(Bits, PtxDigits, ::testing::Values("w8a8", "w4a4", "w4a8", "mixed"),
                         [](const auto& bits) { return std::string(bits.param); });

TEST(PtxNetworks, a_residual_network_adds_in_its_epilogues) {
  const test::TempDir dir;
  const std::string file = (dir / "n.obz").string(), image = (dir / "x.npy").string();
  const auto made = test::shell("obz zoo resnet18 --size 64 --bits w4a4 -o " + file + " --image " + image);
  ASSERT_EQ(made.exit_code, 0) << made.err;
  expect_equal({file, image}, 1);

  const IntNet net = load_net(file);
  gpu::PtxDevice device;
  const auto joined = gpu::lower_net(device, net), apart = gpu::lower_net(device, net, {.join = false});
  EXPECT_EQ(joined->calls.size() + 8, apart->calls.size());  // its eight additions
  EXPECT_TRUE(joined->host.empty());
}

/// Nine copies of x, rescaled: one part more than the kernel joins. Then a lookup, which has a kernel.
IntNet nine_parts() {
  IntNet net{.name = "nine parts"};
  Concat nine{.axis = 1, .x_zero_points = std::vector<std::int64_t>(9), .requants = {}};
  for (int i = 0; i < 9; ++i) {
    nine.requants.push_back({.recipe = {}, .channels = {{.multiplier = 3 + i, .shift = 3, .lo = -128, .hi = 127}}});
  }
  Lookup negated{.table = Tensor(Shape{256}, kInt8), .function = "minus x, less one"};
  for (std::size_t i = 0; i < 256; ++i) negated.table.data[i] = 127 - static_cast<std::int32_t>(i);
  net.tensors = {{.id = "x", .name = "x", .shape = Shape{2, 5}, .type = kInt8},
                 {.id = "c", .name = "c", .shape = Shape{2, 45}, .type = kInt8},
                 {.id = "y", .name = "y", .shape = Shape{2, 45}, .type = kInt8}};
  net.nodes = {{.name = "join", .inputs = std::vector<int>(9), .outputs = {1}, .op = nine},
               {.name = "negate", .inputs = {1}, .outputs = {2}, .op = negated}};
  net.inputs = {0};
  net.outputs = {2};
  return net;
}

TEST(PtxNetworks, a_layer_without_kernel_runs_on_the_host_and_says_so) {
  const test::TempDir dir;
  const std::string net = (dir / "n.obz").string(), x = (dir / "x.npy").string();
  save_net(nine_parts(), net);
  Tensor values(Shape{2, 5}, kInt8);
  for (std::size_t i = 0; i < values.data.size(); ++i) values.data[i] = static_cast<std::int32_t>(i * 25) - 128;
  write_file(x, format_npy(npy_from(values)));
  const std::string run = "obz run " + net + " -i " + x + " -o ";
  const auto r = test::shell(run + (dir / "ptx.npy").string() + " --engine ptx");
  EXPECT_EQ(r.exit_code, 0) << r.err;
  EXPECT_THAT(r.err, HasSubstr("join ran on the host: 9 parts; the kernel joins 8"));
  EXPECT_THAT(r.err, Not(HasSubstr("negate")));
  ASSERT_EQ(test::shell(run + (dir / "ref.npy").string()).exit_code, 0);
  EXPECT_EQ(read_file(dir / "ptx.npy"), read_file(dir / "ref.npy"));
}

TEST(PtxNetworks, keyword_spotting_needs_no_host) {
  const test::TempDir dir;
  const auto kws = test::imported(dir, "kws_ref_model.tflite", "mlperf_kws_dscnn");
  if (!kws) GTEST_SKIP() << "skipped: no kws_ref_model.tflite";
  gpu::PtxDevice device;
  EXPECT_TRUE(gpu::lower_net(device, load_net(kws->net))->host.empty());
}

TEST(PtxNetworks, of_tflite_are_equal) {
  const test::TempDir dir;
  for (const auto& [model, golden] : test::kTfliteModels) {
    const auto files = test::imported(dir, model, golden);
    if (!files) GTEST_SKIP() << "skipped: no " << model;
    expect_equal(*files, 4);
  }
}

TEST(PtxNetworks, cifar_resnet20_is_equal_at_eight_and_four_bits) {
  const auto data = test::shared_data();
  OBZ_REQUIRE_SHARED_DATA(data / "float-weights");
  const test::TempDir dir;
  const std::string images = (data / "inputs/cifar1000_u8_nhwc.npy").string(), net = (dir / "n.obz").string();
  for (const std::string bits : {"w8a8", "w4a4"}) {
    const auto made =
        test::shell("obz quantize " + (data / "float-weights/resnet20_cifar10.onnx").string() + " --calib " + images +
                    " --mean .485,.456,.406 --std .229,.224,.225 --samples 32 --bits " + bits + " -o " + net);
    ASSERT_EQ(made.exit_code, 0) << made.err;
    expect_equal({net, images}, 3);
  }
}

/// In the nightly set: OBZ_NIGHTLY=1.
TEST(PtxNightly, resnet50_at_full_size_is_equal) {
  if (std::getenv("OBZ_NIGHTLY") == nullptr) GTEST_SKIP() << "skipped: set OBZ_NIGHTLY=1 for the nightly set";
  const test::TempDir dir;
  const std::string file = (dir / "n.obz").string(), image = (dir / "x.npy").string();
  for (const std::string bits : {"w8a8", "w4a4"}) {
    ASSERT_EQ(test::shell("obz zoo resnet50 --bits " + bits + " -o " + file + " --image " + image).exit_code, 0);
    expect_equal({file, image}, 1);
  }
}

}  // namespace
}  // namespace obz
