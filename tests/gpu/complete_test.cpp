// Sets that leave a device no freedom, through the compiled kernels: requantizers of every integer profile, matrix
// products of every pair of widths and signs, and layers.
#include "golden/complete/complete.hpp"

#include <cstdlib>

#include <gtest/gtest.h>

#include "golden/cases/requant_case.hpp"
#include "golden/cases/synth.hpp"
#include "golden/complete/complete_layer.hpp"
#include "gpu/engine.hpp"
#include "ref/arith/apply.hpp"
#include "ref/execute/naive.hpp"
#include "tests/gpu/any_device.hpp"

namespace obz {
namespace {

std::unique_ptr<Engine> engine() { return gpu::make_kernel_engine(test::device_name(), test::any_device()); }

TEST(CompleteRequant, equals_the_reference_on_complete_sets_of_every_integer_profile) {
  const auto device = engine();
  std::size_t cases = 0, profiles = 0;
  for (const Profile& profile : profile_catalogue()) {
    if (!profile.is_dyadic()) continue;
    std::vector<Channel> channels;
    Certificate certificate;
    const RequantSpace space{.profile = &profile, .out = kInt8, .goal = Goal::random, .seed = 62};
    for (std::uint64_t i = 0; i < 16; ++i) channels.push_back(draw_channel(space, i));
    const std::vector<RequantCase> set = complete_cases(profile, channels, {-(1 << 20), 1 << 20}, certificate);
    const RequantJob job{.profile = &profile, .recipe = profile.recipe, .cases = set};
    ASSERT_TRUE(device->supports(job).yes) << profile.id << ": " << device->supports(job).why;
    const std::vector<std::int64_t> got = device->run(job);
    for (std::size_t i = 0; i < set.size(); ++i) {
      ASSERT_EQ(got[i], apply_recipe(set[i].acc, profile.recipe, set[i].channel)) << profile.id << ", case " << i;
    }
    cases += set.size();
    ++profiles;
  }
  EXPECT_GT(profiles, 25U);
  EXPECT_GT(cases, 30000U);
}

/// Outputs of a complete set of `options` that were compared, all of them equal.
std::int64_t compare_complete(const SynthSpec& options) {
  const IntNet net = synthesize(options);
  const auto device = engine();
  std::int64_t compared = 0;
  for (const std::vector<Tensor>& sample : complete_inputs(net, 71).samples) {
    LayerJob job{.net = &net,
                 .node = &net.nodes[0],
                 .inputs = {},
                 .output = &net.tensors[static_cast<std::size_t>(net.outputs[0])]};
    for (const Tensor& t : sample) job.inputs.push_back(&t);
    EXPECT_TRUE(device->supports(job).yes) << device->supports(job).why;
    Tensor want(job.output->shape, job.output->type);
    run_naive(*job.node, job.inputs, want);
    EXPECT_EQ(device->run(job).output.data, want.data);
    if (::testing::Test::HasFailure()) return 0;
    compared += want.elems();
  }
  return compared;
}

TEST(CompleteMatMul, equals_the_reference_on_complete_sets_of_every_pair_of_types) {
  std::int64_t compared = 0;
  for (const IntType a : {kInt4, kUInt4, kInt8, kUInt8, IntType{2, true}, IntType{1, false}}) {
    for (const IntType b : {kInt4, kUInt4, kInt8, kUInt8, IntType{2, false}}) {
      // The others in the nightly set: thousands of launches each.
      const bool short_one = a.bits == 4 && b.bits == 4;
      if (!short_one && std::getenv("OBZ_NIGHTLY") == nullptr) continue;
      compared += compare_complete({.op = "mma", .activation = a, .weight = b});
      ASSERT_FALSE(HasFailure()) << int{a.bits} << " x " << int{b.bits} << " bits";
    }
  }
  EXPECT_GT(compared, 200000);
}

TEST(CompleteLayers, equal_the_reference_on_complete_sets) {
  EXPECT_GE(compare_complete({.op = "add", .conv = {1, 32, 32, 64, 1, 1, 1, 1, 0}}), 65536);
  EXPECT_GE(compare_complete({.op = "avgpool", .conv = {1, 11, 11, 8, 1, 3, 3, 2, 1}}), 1000);
  EXPECT_GE(compare_complete({.op = "concat", .conv = {1, 4, 4, 11, 1, 1, 1, 1, 0}}), 256);
  EXPECT_GE(compare_complete({.op = "depthwise", .conv = {1, 5, 5, 3, 3, 3, 3, 1, 1}}), 1000);
  EXPECT_GE(compare_complete({.op = "conv2d", .conv = {1, 3, 3, 4, 3, 3, 3, 1, 1}}), 1000);
}

}  // namespace
}  // namespace obz
