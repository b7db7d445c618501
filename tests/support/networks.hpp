// Networks that engine tests share: the embedded digits at several widths, and real ones where they are.
#pragma once

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "tests/support/run_obz.hpp"
#include "tests/support/shared_data.hpp"
#include "tests/support/temp_dir.hpp"

namespace obz::test {

struct NetFiles {
  std::string net, inputs;
};

/// The embedded digits network, quantized anew: "w8a8", "w4a4", ... or "mixed".
inline NetFiles quantized_digits(const TempDir& dir, const std::string& bits) {
  const std::string net = (dir / "n.obz").string(), plan = (dir / "mixed.json").string();
  const std::string data = OBZ_SOURCE_DIR "/golden/data/digits/";
  std::ofstream(plan) << R"({"rest": {"weights": 4, "activations": 4},
    "layers": {"stem": {"weights": 8, "activations": 8}, "block1.conv2": {"weights": 2, "activations": 8},
               "block2.conv1": {"weights": 8, "activations": 4}}})";
  const auto made = shell("obz quantize " + data + "digits.onnx --calib " + data + "images.npy --bits " +
                          (bits == "mixed" ? plan : bits) + " -o " + net);
  EXPECT_EQ(made.exit_code, 0) << made.err;
  return {net, data + "images.npy"};
}

/// A TFLite model of the shared data with the inputs of its golden folder; nullopt where it is absent.
inline std::optional<NetFiles> imported(const TempDir& dir, const std::string& model, const std::string& golden) {
  const auto file = shared_data() / "models" / model;
  if (!std::filesystem::exists(file)) return std::nullopt;
  const std::string net = (dir / "n.obz").string();
  const auto made = shell("obz import " + file.string() + " -o " + net);
  EXPECT_EQ(made.exit_code, 0) << made.err;
  return NetFiles{net, (shared_data() / "golden" / golden / "input.npy").string()};
}

inline constexpr const char* kTfliteModels[][2] = {{"pretrainedResnet_quant.tflite", "mlperf_ic_resnet8"},
                                                   {"kws_ref_model.tflite", "mlperf_kws_dscnn"}};

}  // namespace obz::test
