// Claims on real, trained networks: quantized to 8 bits they keep their accuracy, to 4 bits with the improvements at
// least 90 %. Calibrated on 256 images, judged on 744 others of the same training set (in-sample: what quantization
// costs, not how good the network is). The data stands outside the project.
#include <gtest/gtest.h>

#include "ref/base/file.hpp"
#include "ref/execute/fast_net.hpp"
#include "ref/execute/inputs.hpp"
#include "ref/quantize/hawq.hpp"
#include "ref/quantize/reconstruct.hpp"
#include "ref/quantize/simplify.hpp"
#include "ref/read/onnx/read_float.hpp"
#include "tests/support/shared_data.hpp"

namespace obz::test {
namespace {

constexpr std::int64_t kCalibration = 256, kAll = 1000;

class CifarQuantized : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const auto data = shared_data();
    OBZ_REQUIRE_SHARED_DATA(data / "float-weights");
    const std::string file = std::string(GetParam()) + "_cifar10.onnx";
    net_ = simplify(read_float_onnx(read_file(data / "float-weights" / file), file));
    images_ = parse_npy(read_file(data / "inputs/cifar1000_u8_nhwc.npy"), "images");
    labels_ = npy_to_int64(parse_npy(read_file(data / "inputs/cifar1000_labels.npy"), "labels"), "labels");
    const auto exact = [](float v) { return static_cast<double>(v); };
    border_.image_mean = {exact(.485F), exact(.456F), exact(.406F)};
    border_.image_deviation = {exact(.229F), exact(.224F), exact(.225F)};
  }

  IntNet quantized(const char* bits, bool improved) const {
    const FloatSamples samples(net_, images_, border_, "images");
    const ObserveOptions how{.by = improved ? Observer::mse : Observer::min_max};
    const Observations seen = observe(net_, kCalibration, samples, how);
    const RangeOf ranges = [&](const std::string& v, const Grid& grid) { return range_of(seen.at(v), how, grid); };
    HawqOptions options{.bits = read_bits(bits)};
    if (improved) {
      options.weight_scale = WeightScale::mse;
      options.overrides = correct_biases(net_, seen, options);
    }
    IntNet q = quantize_hawq(net_, ranges, options);
    q.input_borders[0].image_mean = border_.image_mean;
    q.input_borders[0].image_deviation = border_.image_deviation;
    return q;
  }

  /// Right answers among the images that were not calibrated on.
  int right(IntNet q) const {
    const FastNet fast(std::move(q));
    const InputSet inputs(fast.net(), {images_}, {"images"});
    int count = 0;
    for (std::int64_t i = kCalibration; i < kAll; ++i) {
      const std::vector<std::int32_t> scores = fast.run(inputs.sample(i))[0].data;
      const auto top = std::max_element(scores.begin(), scores.end()) - scores.begin();
      count += top == labels_[static_cast<std::size_t>(i)] ? 1 : 0;
    }
    return count;
  }

  FloatNet net_;
  NpyArray images_;
  std::vector<std::int64_t> labels_;
  InputBorder border_;
};

TEST_P(CifarQuantized, eight_bits_cost_at_most_half_a_point) {
  constexpr int float_right = 743;  // of 744, both networks at least
  const int eight = right(quantized("w8a8", false));
  RecordProperty("right", eight);
  EXPECT_GE(eight, float_right - 744 / 200);
}

TEST_P(CifarQuantized, four_bits_with_clipping_and_bias_correction_keep_ninety_percent) {
  const int plain = right(quantized("w4a4", false)), improved = right(quantized("w4a4", true));
  EXPECT_GE(improved, 744 * 9 / 10);
  EXPECT_GT(improved, plain);
}

INSTANTIATE_TEST_SUITE_P(Networks, CifarQuantized, testing::Values("resnet20", "resnet32"),
                         [](const auto& param) { return std::string(param.param); });

}  // namespace
}  // namespace obz::test
