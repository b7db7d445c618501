// The engine `gpu` and scripts/gpu_check from end to end, on a driver that stands in for a device: it runs the same PTX
// on the CPU and is strict about how NVIDIA says a driver is called (tests/gpu/stand_in). Bits and order of calls, not
// times.
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/networks.hpp"

namespace obz::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// A shell line with the stand-in as the driver; `settings` are its environment.
ObzResult on_device(const std::string& line, const std::string& settings = "") {
  return shell("export LD_LIBRARY_PATH=" OBZ_STAND_IN " " + settings + "; " + line);
}

TEST(GpuEngine, is_equal_layer_by_layer_and_leaves_nothing_behind) {
  const TempDir dir;
  const NetFiles files = quantized_digits(dir, "w4a8");
  const auto r = on_device("obz check " + files.net + " -i " + files.inputs + " -n 2 --engines gpu");
  EXPECT_EQ(r.exit_code, 0) << r.out << r.err;
  EXPECT_THAT(r.out, HasSubstr(" 0 differ"));
  EXPECT_THAT(r.err, Not(HasSubstr("stand-in:")));
}

TEST(GpuEngine, runs_a_network_as_one_graph) {
  const TempDir dir;
  const std::string net = (dir / "n.obz").string(), image = (dir / "x.npy").string();
  ASSERT_EQ(shell("obz zoo resnet18 --size 64 --bits w8a8 -o " + net + " --image " + image).exit_code, 0);
  const std::string run = "obz run " + net + " -i " + image + " -o ", calls = (dir / "calls").string();
  const auto r = on_device(run + (dir / "gpu.npy").string() + " -e gpu", "OBZ_STAND_IN_LOG=" + calls);
  ASSERT_EQ(r.exit_code, 0) << r.err;
  EXPECT_THAT(r.err, Not(HasSubstr("stand-in:")));
  ASSERT_EQ(shell(run + (dir / "fast.npy").string() + " -e fast").exit_code, 0);
  EXPECT_EQ(slurp(dir / "gpu.npy"), slurp(dir / "fast.npy"));
  const std::string log = slurp(calls);
  std::size_t graphs = 0;
  for (std::size_t at = 0; (at = log.find("cuGraphLaunch", at)) != std::string::npos; ++at) ++graphs;
  EXPECT_EQ(graphs, 1U);
}

TEST(GpuEngine, notices_a_device_with_a_defect) {
  const TempDir dir;
  const NetFiles files = quantized_digits(dir, "w8a8");
  const std::string check = "obz check " + files.net + " -i " + files.inputs + " -n 1 --engines gpu";
  const auto r = on_device(check, "OBZ_STAND_IN_FLIP=1");
  EXPECT_EQ(r.exit_code, 1) << r.out << r.err;
  EXPECT_THAT(r.out, HasSubstr(" 1 differ"));
}

TEST(GpuEngine, says_what_the_driver_refuses) {
  const TempDir dir;
  const NetFiles files = quantized_digits(dir, "w8a8");
  const std::string run =
      "obz run " + files.net + " -i " + files.inputs + " -n 1 -e gpu -o " + (dir / "y.npy").string();
  const auto full = on_device(run, "OBZ_STAND_IN_MEMORY=5000");
  EXPECT_EQ(full.exit_code, 2);
  EXPECT_THAT(full.err, HasSubstr("CUDA: "));
  EXPECT_THAT(full.err, HasSubstr("CUDA_ERROR_OUT_OF_MEMORY"));
  const auto old = on_device(run, "OBZ_STAND_IN_DRIVER=11040");
  EXPECT_EQ(old.exit_code, 2);
  EXPECT_THAT(old.err, HasSubstr("CUDA_ERROR_UNSUPPORTED_PTX_VERSION"));
  EXPECT_THAT(old.err, HasSubstr(".ptx for this device"));
  EXPECT_FALSE(std::filesystem::exists(dir / "y.npy"));
}

