// Real networks on FastNet, value for value as the plain loops compute them. Skips, with a message, without the models.
#include <gtest/gtest.h>

#include "golden/cases/synth.hpp"
#include "ref/execute/fast_net.hpp"
#include "ref/execute/naive.hpp"
#include "ref/read/import.hpp"
#include "tests/support/shared_data.hpp"

namespace obz {
namespace {

namespace fs = std::filesystem;

TEST(FastNetModels, equal_ref) {
  const fs::path folder = test::shared_data() / "models";
  OBZ_REQUIRE_SHARED_DATA(folder);
  int models = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".tflite") continue;
    const IntNet net = import_model(entry.path());
    const FastNet fast(net);
    // A large network once, the others on a few samples with many values at the rails.
    const std::int64_t samples = fs::file_size(entry.path()) > 1 << 20 ? 1 : 4;
    for (std::int64_t i = 0; i < samples; ++i) {
      const auto inputs = random_inputs(net, i % 2 == 0 ? Goal::random : Goal::corners, 7, i);
      EXPECT_EQ(fast.run(inputs), run_net(net, inputs, [](const Node& n, auto in, Tensor& y) { run_naive(n, in, y); }))
          << entry.path().filename();
    }
    ++models;
  }
  EXPECT_GT(models, 0);
}

}  // namespace
}  // namespace obz
