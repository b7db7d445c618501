// Claim: ResNet18, ResNet50 and InceptionV3 at full resolution give the same integers on ref and fast, in every tensor.
// ref takes minutes, so it runs when OBZ_NIGHTLY is set; the quick run compares fast with the hash that ref gave.
#include "ref/quantize/zoo.hpp"

#include <cstdlib>
#include <ostream>

#include <gtest/gtest.h>

#include "ref/base/sha256.hpp"
#include "ref/execute/fast.hpp"
#include "ref/execute/inputs.hpp"
#include "ref/execute/naive.hpp"
#include "ref/quantize/hawq.hpp"
#include "ref/quantize/simplify.hpp"

namespace obz::test {
namespace {

struct FullSize {
  const char* name;
  const char* bits;  ///< "mixed": every second layer at 4 bits
  const char* sha256;
};

void PrintTo(const FullSize& p, std::ostream* to) { *to << p.name << " " << p.bits; }

IntNet network(const FullSize& p) {
  const FloatNet net = simplify(make_zoo_net(p.name, 1));
  const std::int64_t side = net.values[0].shape[2];
  const Observations seen = observe(net, 1, [&](std::int64_t) { return zoo_image(1, side); }, {});
  HawqOptions options;
  if (std::string(p.bits) == "mixed") {
    bool four = false;
    for (const FloatNode& n : net.nodes) {
      if (has_weights(n.op) && n.name != "conv0" && n.name != "fc" && (four = !four))
        options.bits.layers[n.name] = {4, 4};
    }
  } else {
    options.bits = read_bits(p.bits);
  }
  return quantize_hawq(
      net, [&](const std::string& v, const Grid& grid) { return range_of(seen.at(v), {}, grid); }, options);
}

/// sha256 over the hashes of all tensors, in order.
std::string hash_of(const IntNet& net, const NodeRunner& runner) {
  const Shape& s = net.tensors[static_cast<std::size_t>(net.inputs[0])].shape;
  const InputSet inputs(net, {npy_from(zoo_image(1, s[2]))}, {"image"});
  std::string all;
  run_net(net, inputs.sample(0), runner, [&](int, const Tensor& t) { all += sha256_hex(raw_bytes(t)); });
  return sha256_hex(as_bytes(all));
}

class ZooFullSize : public testing::TestWithParam<FullSize> {};

TEST_P(ZooFullSize, fast_gives_the_integers_that_ref_gave) {
  const IntNet net = network(GetParam());
  FastExecutor fast(net);
  EXPECT_EQ(hash_of(net, [&](const Node& n, std::span<const Tensor* const> in, Tensor& y) { fast(n, in, y); }),
            GetParam().sha256);
}

TEST_P(ZooFullSize, ref_still_gives_them) {
  if (std::getenv("OBZ_NIGHTLY") == nullptr) GTEST_SKIP() << "skipped: minutes; set OBZ_NIGHTLY=1 to run it";
  const IntNet net = network(GetParam());
  EXPECT_EQ(hash_of(net, [](const Node& n, std::span<const Tensor* const> in, Tensor& y) { run_naive(n, in, y); }),
            GetParam().sha256);
}

INSTANTIATE_TEST_SUITE_P(
    Networks, ZooFullSize,
    testing::Values(FullSize{"resnet18", "w8a8", "1df7c035b0beae2dc9559bbd893cade3e4beed4a37e27aa65e6010d4306129e4"},
                    FullSize{"resnet18", "w4a4", "fa7c035f6ed146d21fe5099769378f1dc681864487a273b3d6354d2353807c3e"},
                    FullSize{"resnet18", "mixed", "54eee8aea3abc1e07e4ce2b9c8cd20d37031ad143375dd800319a24e9542ed75"},
                    FullSize{"resnet50", "w8a8", "0c2c9875f2e1fe26ff3fe51ce0478149787551b361ac95996a901c62c0d6c8ca"},
                    FullSize{"resnet50", "w4a4", "92df7f44b5bdb050804724ab7f2d09e655fc2c82e710d11082ce4936e5858b4a"},
                    FullSize{"resnet50", "mixed", "7851cc04f9cdc30b8a7a83562dea45001d174009970f3fc0d35263bdf8010076"},
                    FullSize{"inceptionv3", "w8a8", "524afd3a3c50cefe2db17027aa95b06ee08bc6035deaa2cb5fd982234a6207c8"},
                    FullSize{"inceptionv3", "w4a4", "6a6dbc0c08f42dd6e497ea4d5645b30ef1a0b603401a8c14a7f72b08c7b9039e"},
                    FullSize{"inceptionv3", "mixed",
                             "385638db3a989a372750b346e19b69a0dbbd4a7cdc0521853e33304d27d4ae5d"}),
    [](const auto& param) { return std::string(param.param.name) + "_" + param.param.bits; });

}  // namespace
}  // namespace obz::test