TEST(GpuEngine, is_skipped_without_a_device) {
  const TempDir dir;
  const NetFiles files = quantized_digits(dir, "w8a8");
  const auto r = on_device("obz run " + files.net + " -i " + files.inputs + " -e gpu", "OBZ_STAND_IN_DEVICES=0");
  EXPECT_EQ(r.exit_code, 3);
  EXPECT_THAT(r.err, HasSubstr("no device"));
}

/// The page and the figures that `scripts/gpu_check --quick` leaves.
struct Checked {
  ObzResult result;
  nlohmann::json raw;
  std::string page;
};

Checked quick_check(const TempDir& dir, const std::string& settings = "") {
  const std::string out = (dir / "measured").string();
  const std::string built = "OBZ_BUILD=$(dirname " OBZ_BINARY ") CUDA_HOME=/nowhere " + settings;
  Checked c{.result = on_device(OBZ_SOURCE_DIR "/scripts/gpu_check --quick " + out, built), .raw = {}, .page = {}};
  if (!std::filesystem::exists(out)) return c;
  for (const auto& entry : std::filesystem::directory_iterator(out)) {
    if (entry.path().extension() == ".json") c.raw = nlohmann::json::parse(slurp(entry.path()));
    if (entry.path().extension() == ".md") c.page = slurp(entry.path());
  }
  return c;
}

TEST(GpuCheck, writes_what_a_device_says) {
  const TempDir dir;
  const Checked c = quick_check(dir);
  ASSERT_EQ(c.result.exit_code, 0) << c.result.out << c.result.err;
  EXPECT_THAT(c.raw.at("device").get<std::string>(), HasSubstr("stand-in"));
  EXPECT_EQ(c.raw.at("convolutions").size(), 28U);  // 14 layers, at eight and at four bits
  for (const auto& conv : c.raw.at("convolutions")) {
    EXPECT_EQ(conv.at("differ"), 0) << conv;
    EXPECT_GT(conv.at("seconds").get<double>(), 0) << conv;
  }
  std::string names;
  for (const auto& line : c.raw.at("results")) names += line.at("name").get<std::string>() + "\n";
  EXPECT_GE(c.raw.at("results").size(), 30U) << names;
  EXPECT_THAT(names, HasSubstr("Probes."));
  EXPECT_THAT(names, HasSubstr("Kernels/EveryProfile."));
  for (const auto& line : c.raw.at("results")) EXPECT_EQ(line.at("exit"), 0) << line;
  EXPECT_THAT(c.page, HasSubstr("| digits mixed, one graph | equal: outputs equal to fast |"));
  EXPECT_THAT(c.page, Not(HasSubstr("DIFFERS")));
}

TEST(GpuCheck, says_what_differs) {
  const TempDir dir;
  const Checked c = quick_check(dir, "OBZ_STAND_IN_FLIP=1");
  EXPECT_EQ(c.result.exit_code, 1) << c.result.out << c.result.err;
  EXPECT_THAT(c.page, HasSubstr("| digits w8a8 | DIFFERS"));
  EXPECT_THAT(c.result.out, HasSubstr("DIFFERS: digits w8a8"));
}

TEST(GpuCheck, refuses_options_that_it_does_not_know) {
  const auto r = on_device(OBZ_SOURCE_DIR "/scripts/gpu_check --fast");
  EXPECT_EQ(r.exit_code, 2);
  EXPECT_EQ(r.err, "gpu_check: --fast: expected --quick or a folder\n");
}

TEST(GpuCheck, without_a_device_says_so) {
  const TempDir dir;
  const Checked none = quick_check(dir, "OBZ_STAND_IN_DEVICES=0");
  EXPECT_EQ(none.result.exit_code, 3);
  EXPECT_THAT(none.result.err, HasSubstr("no device"));
  EXPECT_FALSE(std::filesystem::exists(dir / "measured"));
}

}  // namespace
}  // namespace obz::test
